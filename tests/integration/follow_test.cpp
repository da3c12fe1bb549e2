// Following tables of a real MariaDB by their change column: whatever happens between two readings, the lake ends equal to the source.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/error.hpp"
#include "lake/extract.hpp"
#include "lake/reader.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "tests/support/mariadb.hpp"

namespace lodestone::lake {
namespace {

using sources::MysqlSource;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kContract =
    "version: 1\nsource: business\ntable: t\nprimary_key: [id]\nchange: [changed]\ncolumns:\n"
    "  id: {type: int64, nullable: false}\n  name: {type: text, nullable: false}\n  price: {type: \"decimal(18,4)\", optional: "
    "true}\n"
    "  changed: {type: timestamp, optional: true}\n";

class FollowTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { server_ = &test::shared_mariadb(); }
  FollowTest() {
    server_->execute("CREATE OR REPLACE DATABASE follow CHARACTER SET utf8mb4");
    sql("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(50), price DECIMAL(10,2), changed DATETIME(6), KEY (changed))");
    options_.lake = folder_.path() / "lake";
    options_.capture = Capture::kCursor;
    options_.chunk_rows = 3;
    options_.piece_rows = 4;
  }

  static void sql(const std::string& statement) {
    server_->execute(statement.starts_with("CREATE TABLE ") ? "CREATE TABLE follow." + statement.substr(13) : statement);
  }
  /// Inserts rows first .. last with one change time.
  static void insert(int first, int last, const std::string& changed) {
    for (int id = first; id <= last; ++id)
      sql(fmt::format("INSERT INTO follow.t (id, name, price, changed) VALUES ({0}, 'row {0}', {0}.5, {1})", id, changed));
  }

  TableReport extract_now(const std::string& moment = "") {
    MysqlSource source({.url = server_->url("follow")});
    if (!moment.empty())
      source.connection().execute(fmt::format("SET timestamp = UNIX_TIMESTAMP(CONVERT_TZ('{}', '+00:00', @@time_zone))", moment),
                                  {"set the clock", "", 0});
    return extract(source, {&contract_}, engine_, options_, clock_, {}).front();
  }

  std::vector<std::string> rows(const std::string& query) {
    const Reader reader(options_.lake);
    reader.attach(engine_);
    std::vector<std::string> out;
    engine_.query(query, [&](const table::Chunk& chunk) {
      for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
        std::string& line = out.emplace_back();
        for (std::size_t c = 0; c < chunk.columns().size(); ++c) line += (c == 0 ? "" : "|") + chunk.format_at(c, r);
      }
    });
    std::sort(out.begin(), out.end());
    return out;
  }

  /// The lake's table against one read whole, by another lake.
  void expect_equal(const std::string& what) {
    ExtractOptions whole = options_;
    whole.lake = folder_.path() / "whole";
    whole.capture = Capture::kFull;
    whole.mode = ExtractMode::kFull;
    MysqlSource source({.url = server_->url("follow")});
    const TableReport report = extract(source, {&contract_}, engine_, whole, clock_, {}).front();
    const Reader reader(whole.lake);
    reader.attach(engine_);
    std::vector<std::string> expected;
    engine_.query("SELECT * FROM raw_business.t", [&](const table::Chunk& chunk) {
      for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
        std::string& line = expected.emplace_back();
        for (std::size_t c = 0; c < chunk.columns().size(); ++c) line += (c == 0 ? "" : "|") + chunk.format_at(c, r);
      }
    });
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(rows("SELECT * FROM raw_business.t"), expected) << what;
    EXPECT_EQ(Reader(options_.lake).get("business", "t").n_rows(), report.rows_out) << what;
  }

  static Error error_of(const std::function<void()>& work) {
    try {
      work();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::kInternal, "nothing was thrown"};
  }

  static test::MariaDb* server_;
  TemporaryFolder folder_;
  Contract contract_ = parse_contract(kContract, "contracts/t.yaml");
  table::Engine engine_{{.memory_budget_bytes = 256 << 20, .n_threads = 2, .temp_folder = {}}};
  FixedClock clock_{*parse_time("2026-04-01T00:00:00Z")};
  ExtractOptions options_;
};
test::MariaDb* FollowTest::server_ = nullptr;

