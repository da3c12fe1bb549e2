#include "sources/binlog/transaction_reader.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "tests/support/log_bytes.hpp"

namespace lodestone::sources {
namespace {

using Found = TransactionReader::Found;
using test::log_event;
using test::LogBytes;
using testing::HasSubstr;
using testing::IsEmpty;

BinlogTable item_table() { return make_binlog_table("shop", "item", {{"id", "int", "int(11)", {}, {}, ""}}); }

std::string begin(std::uint64_t number, int flags = 0) {
  return log_event(162, LogBytes().little(number, 8).little(0, 4).little(static_cast<std::uint64_t>(flags), 1).bytes);
}
std::string map(std::string_view table = "item") { return test::log_table_map("shop", table, "\x03", ""); }
std::string insert(int from, int n) {
  LogBytes body;
  body.little(77, 6).little(1, 2).little(1, 1).little(1, 1);
  for (int i = 0; i < n; ++i) body.little(0, 1).little(static_cast<std::uint64_t>(from + i), 4);
  return log_event(23, body.bytes);
}
std::string query(std::string_view sql) {
  return log_event(2, LogBytes().little(0, 8).little(4, 1).little(0, 2).little(0, 2).text("shop").little(0, 1).text(sql).bytes);
}
std::string commit() { return log_event(16, LogBytes().little(1, 8).bytes); }

/// A reader over `item` that has read the head of a log.
struct Reading {
  explicit Reading(std::size_t piece_bytes = 16 << 20) : reader({.start = {}, .piece_bytes = piece_bytes}, {item_table()}) {
    EXPECT_EQ(reader.take(test::log_format("10.11.19-MariaDB")), Found::kNothing);
  }
  /// Takes the events in their order; what the last one finds.
  Found take(const std::vector<std::string>& events) {
    Found found = Found::kNothing;
    for (const std::string& event : events) {
      EXPECT_EQ(reader.resume(), Found::kNothing);
      last = event;
      found = reader.take(last);
    }
    return found;
  }
  std::string fault(ErrorCode code, const std::vector<std::string>& events) {
    try {
      take(events);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.message();
    }
    return "nothing was thrown";
  }

