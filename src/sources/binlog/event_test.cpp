#include "sources/binlog/event.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.hpp"
#include "tests/support/log_bytes.hpp"

namespace lodestone::sources {
namespace {

using test::LogBytes;
using testing::HasSubstr;

/// An event of the log as it stands in `bytes`, which must outlive it.
Event open(const std::string& bytes) { return EventFramer().open(bytes); }

template <typename Action>
std::string fault_of(ErrorCode code, const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    return error.message();
  }
  return "nothing was thrown";
}

/// Every cut of the body is corrupt.
template <typename Parse>
void expect_cuts_are_corrupt(std::uint8_t type, const std::string& body, const Parse& parse) {
  for (std::size_t size = 0; size < body.size(); ++size) {
    const std::string bytes = test::log_event(type, body.substr(0, size));
    EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { parse(open(bytes)); }), HasSubstr("is damaged")) << size;
  }
}

std::string with_checksum(std::string event) {
  const auto size = static_cast<std::uint32_t>(event.size() + 4);
  for (unsigned i = 0; i < 4; ++i) event[9 + i] = static_cast<char>(size >> 8 * i & 0xffU);
  const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(event.data()), event.size());
  return event + LogBytes().little(crc, 4).bytes;
}

TEST(Event, header_and_body_are_told_apart) {
  const std::string bytes = test::log_event(16, LogBytes().little(99, 8).bytes);
  const Event event = open(bytes);
  EXPECT_EQ(event.header.type, EventType::kXid);
  EXPECT_EQ(event.header.timestamp, 1'772'236'800U);
  EXPECT_EQ(event.header.server_id, 1U);
  EXPECT_EQ(event.header.end_position, 4711U);
  EXPECT_EQ(parse_xid(event), 99U);
}

TEST(Event, another_length_than_the_header_says_is_corrupt) {
  const std::string bytes = test::log_event(16, LogBytes().little(99, 8).bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { open(bytes.substr(0, size)); }), HasSubstr("is damaged")) << size;
  }
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { open(bytes + "x"); }),
              HasSubstr("the XID event that ends at byte 4711 is damaged: it has 28 bytes where its header says 27"));
}

TEST(Event, checksums_are_verified) {
  const std::string bytes = with_checksum(test::log_event(16, LogBytes().little(99, 8).bytes));
  EventFramer framer(EventChecksum::kCrc32);
  EXPECT_EQ(parse_xid(framer.open(bytes)), 99U);
  for (std::size_t at = 19; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { framer.open(damaged); }), HasSubstr("the checksum")) << at;
  }
}

TEST(Event, the_format_description_tells_versions_sizes_and_checksums) {
  EventFramer framer(EventChecksum::kCrc32);
  framer.open(test::log_format("8.0.36-log"));
  EXPECT_EQ(framer.server_version(), "8.0.36-log");
  EXPECT_EQ(framer.post_header_size(EventType::kTableMap), 8U);
  EXPECT_EQ(framer.post_header_size(EventType::kDeleteRowsCompressed), 10U);
  EXPECT_EQ(parse_xid(framer.open(test::log_event(16, LogBytes().little(7, 8).bytes))), 7U);  // no checksum any more

  // The same with a checksum: the kind stands before it.
  std::string format = test::log_format("10.11.19-MariaDB-log");
  format.resize(format.size() - 5);
  format += '\x01';
  framer.open(with_checksum(format));
  EXPECT_EQ(framer.server_version(), "10.11.19-MariaDB-log");
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { framer.open(test::log_event(16, LogBytes().little(7, 8).bytes)); }),
              HasSubstr("the checksum"));
}

TEST(Event, a_format_description_cut_anywhere_is_corrupt) {
  const std::string whole = test::log_format("10.11.19-MariaDB").substr(19);
  for (std::size_t size = 0; size < 57; ++size) {
    const std::string bytes = test::log_event(15, whole.substr(0, size));
    EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { open(bytes); }), HasSubstr("is damaged")) << size;
  }
}

TEST(Event, a_log_in_use_has_the_checksum_of_a_closed_one) {
  std::string format = test::log_format("10.11.19-MariaDB-log");
  format.resize(format.size() - 5);
  format += '\x01';
  std::string bytes = with_checksum(format);
  bytes[17] = '\x01';
  EventFramer framer;
  framer.open(bytes);
  EXPECT_EQ(framer.server_version(), "10.11.19-MariaDB-log");
}

TEST(Event, transactions_of_mariadb_have_an_id) {
  const std::string body = LogBytes().little(42, 8).little(7, 4).little(0x21, 1).bytes;
  const std::string bytes = test::log_event(162, body);
  const GtidEvent gtid = parse_gtid(open(bytes));
  EXPECT_EQ(gtid.gtid, (Gtid{7, 1, 42}));
  EXPECT_TRUE(gtid.is_standalone);
  EXPECT_TRUE(gtid.is_ddl);
  EXPECT_FALSE(gtid.is_prepared_xa);
  expect_cuts_are_corrupt(162, body, parse_gtid);
}

