#include "sources/binlog/event.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "base/error.hpp"
#include "sources/binlog/byte_reader.hpp"
#include "sources/binlog/unpack.hpp"

namespace lodestone::sources {
namespace {

constexpr std::size_t kChecksumSize = 4;
constexpr std::uint16_t kInUse = 0x0001;  // set in a log that is being written, cleared in place: no part of the checksum

struct Name {
  EventType type;
  std::string_view name;
};
constexpr std::array kNames = {
    Name{EventType::kQuery, "QUERY"},
    Name{EventType::kRotate, "ROTATE"},
    Name{EventType::kFormatDescription, "FORMAT_DESCRIPTION"},
    Name{EventType::kXid, "XID"},
    Name{EventType::kExecuteLoadQuery, "EXECUTE_LOAD_QUERY"},
    Name{EventType::kTableMap, "TABLE_MAP"},
    Name{EventType::kWriteRowsV1, "WRITE_ROWS_V1"},
    Name{EventType::kUpdateRowsV1, "UPDATE_ROWS_V1"},
    Name{EventType::kDeleteRowsV1, "DELETE_ROWS_V1"},
    Name{EventType::kHeartbeat, "HEARTBEAT"},
    Name{EventType::kWriteRows, "WRITE_ROWS"},
    Name{EventType::kUpdateRows, "UPDATE_ROWS"},
    Name{EventType::kDeleteRows, "DELETE_ROWS"},
    Name{EventType::kMysqlGtid, "GTID_LOG"},
    Name{EventType::kMysqlAnonymousGtid, "ANONYMOUS_GTID_LOG"},
    Name{EventType::kXaPrepare, "XA_PREPARE"},
    Name{EventType::kPartialUpdateRows, "PARTIAL_UPDATE_ROWS"},
    Name{EventType::kMysqlTransactionPayload, "TRANSACTION_PAYLOAD"},
    Name{EventType::kMysqlGtidTagged, "GTID_TAGGED_LOG"},
    Name{EventType::kAnnotateRows, "ANNOTATE_ROWS"},
    Name{EventType::kGtid, "GTID"},
    Name{EventType::kGtidList, "GTID_LIST"},
    Name{EventType::kStartEncryption, "START_ENCRYPTION"},
    Name{EventType::kQueryCompressed, "QUERY_COMPRESSED"},
    Name{EventType::kWriteRowsCompressedV1, "WRITE_ROWS_COMPRESSED_V1"},
    Name{EventType::kUpdateRowsCompressedV1, "UPDATE_ROWS_COMPRESSED_V1"},
    Name{EventType::kDeleteRowsCompressedV1, "DELETE_ROWS_COMPRESSED_V1"},
    Name{EventType::kWriteRowsCompressed, "WRITE_ROWS_COMPRESSED"},
    Name{EventType::kUpdateRowsCompressed, "UPDATE_ROWS_COMPRESSED"},
    Name{EventType::kDeleteRowsCompressed, "DELETE_ROWS_COMPRESSED"},
};

EventHeader read_header(std::string_view bytes) {
  EventHeader header;
  ByteReader reader(bytes, header);
  header.timestamp = reader.little<std::uint32_t>();
  header.type = static_cast<EventType>(reader.byte());
  header.server_id = reader.little<std::uint32_t>();
  header.size = reader.little<std::uint32_t>();
  header.end_position = reader.little<std::uint32_t>();
  header.flags = reader.little<std::uint16_t>();
  return header;
}

void check_crc(std::string_view bytes, const EventHeader& header) {
  if (bytes.size() < EventHeader::kSize + kChecksumSize) fail_short(header, EventHeader::kSize + kChecksumSize, bytes.size());
  const std::size_t size = bytes.size() - kChecksumSize;
  std::uint32_t expected = 0;
  std::memcpy(&expected, bytes.data() + size, sizeof expected);
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  uLong found = 0;
  if (header.type == EventType::kFormatDescription && (header.flags & kInUse) != 0) {
    std::array<Bytef, EventHeader::kSize> head{};
    std::copy_n(data, head.size(), head.begin());
    head[EventHeader::kSize - 2] = static_cast<Bytef>(head[EventHeader::kSize - 2] & ~static_cast<unsigned>(kInUse));
    found = crc32_z(crc32_z(0, head.data(), head.size()), data + head.size(), size - head.size());
  } else {
    found = crc32_z(0, data, size);
  }
  if (found != expected) fail_damaged(header, fmt::format("the checksum {:08x} where its bytes make {:08x}", expected, found));
}

}  // namespace

void fail_short(const EventHeader& header, std::size_t wanted, std::size_t left) {
  fail_damaged(header, fmt::format("{} bytes left where {} are needed", left, wanted));
}

void fail_damaged(const EventHeader& header, std::string_view what) {
  fail(ErrorCode::kCorrupt,
       "binary log: the {} event that ends at byte {} is damaged: it has {}; read the file with mariadb-binlog "
       "--verify-binlog-checksum "
       "and take a new snapshot if it is broken",
       event_name(header.type), header.end_position, what);
}

std::string event_name(EventType type) {
  const auto* found = std::find_if(kNames.begin(), kNames.end(), [&](const Name& n) { return n.type == type; });
  return found != kNames.end() ? std::string(found->name) : fmt::format("event {}", static_cast<unsigned>(type));
}

bool is_rows_event(EventType type) {
  return (type >= EventType::kWriteRowsV1 && type <= EventType::kDeleteRowsV1) ||
         (type >= EventType::kWriteRows && type <= EventType::kDeleteRows) ||
         (type >= EventType::kWriteRowsCompressedV1 && type <= EventType::kDeleteRowsCompressed);
}

Event EventFramer::open(std::string_view bytes) {
  const EventHeader header = read_header(bytes);
  if (header.size != bytes.size()) {
    fail_damaged(header, fmt::format("{} bytes where its header says {}", bytes.size(), header.size));
  }
  Event event{header, bytes.substr(EventHeader::kSize)};
  EventChecksum checksum = checksum_;
  if (header.type == EventType::kFormatDescription) {
    // This event always has room for a checksum; the byte before it says whether there is one, here and in what follows.
    if (event.body.size() < kChecksumSize + 1) fail_short(header, kChecksumSize + 1, event.body.size());
    checksum = static_cast<EventChecksum>(event.body[event.body.size() - kChecksumSize - 1]);
    if (checksum > EventChecksum::kCrc32) fail_damaged(header, "an unknown kind of checksum");
  }
  if (checksum == EventChecksum::kCrc32) {
    check_crc(bytes, header);
    event.body.remove_suffix(kChecksumSize);
  }
  if (header.type == EventType::kFormatDescription) read_format(event, checksum);
  return event;
}

void EventFramer::read_format(const Event& event, EventChecksum checksum) {
  ByteReader reader(event.body, event.header);
  const auto version = reader.little<std::uint16_t>();
  if (version != 4) fail_damaged(event.header, fmt::format("format version {} where 4 is known", version));
  const std::string_view server = reader.text(50);
  reader.take(4);  // time of creation
  const std::uint8_t header_size = reader.byte();
  if (header_size != EventHeader::kSize) fail_damaged(event.header, fmt::format("headers of {} bytes", header_size));
  server_version_ = server.substr(0, server.find('\0'));
  checksum_ = checksum;
  post_header_sizes_.fill(0);
  // One byte a type from 1, then the kind of checksum (with room for one when there is none).
  const std::size_t tail = checksum == EventChecksum::kCrc32 ? 1 : 1 + kChecksumSize;
  for (std::size_t type = 1; reader.left() > tail && type < post_header_sizes_.size(); ++type) {
    post_header_sizes_[type] = reader.byte();
  }
}

GtidEvent parse_gtid(const Event& event) {
  ByteReader reader(event.body, event.header);
  GtidEvent out;
  out.gtid.sequence = reader.little<std::uint64_t>();
  out.gtid.domain = reader.little<std::uint32_t>();
  out.gtid.server = event.header.server_id;
  const std::uint8_t flags = reader.byte();
  out.is_standalone = (flags & 0x01U) != 0;
  out.is_ddl = (flags & 0x20U) != 0;
  out.is_prepared_xa = (flags & 0x40U) != 0;
  return out;
}

GtidPosition parse_gtid_list(const Event& event) {
  ByteReader reader(event.body, event.header);
  const std::uint32_t n = reader.little<std::uint32_t>() & 0x0fffffffU;  // the upper bits are flags
  GtidPosition position;
  for (std::uint32_t i = 0; i < n; ++i) {
    Gtid gtid;
    gtid.domain = reader.little<std::uint32_t>();
    gtid.server = reader.little<std::uint32_t>();
    gtid.sequence = reader.little<std::uint64_t>();
    position.advance(gtid);
  }
  return position;
}

QueryEvent parse_query(const Event& event) {
  ByteReader reader(event.body, event.header);
  reader.take(8);  // thread, seconds
  const std::uint8_t database_size = reader.byte();
  reader.take(2);  // error
  const auto status_size = reader.little<std::uint16_t>();
  if (event.header.type == EventType::kExecuteLoadQuery) reader.take(13);  // the file's number, where its name stands, duplicates
  reader.take(status_size);
  QueryEvent out;
  out.database = reader.text(database_size);
  reader.take(1);
  if (event.header.type == EventType::kQueryCompressed) {
    unpack_event(reader.rest(), event.header, out.sql);
  } else {
    out.sql = reader.rest();
  }
  return out;
}

RotateEvent parse_rotate(const Event& event) {
  ByteReader reader(event.body, event.header);
  RotateEvent out;
  out.position = reader.little<std::uint64_t>();
  out.file = reader.rest();
  return out;
}

std::uint64_t parse_xid(const Event& event) { return ByteReader(event.body, event.header).little<std::uint64_t>(); }

MysqlGtidEvent parse_mysql_gtid(const Event& event) {
  ByteReader reader(event.body, event.header);
  reader.take(1);  // flags
  MysqlGtidEvent out;
  const std::uint8_t* uuid = reader.take(16);
  for (unsigned i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.uuid += '-';
    out.uuid += fmt::format("{:02x}", uuid[i]);
  }
  out.sequence = reader.little<std::uint64_t>();
  return out;
}

void refuse_unreadable(EventType type) {
  switch (type) {
    case EventType::kStartEncryption:
      fail(ErrorCode::kContract,
           "binary log: its events are encrypted, and a file does not hold the key; read it through the server, or set "
           "encrypt_binlog=OFF");
    case EventType::kPartialUpdateRows:
      fail(ErrorCode::kContract,
           "binary log: it holds JSON changes without the whole document, which cannot be followed; set GLOBAL "
           "binlog_row_value_options='' and take a new snapshot");
    case EventType::kMysqlTransactionPayload:
      fail(ErrorCode::kContract,
           "binary log: its transactions are compressed as MySQL does it, which is not read; set GLOBAL "
           "binlog_transaction_compression=OFF and take a new snapshot");
    case EventType::kMysqlGtidTagged:
      fail(ErrorCode::kContract,
           "binary log: it holds tagged GTIDs, which are not read; leave the tag out of gtid_next and take a new snapshot");
    default: return;
  }
}

}  // namespace lodestone::sources