TEST_F(FollowTest, a_first_reading_in_pieces_is_the_table) {
  insert(1, 10, "NOW(6)");
  const TableReport report = extract_now();
  EXPECT_EQ(report.rows_out, 10U);
  expect_equal("first");
  EXPECT_FALSE(Reader(options_.lake).get("business", "t").pending.has_value());
}

TEST_F(FollowTest, inserts_and_updates_come_and_nothing_else_is_written) {
  insert(1, 10, "'2026-01-01'");
  extract_now();
  expect_equal("first");
  const std::size_t n_parts = Reader(options_.lake).get("business", "t").parts.size();
  extract_now();
  extract_now();
  EXPECT_LE(Reader(options_.lake).get("business", "t").parts.size(), n_parts + 1) << "a quiet table must not grow";
  insert(11, 13, "NOW(6)");
  sql("UPDATE follow.t SET name = 'edited', changed = NOW(6) WHERE id IN (2, 5)");
  extract_now();
  expect_equal("changed");
  EXPECT_EQ(extract_now().rows_out, 13U);
}

TEST_F(FollowTest, equal_times_across_chunks_lose_nothing) {
  insert(1, 4, "'2026-01-01'");
  extract_now();
  insert(5, 25, "'2026-02-02 03:04:05'");
  extract_now();
  expect_equal("21 rows of one time, 3 a chunk");
}

TEST_F(FollowTest, rows_committed_late_are_seen_within_the_overlap) {
  insert(1, 3, "NOW(6)");
  extract_now();
  insert(4, 4, "NOW(6) - INTERVAL 9 MINUTE");
  extract_now();
  expect_equal("late");
}

TEST_F(FollowTest, writers_whose_clock_is_always_behind_are_followed) {
  insert(1, 3, "NOW(6) - INTERVAL 3 DAY");
  extract_now();
  insert(4, 6, "NOW(6) - INTERVAL 3 DAY");
  extract_now();
  expect_equal("a clock three days behind");
}

TEST_F(FollowTest, times_of_the_future_do_not_blind_the_cursor) {
  insert(1, 3, "NOW(6)");
  insert(4, 4, "'2099-12-31 23:59:59'");
  extract_now();
  insert(5, 6, "NOW(6)");
  extract_now();
  expect_equal("after a row of 2099");
  sql("UPDATE follow.t SET name = 'edited', changed = NOW(6) WHERE id = 4");
  extract_now();
  expect_equal("the row of 2099 edited");
}

TEST_F(FollowTest, rows_without_a_time_and_with_a_zero_time_are_followed_by_their_key) {
  server_->execute("SET GLOBAL sql_mode = ''");
  insert(1, 3, "NULL");
  insert(4, 4, "NOW(6)");
  extract_now();
  insert(5, 11, "NULL");
  sql("SET STATEMENT sql_mode = '' FOR INSERT INTO follow.t VALUES (12, 'zero', 1, '0000-00-00 00:00:00')");
  extract_now();
  expect_equal("new rows without a time");
  sql("UPDATE follow.t SET name = 'edited', changed = NOW(6) WHERE id = 2");
  extract_now();
  expect_equal("the first edit gives a time");
}

TEST_F(FollowTest, an_hour_that_a_zone_has_twice_is_read_twice) {
  options_.zone = "Europe/Berlin";
  // 2025-10-26: at 01:00 UTC clocks go from 03:00 back to 02:00.
  insert(1, 2, "'2025-10-26 02:40:00'");
  extract_now("2025-10-26 00:50:00");     // 02:50 for the first time
  insert(3, 4, "'2025-10-26 02:10:00'");  // 01:10 UTC, the second time
  extract_now("2025-10-26 02:30:00");
  expect_equal("the second 02:10");
}

TEST_F(FollowTest, an_hour_that_a_zone_leaves_out_loses_nothing) {
  options_.zone = "Europe/Berlin";
  // 2025-03-30: at 01:00 UTC clocks go from 02:00 to 03:00.
  insert(1, 2, "'2025-03-30 01:58:00'");
  extract_now("2025-03-30 00:59:00");
  insert(3, 4, "'2025-03-30 03:01:00'");
  extract_now("2025-03-30 01:02:00");
  expect_equal("behind the gap");
}

