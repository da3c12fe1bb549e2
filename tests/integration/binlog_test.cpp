// Following the binary log of a real MariaDB: transactions, pieces, positions, changed definitions, stopping.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/binlog_fixture.hpp"

namespace lodestone::sources {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class BinlogTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { logging_server().execute("CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4"); }
  void SetUp() override {
    server_.execute("SET SESSION sql_mode = 'STRICT_TRANS_TABLES', SESSION binlog_format = ROW, SESSION binlog_row_image = FULL");
    server_.execute("CREATE OR REPLACE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(200) DEFAULT 'none')");
    server_.execute("CREATE OR REPLACE TABLE shop.other (id INT PRIMARY KEY)");
    start_ = current();
  }
  GtidPosition current() {
    Connection connection(options_of(url_));
    return current_gtid(connection);
  }
  BinlogTable described(const std::string& table) {
    Connection connection(options_of(url_));
    return read_binlog_table(connection, table);
  }
  /// A stream over `item` from where the test began.
  std::unique_ptr<BinlogStream> stream(BinlogMode mode, std::size_t piece_bytes = 16 << 20) {
    BinlogOptions options{.connection = options_of(url_), .start = start_, .mode = mode, .piece_bytes = piece_bytes};
    return std::make_unique<BinlogStream>(options, std::vector{described("item")});
  }
  /// "+1 one" for an insert, "-1 one" for a delete, "1 one>1 two" for an update.
  static std::vector<std::string> changes_of(const ChangePiece& piece) {
    std::vector<std::string> out;
    for (const TableChanges* changes : piece.tables) {
      const auto image = [](const table::Batch& batch, std::size_t row) {
        return fmt::format("{} {}", batch.int_at(0, row), batch.is_null(1, row) ? "NULL" : batch.text_at(1, row));
      };
      for (const RowChange& row : changes->rows) {
        const std::string before = row.kind == ChangeKind::kInsert ? "" : image(changes->before, row.before);
        const std::string after = row.kind == ChangeKind::kDelete ? "" : image(changes->after, row.after);
        out.push_back(row.kind == ChangeKind::kInsert   ? "+" + after
                      : row.kind == ChangeKind::kDelete ? "-" + before
                                                        : before + ">" + after);
      }
    }
    return out;
  }

  test::MariaDb& server_ = logging_server();
  std::string url_ = server_.url("shop");
  GtidPosition start_;
};

TEST_F(BinlogTest, a_transaction_comes_whole_with_its_id_and_its_time) {
  const auto before = std::chrono::system_clock::now() - 2s;
  server_.execute("BEGIN");
  server_.execute("INSERT INTO shop.item VALUES (1, 'one'), (2, 'two')");
  server_.execute("INSERT INTO shop.other VALUES (1)");
  server_.execute("UPDATE shop.item SET name = 'zwei' WHERE id = 2");
  server_.execute("DELETE FROM shop.item WHERE id = 1");
  server_.execute("COMMIT");
  const auto log = stream(BinlogMode::kToEnd);
  ASSERT_EQ(log->next(10s), BinlogStep::kChanges);
  EXPECT_THAT(changes_of(log->piece()), ElementsAre("+1 one", "+2 two", "2 two>2 zwei", "-1 one"));
  EXPECT_EQ(log->piece().tables[0]->name, "item");
  EXPECT_EQ(log->piece().tables[0]->database, "shop");
  EXPECT_TRUE(log->piece().is_last_piece);
  EXPECT_FALSE(log->piece().is_rolled_back);
  EXPECT_EQ(log->piece().gtid.server, 1U);
  EXPECT_TRUE(log->position().covers(log->piece().gtid));
  EXPECT_GE(log->piece().committed_at, before);
  EXPECT_LE(log->piece().committed_at, std::chrono::system_clock::now() + 2s);
  EXPECT_EQ(log->next(10s), BinlogStep::kEnd);
  EXPECT_EQ(log->position(), current());
}

TEST_F(BinlogTest, the_position_moves_over_transactions_of_other_tables) {
  server_.execute("INSERT INTO shop.other VALUES (1)");
  const auto log = stream(BinlogMode::kToEnd);
  EXPECT_EQ(log->next(10s), BinlogStep::kEnd);
  EXPECT_NE(log->position(), start_);
  EXPECT_EQ(log->position(), current());
}

TEST_F(BinlogTest, a_reader_that_begins_again_at_its_position_misses_nothing_and_sees_nothing_twice) {
  std::vector<std::string> seen;
  for (int i = 0; i < 20; ++i) server_.execute(fmt::format("INSERT INTO shop.item VALUES ({}, 'x')", i));
  while (true) {
    const auto log = stream(BinlogMode::kToEnd);
    if (log->next(10s) != BinlogStep::kChanges) break;
    for (const std::string& change : changes_of(log->piece())) seen.push_back(change);
    start_ = GtidPosition::parse(log->position().format());
  }
  ASSERT_EQ(seen.size(), 20U);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], fmt::format("+{} x", i));
}