TEST(Event, gtid_lists_are_positions) {
  const std::string body =
      LogBytes().little(0x10000002, 4).little(0, 4).little(1, 4).little(42, 8).little(7, 4).little(2, 4).little(3, 8).bytes;
  const std::string bytes = test::log_event(163, body);
  EXPECT_EQ(parse_gtid_list(open(bytes)).format(), "0-1-42,7-2-3");
  expect_cuts_are_corrupt(163, body, parse_gtid_list);
}

TEST(Event, statements_come_with_their_database) {
  const std::string head =
      LogBytes().little(5, 4).little(0, 4).little(4, 1).little(0, 2).little(3, 2).text("abc").text("shop").little(0, 1).bytes;
  const std::string bytes = test::log_event(2, head + "DROP TABLE t");
  const QueryEvent query = parse_query(open(bytes));
  EXPECT_EQ(query.database, "shop");
  EXPECT_EQ(query.sql, "DROP TABLE t");
  expect_cuts_are_corrupt(2, head, parse_query);

  const std::string load_bytes = test::log_event(18, LogBytes()
                                                         .little(5, 4)
                                                         .little(0, 4)
                                                         .little(0, 1)
                                                         .little(0, 2)
                                                         .little(0, 2)
                                                         .text(std::string(13, 'x'))
                                                         .little(0, 1)
                                                         .text("LOAD")
                                                         .bytes);
  EXPECT_EQ(parse_query(open(load_bytes)).sql, "LOAD");
}

TEST(Event, compressed_statements_are_unpacked) {
  const std::string sql(1000, 'x');
  std::string packed(compressBound(sql.size()), '\0');
  uLongf size = packed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(sql.data()), sql.size()),
            Z_OK);
  packed.resize(size);
  const std::string head = LogBytes().little(5, 4).little(0, 4).little(0, 1).little(0, 2).little(0, 2).little(0, 1).bytes;
  const std::string body = LogBytes().text(head).little(0x82, 1).big(1000, 2).text(packed).bytes;
  const std::string bytes = test::log_event(165, body);
  EXPECT_EQ(parse_query(open(bytes)).sql, sql);
  expect_cuts_are_corrupt(165, body, parse_query);
  const std::string wrong = test::log_event(165, LogBytes().text(head).little(0x82, 1).big(999, 2).text(packed).bytes);
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { parse_query(open(wrong)); }), HasSubstr("do not unpack to what they say"));
  const std::string huge = test::log_event(165, LogBytes().text(head).little(0x84, 1).big(0xffffffff, 4).text(packed).bytes);
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { parse_query(open(huge)); }), HasSubstr("cannot hold as much as they say"));
  const std::string unknown = test::log_event(165, LogBytes().text(head).little(0x92, 1).big(1000, 2).text(packed).bytes);
  EXPECT_THAT(fault_of(ErrorCode::kCorrupt, [&] { parse_query(open(unknown)); }), HasSubstr("an unknown kind of compression"));
}

TEST(Event, rotations_name_the_next_file) {
  const std::string bytes = test::log_event(4, LogBytes().little(4, 8).text("bin.000002").bytes);
  const RotateEvent rotate = parse_rotate(open(bytes));
  EXPECT_EQ(rotate.position, 4U);
  EXPECT_EQ(rotate.file, "bin.000002");
  expect_cuts_are_corrupt(4, LogBytes().little(4, 8).bytes, parse_rotate);
}

TEST(Event, transactions_of_mysql_have_the_uuid_of_their_server) {
  const std::string body = LogBytes().little(1, 1).text("0123456789abcdef").little(23, 8).bytes;
  const std::string bytes = test::log_event(33, body);
  const MysqlGtidEvent gtid = parse_mysql_gtid(open(bytes));
  EXPECT_EQ(gtid.uuid, "30313233-3435-3637-3839-616263646566");
  EXPECT_EQ(gtid.sequence, 23U);
  expect_cuts_are_corrupt(33, body, parse_mysql_gtid);
}

TEST(Event, what_cannot_be_read_says_what_to_set) {
  const auto sentence = [](EventType type) { return fault_of(ErrorCode::kContract, [&] { refuse_unreadable(type); }); };
  EXPECT_THAT(sentence(EventType::kStartEncryption), HasSubstr("its events are encrypted"));
  EXPECT_THAT(sentence(EventType::kPartialUpdateRows), HasSubstr("set GLOBAL binlog_row_value_options=''"));
  EXPECT_THAT(sentence(EventType::kMysqlTransactionPayload), HasSubstr("set GLOBAL binlog_transaction_compression=OFF"));
  EXPECT_THAT(sentence(EventType::kMysqlGtidTagged), HasSubstr("tagged GTIDs"));
  EXPECT_EQ(sentence(EventType::kAnnotateRows), "nothing was thrown");
}

TEST(Event, names_are_those_of_the_servers) {
  EXPECT_EQ(event_name(EventType::kWriteRowsCompressedV1), "WRITE_ROWS_COMPRESSED_V1");
  EXPECT_EQ(event_name(static_cast<EventType>(99)), "event 99");
}

}  // namespace
}  // namespace lodestone::sources