TEST_F(FollowTest, a_row_that_the_contract_refuses_goes_aside_once_and_comes_back_mended) {
  insert(1, 5, "NOW(6)");
  extract_now();
  sql("UPDATE follow.t SET name = NULL, changed = NOW(6) WHERE id = 3");
  EXPECT_EQ(extract_now().n_quarantined, 1U);
  EXPECT_THAT(rows("SELECT id FROM raw_business.t"), ElementsAre("1", "2", "4", "5"));
  EXPECT_EQ(extract_now().n_quarantined, 0U);
  EXPECT_THAT(rows("SELECT id, reason FROM quarantine.business_t"), ElementsAre("3|column name is null"));
  sql("UPDATE follow.t SET price = 9, changed = NOW(6) WHERE id = 3");
  extract_now();
  EXPECT_THAT(rows("SELECT id, price FROM quarantine.business_t"), ElementsAre("3|9.00"));  // its newest form
  sql("UPDATE follow.t SET name = 'mended', changed = NOW(6) WHERE id = 3");
  extract_now();
  expect_equal("mended");
  EXPECT_EQ(Reader(options_.lake).get("business", "t").n_quarantined, 0U);
  EXPECT_TRUE(Reader(options_.lake).get("business", "t").quarantine_files.empty());
}

TEST_F(FollowTest, a_quarantined_row_that_the_source_deletes_is_forgotten_by_the_comparison) {
  insert(1, 5, "NOW(6)");
  sql("UPDATE follow.t SET name = NULL WHERE id IN (2, 4)");
  extract_now();
  EXPECT_EQ(Reader(options_.lake).get("business", "t").n_quarantined, 2U);
  sql("DELETE FROM follow.t WHERE id = 2");
  options_.compare_now = true;
  extract_now();
  EXPECT_THAT(rows("SELECT id FROM quarantine.business_t"), ElementsAre("4"));
  EXPECT_EQ(extract_now().n_quarantined, 0U);
  EXPECT_EQ(Reader(options_.lake).get("business", "t").n_quarantined, 1U);
}

TEST_F(FollowTest, changes_are_folded_into_the_base_when_they_have_grown) {
  insert(1, 5, "NOW(6)");
  extract_now();
  for (int i = 0; i < 40; ++i) {
    sql(fmt::format("UPDATE follow.t SET name = 'edit {}', changed = NOW(6) WHERE id = {}", i, 1 + i % 5));
    extract_now();
  }
  expect_equal("after 40 small changes");
  EXPECT_LE(Reader(options_.lake).get("business", "t").parts.size(), 20U);
}

TEST_F(FollowTest, columns_that_come_go_widen_and_narrow_are_followed) {
  insert(1, 6, "'2026-01-01'");
  extract_now();
  sql("ALTER TABLE follow.t ADD COLUMN colour VARCHAR(10) DEFAULT 'red'");
  extract_now();
  expect_equal("added, with a default that no change time tells of");
  sql("ALTER TABLE follow.t RENAME COLUMN colour TO hue");
  extract_now();
  expect_equal("renamed");
  sql("ALTER TABLE follow.t DROP COLUMN hue");
  insert(7, 7, "NOW(6)");
  extract_now();
  expect_equal("dropped");
  EXPECT_THAT(error_of([&] { rows("SELECT hue FROM raw_business.t"); }).message(), HasSubstr("hue"));
  sql("ALTER TABLE follow.t MODIFY price DECIMAL(16,4), ADD COLUMN n INT DEFAULT 1");
  extract_now();
  sql("ALTER TABLE follow.t MODIFY n BIGINT");
  sql("UPDATE follow.t SET n = 5000000000, price = 0.1234, changed = NOW(6) WHERE id = 1");
  extract_now();
  expect_equal("widened");
  sql("UPDATE follow.t SET n = 7 WHERE id = 1");
  sql("ALTER TABLE follow.t MODIFY price DECIMAL(10,1), MODIFY n INT");
  extract_now();
  expect_equal("narrowed, which rounds rows that no change time tells of");
}