TEST_F(BinlogTest, a_large_transaction_comes_in_pieces) {
  server_.execute("INSERT INTO shop.item SELECT seq, REPEAT('x', 100) FROM seq_1_to_10000");
  server_.execute("INSERT INTO shop.item VALUES (0, 'next')");
  for (const std::size_t piece_bytes : {std::size_t{16} << 20, std::size_t{20'000}, std::size_t{1}}) {
    const auto log = stream(BinlogMode::kToEnd, piece_bytes);
    std::int64_t expected = 1;
    std::size_t n_pieces = 0;
    bool is_last = false;
    while (!is_last) {
      ASSERT_EQ(log->next(10s), BinlogStep::kChanges);
      is_last = log->piece().is_last_piece;
      EXPECT_EQ(log->position() == start_, !is_last);
      ++n_pieces;
      for (const TableChanges* changes : log->piece().tables) {
        EXPECT_LE(changes->rows.size(), table::Batch::kCapacity);
        for (const RowChange& row : changes->rows) EXPECT_EQ(changes->after.int_at(0, row.after), expected++);
      }
    }
    EXPECT_EQ(expected, 10'001);
    EXPECT_GE(n_pieces, piece_bytes == 1 ? 10'000U : piece_bytes == 20'000 ? 50U : 5U);
    std::vector<std::string> next;
    while (log->next(10s) == BinlogStep::kChanges) {
      for (const std::string& change : changes_of(log->piece())) next.push_back(change);
    }
    EXPECT_THAT(next, ElementsAre("+0 next"));
    EXPECT_EQ(log->position(), current());
  }
}

TEST_F(BinlogTest, what_is_committed_later_comes_to_a_reader_that_waits) {
  const auto log = stream(BinlogMode::kFollow);
  EXPECT_EQ(log->next(0s), BinlogStep::kIdle);
  server_.execute("INSERT INTO shop.item VALUES (1, 'one')");
  BinlogStep step = BinlogStep::kIdle;
  while (step == BinlogStep::kIdle) step = log->next(100ms);
  ASSERT_EQ(step, BinlogStep::kChanges);
  EXPECT_THAT(changes_of(log->piece()), ElementsAre("+1 one"));
}

TEST_F(BinlogTest, a_reader_that_waits_ends_when_another_thread_stops_it) {
  const auto log = stream(BinlogMode::kFollow);
  std::thread stopper([&] { log->stop(); });
  BinlogStep step = BinlogStep::kIdle;
  while (step == BinlogStep::kIdle) step = log->next(1h);
  stopper.join();
  EXPECT_EQ(step, BinlogStep::kStopped);
  EXPECT_EQ(log->next(1h), BinlogStep::kStopped);
}

TEST_F(BinlogTest, two_readers_of_one_process_do_not_end_each_other) {
  const auto first = stream(BinlogMode::kFollow);
  const auto second = stream(BinlogMode::kFollow);
  EXPECT_NE(first->server_id(), second->server_id());
  EXPECT_GE(first->server_id(), 0x80000000U);
  server_.execute("INSERT INTO shop.item VALUES (1, 'one')");
  for (const auto& log : {first.get(), second.get()}) {
    BinlogStep step = BinlogStep::kIdle;
    while (step == BinlogStep::kIdle) step = log->next(1s);
    EXPECT_EQ(step, BinlogStep::kChanges);
  }
}

TEST_F(BinlogTest, definitions_come_as_statements_and_a_changed_table_is_described_anew) {
  server_.execute("INSERT INTO shop.item VALUES (1, 'one')");
  const auto log = stream(BinlogMode::kToEnd);
  server_.execute("ALTER TABLE shop.item ADD COLUMN price DECIMAL(10,2) FIRST");
  server_.execute("INSERT INTO shop.item VALUES (1.50, 2, 'two')");
  server_.execute("TRUNCATE TABLE shop.item");
  const auto after = stream(BinlogMode::kToEnd);
  ASSERT_EQ(after->next(10s), BinlogStep::kSchemaChanged);
  EXPECT_THAT(after->schema_change().reason, HasSubstr("table shop.item: the binary log shows 2 columns, its description has 3"));
  BinlogTable old = described("item");
  old.descriptions.erase(old.descriptions.begin());
  after->set_table(make_binlog_table("shop", "item", old.descriptions));
  ASSERT_EQ(after->next(10s), BinlogStep::kChanges);
  EXPECT_THAT(changes_of(after->piece()), ElementsAre("+1 one"));
  ASSERT_EQ(after->next(10s), BinlogStep::kChanges);
  ASSERT_EQ(after->piece().ddl.size(), 1U);
  EXPECT_EQ(after->piece().ddl[0].sql, "ALTER TABLE shop.item ADD COLUMN price DECIMAL(10,2) FIRST");
  EXPECT_THAT(after->piece().tables, IsEmpty());
  EXPECT_TRUE(after->piece().is_last_piece);
  // The same row is asked about until the description fits.
  ASSERT_EQ(after->next(10s), BinlogStep::kSchemaChanged);
  ASSERT_EQ(after->next(10s), BinlogStep::kSchemaChanged);
  EXPECT_EQ(after->schema_change().table, "item");
  after->set_table(described("item"));
  ASSERT_EQ(after->next(10s), BinlogStep::kChanges);
  EXPECT_EQ(after->piece().tables[0]->after.text_at(0, 0), "1.50");
  EXPECT_EQ(after->piece().tables[0]->after.int_at(1, 0), 2);
  ASSERT_EQ(after->next(10s), BinlogStep::kChanges);
  EXPECT_THAT(after->piece().ddl[0].sql, HasSubstr("TRUNCATE TABLE"));
  EXPECT_EQ(after->next(10s), BinlogStep::kEnd);
}

TEST_F(BinlogTest, a_column_of_another_type_or_name_is_a_changed_table) {
  server_.execute("SET GLOBAL binlog_row_metadata = FULL");
  server_.execute("INSERT INTO shop.item VALUES (1, '1')");
  server_.execute("SET GLOBAL binlog_row_metadata = NO_LOG");
  const auto reason = [&](const std::string& alter) {
    server_.execute(alter);
    const auto log = stream(BinlogMode::kToEnd);
    EXPECT_EQ(log->next(10s), BinlogStep::kSchemaChanged);
    return log->schema_change().reason;
  };
  EXPECT_THAT(reason("ALTER TABLE shop.item CHANGE name title VARCHAR(200)"), HasSubstr("it is named name there"));
  EXPECT_THAT(reason("ALTER TABLE shop.item CHANGE title name INT"),
              HasSubstr("column name (int(11)) is another in the binary log"));
}

TEST_F(BinlogTest, a_snapshot_and_the_log_after_it_fit_together) {
  server_.execute("INSERT INTO shop.item VALUES (1, 'in the snapshot')");
  Connection reader(options_of(url_));
  reader.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", {"begin", "", 0});
  server_.execute("INSERT INTO shop.item VALUES (2, 'after it')");
  start_ = snapshot_gtid(reader);
  EXPECT_EQ(reader.query("SELECT id FROM item", {"read", "", 0}).size(), 1U);
  const auto log = stream(BinlogMode::kToEnd);
  ASSERT_EQ(log->next(10s), BinlogStep::kChanges);
  EXPECT_THAT(changes_of(log->piece()), ElementsAre("+2 after it"));
  EXPECT_EQ(log->next(10s), BinlogStep::kEnd);
}

TEST_F(BinlogTest, what_was_taken_back_does_not_come) {
  server_.execute("CREATE OR REPLACE TABLE shop.plain (id INT PRIMARY KEY) ENGINE=MyISAM");
  server_.execute("BEGIN");
  server_.execute("INSERT INTO shop.item VALUES (1, 'taken back')");
  server_.execute("INSERT INTO shop.plain VALUES (1)");
  server_.execute("ROLLBACK");
  server_.execute("BEGIN");
  server_.execute("INSERT INTO shop.item VALUES (2, 'kept')");
  server_.execute("SAVEPOINT a");
  server_.execute("INSERT INTO shop.item VALUES (3, 'taken back')");
  server_.execute("ROLLBACK TO SAVEPOINT a");
  server_.execute("COMMIT");
  const auto log = stream(BinlogMode::kToEnd);
  std::vector<std::string> seen;
  while (log->next(10s) == BinlogStep::kChanges) {
    for (const std::string& change : changes_of(log->piece())) seen.push_back(change);
  }
  EXPECT_THAT(seen, ElementsAre("+2 kept"));
}

TEST_F(BinlogTest, an_insert_with_minimal_images_leaves_out_what_has_its_default) {
  server_.execute("SET SESSION binlog_row_image = MINIMAL");
  server_.execute("INSERT INTO shop.item (id) VALUES (1)");
  const auto log = stream(BinlogMode::kToEnd);
  ASSERT_EQ(log->next(10s), BinlogStep::kChanges);
  const TableChanges& changes = *log->piece().tables[0];
  EXPECT_TRUE(changes.has_after(changes.rows[0], 0));
  EXPECT_FALSE(changes.has_after(changes.rows[0], 1));
  EXPECT_TRUE(changes.after.is_null(1, 0));
}

TEST_F(BinlogTest, logs_are_followed_over_their_ends) {
  server_.execute("INSERT INTO shop.item VALUES (1, 'one')");
  server_.execute("SET GLOBAL binlog_checksum = NONE");
  server_.execute("INSERT INTO shop.item VALUES (2, 'two')");
  server_.execute("SET GLOBAL binlog_checksum = CRC32");
  server_.execute("INSERT INTO shop.item VALUES (3, 'three')");
  server_.execute("FLUSH BINARY LOGS");
  server_.execute("INSERT INTO shop.item VALUES (4, 'four')");
  const auto log = stream(BinlogMode::kToEnd);
  std::vector<std::string> seen;
  while (log->next(10s) == BinlogStep::kChanges) {
    for (const std::string& change : changes_of(log->piece())) seen.push_back(change);
  }
  EXPECT_THAT(seen, ElementsAre("+1 one", "+2 two", "+3 three", "+4 four"));
}

}  // namespace
}  // namespace lodestone::sources