  std::string last;  // the bytes that the reader may still look at
  TransactionReader reader;
};

TEST(TransactionReader, hands_over_at_the_end_of_a_transaction) {
  Reading log;
  EXPECT_EQ(log.take({begin(5), query("BEGIN"), map(), insert(1, 2), map("other"), insert(9, 1)}), Found::kNothing);
  EXPECT_EQ(log.reader.position().format(), "");
  EXPECT_EQ(log.take({commit()}), Found::kChanges);
  EXPECT_EQ(log.reader.piece().tables.size(), 1U);
  EXPECT_EQ(log.reader.piece().tables[0]->rows.size(), 2U);
  EXPECT_TRUE(log.reader.piece().is_last_piece);
  EXPECT_EQ(log.reader.position().format(), "0-1-5");
  EXPECT_EQ(log.take({begin(6), map("other"), insert(9, 1), query("COMMIT")}), Found::kNothing);
  EXPECT_EQ(log.reader.position().format(), "0-1-6");
}

TEST(TransactionReader, a_transaction_that_is_taken_back_after_pieces_says_so) {
  Reading log(1);
  EXPECT_EQ(log.take({begin(5), map(), insert(1, 2)}), Found::kChanges);
  EXPECT_FALSE(log.reader.piece().is_last_piece);
  EXPECT_EQ(log.reader.resume(), Found::kChanges);
  EXPECT_EQ(log.reader.piece().tables[0]->after.int_at(0, 0), 2);
  EXPECT_EQ(log.take({query("ROLLBACK")}), Found::kChanges);
  EXPECT_TRUE(log.reader.piece().is_last_piece);
  EXPECT_TRUE(log.reader.piece().is_rolled_back);
  EXPECT_THAT(log.reader.piece().tables, IsEmpty());
  EXPECT_EQ(log.reader.position().format(), "0-1-5");
  // The next one is none of it.
  EXPECT_EQ(log.take({begin(6), map(), insert(1, 1)}), Found::kChanges);
  EXPECT_FALSE(log.reader.piece().is_rolled_back);
}

TEST(TransactionReader, a_transaction_that_a_dying_server_left_is_given_up) {
  Reading whole;
  EXPECT_EQ(whole.take({begin(5), map(), insert(1, 2), test::log_format("10.11.19-MariaDB")}), Found::kNothing);
  EXPECT_EQ(whole.take({begin(5), map(), insert(7, 1), commit()}), Found::kChanges);
  EXPECT_EQ(whole.reader.piece().tables[0]->rows.size(), 1U);
  Reading pieces(1);
  EXPECT_EQ(pieces.take({begin(5), map(), insert(1, 1)}), Found::kChanges);
  EXPECT_EQ(pieces.take({test::log_format("10.11.19-MariaDB")}), Found::kChanges);
  EXPECT_TRUE(pieces.reader.piece().is_rolled_back);
  EXPECT_EQ(pieces.reader.position().format(), "");
}

TEST(TransactionReader, a_transaction_without_an_end_is_corrupt) {
  Reading log;
  EXPECT_THAT(log.fault(ErrorCode::kCorrupt, {begin(5), begin(6)}),
              HasSubstr("transaction 0-1-5 has no end; the log was cut, take a new snapshot"));
}

TEST(TransactionReader, rows_of_a_table_that_was_never_named_are_corrupt) {
  Reading log;
  EXPECT_THAT(log.fault(ErrorCode::kCorrupt, {begin(5), insert(1, 1)}),
              HasSubstr("the WRITE_ROWS_V1 event that ends at byte 4711 names table number 77, which no TABLE_MAP event gave"));
}

TEST(TransactionReader, a_part_that_is_taken_back_cannot_be_told) {
  Reading log;
  EXPECT_EQ(log.take({begin(4), query("ROLLBACK TO `a`"), query("COMMIT")}), Found::kNothing);
  EXPECT_THAT(log.fault(ErrorCode::kContract, {begin(5), map(), insert(1, 1), query("SAVEPOINT `a`"), query("ROLLBACK TO `a`")}),
              HasSubstr("transaction 0-1-5 takes back a part of itself"));
}

TEST(TransactionReader, definitions_end_with_their_statement) {
  Reading log;
  EXPECT_EQ(log.take({begin(5, 0x21), query("ALTER TABLE item ADD c INT")}), Found::kChanges);
  EXPECT_EQ(log.reader.piece().ddl[0].database, "shop");
  EXPECT_EQ(log.take({begin(6, 0x21), query("GRANT ALL ON *.* TO a IDENTIFIED BY 'x'")}), Found::kNothing);
  EXPECT_EQ(log.reader.position().format(), "0-1-6");
}

TEST(TransactionReader, a_changed_table_is_asked_about_until_it_fits) {
  Reading log;
  const BinlogTable other = make_binlog_table("shop", "item", {{"id", "bigint", "bigint(20)", {}, {}, ""}});
  log.reader.set_table(other);
  EXPECT_EQ(log.take({begin(5), map(), insert(1, 2)}), Found::kSchemaChanged);
  EXPECT_EQ(log.reader.resume(), Found::kSchemaChanged);
  EXPECT_THAT(log.reader.schema_change().reason, HasSubstr("it is of type 3 there"));
  log.reader.set_table(item_table());
  EXPECT_EQ(log.reader.resume(), Found::kNothing);
  EXPECT_EQ(log.take({commit()}), Found::kChanges);
  EXPECT_EQ(log.reader.piece().tables[0]->rows.size(), 2U);
}

TEST(TransactionReader, what_cannot_be_read_is_refused) {
  Reading log;
  EXPECT_THAT(log.fault(ErrorCode::kContract, {begin(5), log_event(39, "xx")}),
              HasSubstr("set GLOBAL binlog_row_value_options=''"));
}

}  // namespace
}  // namespace lodestone::sources