TEST_F(FollowTest, a_column_that_the_contract_needs_is_missed_and_the_lake_keeps_what_it_has) {
  insert(1, 3, "NOW(6)");
  extract_now();
  sql("ALTER TABLE follow.t CHANGE name nmae VARCHAR(50)");
  const Error error = error_of([&] { extract_now(); });
  EXPECT_EQ(error.code(), ErrorCode::kContract);
  EXPECT_THAT(error.message(), HasSubstr("table t: column name (text) is missing (is nmae meant?)"));
  EXPECT_EQ(rows("SELECT id FROM raw_business.t").size(), 3U);
}

TEST_F(FollowTest, another_database_is_not_mixed_in) {
  insert(1, 3, "NOW(6)");
  extract_now();
  server_->execute("CREATE OR REPLACE DATABASE follow_b");
  server_->execute("CREATE TABLE follow_b.t LIKE follow.t");
  MysqlSource other({.url = server_->url("follow_b")});
  const Error error = error_of([&] { extract(other, {&contract_}, engine_, options_, clock_, {}); });
  EXPECT_EQ(error.code(), ErrorCode::kContract);
  EXPECT_THAT(error.message(), HasSubstr("mixing them would lose rows; use --full"));
  EXPECT_EQ(rows("SELECT id FROM raw_business.t").size(), 3U);
}

TEST_F(FollowTest, a_table_that_was_dropped_does_not_stop_the_others) {
  insert(1, 3, "NOW(6)");
  Contract second = parse_contract(
      "version: 1\nsource: business\ntable: a\nprimary_key: [id]\ncolumns:\n  id: {type: int64, nullable: false}\n",
      "contracts/a.yaml");
  sql("CREATE TABLE a (id INT PRIMARY KEY)");
  const auto both = [&] {
    MysqlSource source({.url = server_->url("follow")});
    extract(source, {&second, &contract_}, engine_, options_, clock_, {});
  };
  both();
  sql("DROP TABLE follow.a");
  insert(4, 4, "NOW(6)");
  EXPECT_THAT(error_of(both).message(), HasSubstr("has no table a"));
  expect_equal("the other table");
}

TEST_F(FollowTest, a_full_extract_replaces_the_table_and_begins_a_new_cursor) {
  insert(1, 6, "NOW(6)");
  extract_now();
  sql("DELETE FROM follow.t WHERE id = 2");
  options_.mode = ExtractMode::kFull;
  extract_now();
  expect_equal("full");
  options_.mode = ExtractMode::kKeepKind;
  insert(7, 9, "NOW(6)");
  extract_now();
  expect_equal("after full");
}

TEST_F(FollowTest, a_comparison_finds_deleted_rows_and_unmarked_edits) {
  insert(1, 10, "NOW(6)");
  extract_now();
  sql("DELETE FROM follow.t WHERE id IN (3, 10)");
  sql("UPDATE follow.t SET name = 'unmarked' WHERE id = 4");
  extract_now();
  EXPECT_EQ(rows("SELECT id FROM raw_business.t").size(), 10U) << "no change column tells of it";
  options_.compare_now = true;
  extract_now();
  expect_equal("compared");
  insert(3, 3, "'2020-01-01'");  // came back, with an old time
  extract_now();
  expect_equal("compared again");
}

TEST_F(FollowTest, a_comparison_is_made_when_it_is_due) {
  insert(1, 3, "NOW(6)");
  extract_now();
  sql("DELETE FROM follow.t WHERE id = 2");
  clock_.advance(std::chrono::hours(23));
  extract_now();
  EXPECT_EQ(rows("SELECT id FROM raw_business.t").size(), 3U);
  clock_.advance(std::chrono::hours(1));
  extract_now();
  expect_equal("after a day");
}

TEST_F(FollowTest, a_comparison_reads_only_the_ranges_that_differ) {
  sql("INSERT INTO follow.t SELECT seq, CONCAT('row ', seq), 1, '2026-01-01' FROM seq_1_to_50000");
  options_.piece_rows = 20'000;
  options_.chunk_rows = 100'000;
  options_.overlap = std::chrono::seconds(0);
  extract_now();
  options_.compare_now = true;
  extract_now();  // the first one has nothing to go by
  EXPECT_LE(extract_now().rows_in, 10'000U + 50'000U);
  sql("DELETE FROM follow.t WHERE id BETWEEN 20000 AND 20010");
  sql("UPDATE follow.t SET price = 2 WHERE id = 49999");
  const std::uint64_t quiet = [&] {
    ExtractOptions before = options_;
    options_.compare_now = false;
    const std::uint64_t n = extract_now().rows_in;
    options_ = before;
    return n;
  }();
  const std::uint64_t n_read = extract_now().rows_in - quiet;
  expect_equal("two ranges");
  EXPECT_LE(n_read, 3U * 8192U);
  EXPECT_GE(n_read, 8192U);
}

TEST_F(FollowTest, an_edit_that_is_undone_behind_the_cursor_is_found) {
  insert(1, 5, "NOW(6)");
  options_.compare_now = true;
  extract_now();
  extract_now();
  sql("UPDATE follow.t SET name = 'seen', changed = NOW(6) WHERE id = 2");
  options_.compare_now = false;
  extract_now();
  // As it was at the comparison, so that its range says what it said then.
  sql("UPDATE follow.t SET name = 'row 2', changed = (SELECT changed FROM (SELECT changed FROM follow.t WHERE id = 1) x) WHERE "
      "id = 2");
  sql("UPDATE follow.t SET changed = changed - INTERVAL 1 DAY");
  options_.compare_now = true;
  extract_now();
  expect_equal("undone");
}

TEST_F(FollowTest, a_table_without_a_change_column_is_compared_each_time) {
  contract_.change.clear();
  insert(1, 6, "NULL");
  extract_now();
  expect_equal("first");
  sql("DELETE FROM follow.t WHERE id = 1");
  sql("UPDATE follow.t SET name = 'edited' WHERE id = 2");
  insert(0, 0, "NULL");
  extract_now();
  expect_equal("second");
}

TEST_F(FollowTest, keys_of_several_columns_and_of_text_and_bytes_are_followed) {
  contract_ = parse_contract(
      "version: 1\nsource: business\ntable: t\nprimary_key: [a, b, c]\nchange: [changed]\ncolumns:\n  a: {type: int64, nullable: "
      "false}\n  b: {type: text, nullable: false}\n  c: {type: bytes, nullable: false}\n  changed: {type: timestamp}\n",
      "contracts/t.yaml");
  sql("DROP TABLE follow.t");
  sql("CREATE TABLE t (a INT, b VARCHAR(20), c VARBINARY(8), changed DATETIME NULL, PRIMARY KEY (a, b, c))");
  const auto fill = [&](int first, int last, const std::string& changed) {
    for (int i = first; i <= last; ++i)
      sql(fmt::format("INSERT INTO follow.t VALUES ({}, 'it''s {} 天', x'{:02x}00ff', {})", i % 3, i % 5, i, changed));
  };
  fill(1, 20, "NOW()");
  extract_now();
  expect_equal("first");
  fill(21, 40, "NOW()");
  fill(41, 60, "NULL");
  extract_now();
  expect_equal("more");
  sql("DELETE FROM follow.t WHERE a = 1");
  options_.compare_now = true;
  extract_now();
  expect_equal("compared");
  contract_.primary_key = {"b", "c"};  // begins with a text: one range holds the table
  extract_now();
  sql("DELETE FROM follow.t WHERE a = 2");
  extract_now();
  expect_equal("compared by one range");
}

TEST_F(FollowTest, tables_that_only_grow_are_followed_by_their_key) {
  contract_ = parse_contract(
      "version: 1\nsource: business\ntable: t\nprimary_key: [id]\nappend_only: true\ncolumns:\n  id: {type: int64, nullable: "
      "false}\n",
      "contracts/t.yaml");
  insert(1, 10, "NULL");
  extract_now();
  insert(11, 30, "NULL");
  insert(0, 0, "NULL");  // handed out before, committed after
  extract_now();
  expect_equal("grown");
}

}  // namespace
}  // namespace lodestone::lake
