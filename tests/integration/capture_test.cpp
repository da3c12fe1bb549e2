// Following whole databases by the binary log of a real MariaDB: whatever is done to the tables, the lake ends equal to them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "apps/lodestone/log_capture.hpp"
#include "base/error.hpp"
#include "base/rng.hpp"
#include "lake/reader.hpp"
#include "tests/integration/binlog_fixture.hpp"

namespace lodestone::app {
namespace {

using sources::MysqlSource;
using testing::HasSubstr;

constexpr const char* kContract =
    "version: 1\nsource: business\ntable: {}\nprimary_key: [id]\ncolumns:\n  id: {{type: int64, nullable: false}}\n"
    "  name: {{type: text, optional: true}}\n";

class CaptureTest : public testing::TestWithParam<const char*> {
 protected:
  CaptureTest() {
    server_.execute("CREATE OR REPLACE DATABASE capture CHARACTER SET utf8mb4");
    server_.execute("USE capture");
    server_.execute(fmt::format("SET SESSION binlog_row_image = {}", GetParam()));
    for (const char* table : {"a", "b"}) {
      server_.execute(fmt::format(
          "CREATE TABLE capture.{} (id INT PRIMARY KEY, name VARCHAR(40), note TEXT, n INT DEFAULT 7, at DATETIME(3))", table));
      contracts_.push_back(lake::parse_contract(fmt::format(kContract, table), fmt::format("contracts/{}.yaml", table)));
    }
    options_.extract.lake = folder_.path() / "lake";
    options_.extract.capture = lake::Capture::kLog;
    options_.merge_every = std::chrono::milliseconds(50);
  }
  ~CaptureTest() override { server_.execute("SET SESSION binlog_row_image = FULL"); }

  std::unique_ptr<MysqlSource> open() const {
    return std::make_unique<MysqlSource>(sources::MysqlOptions{.url = server_.url("capture")});
  }
  [[nodiscard]] std::vector<const lake::Contract*> contracts() const {
    std::vector<const lake::Contract*> out;
    for (const lake::Contract& contract : contracts_) out.push_back(&contract);
    return out;
  }
  void sql(const std::string& statement) { server_.execute(statement); }

  void capture_to_end() {
    const lake::LakeLock lock(options_.extract.lake, lake::LakeLayer::kRaw);
    LogCapture capture([&] { return open(); }, contracts(), engine_, options_, clock_, lock, {});
    capture.run_to_end();
    reports_ = capture.reports();
  }

  std::vector<std::string> rows_of(const fs::path& lake, const std::string& table) {
    const lake::Reader reader(lake);
    table::Engine engine({.memory_budget_bytes = 256 << 20, .n_threads = 1, .temp_folder = {}});
    reader.attach(engine);
    std::vector<std::string> out;
    engine.query("SELECT * FROM raw_business." + table, [&](const table::Chunk& chunk) {
      for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
        std::string& line = out.emplace_back();
        for (std::size_t c = 0; c < chunk.columns().size(); ++c) line += (c == 0 ? "" : "|") + chunk.format_at(c, r);
      }
    });
    std::sort(out.begin(), out.end());
    return out;
  }

  void expect_equal(const std::string& what) {
    lake::ExtractOptions whole;
    whole.lake = folder_.path() / "whole";
    whole.mode = lake::ExtractMode::kFull;
    const std::unique_ptr<MysqlSource> source = open();
    lake::extract(*source, contracts(), engine_, whole, clock_, {});
    for (const lake::Contract& contract : contracts_) {
      EXPECT_EQ(rows_of(options_.extract.lake, contract.table), rows_of(whole.lake, contract.table))
          << what << ", table " << contract.table;
      EXPECT_EQ(lake::Reader(options_.extract.lake).get("business", contract.table).n_rows(),
                lake::Reader(whole.lake).get("business", contract.table).n_rows())
          << what;
    }
  }

  test::MariaDb& server_ = sources::logging_server();
  TemporaryFolder folder_;
  std::vector<lake::Contract> contracts_;
  table::Engine engine_{{.memory_budget_bytes = 256 << 20, .n_threads = 2, .temp_folder = {}}};
  FixedClock clock_{*parse_time("2026-04-01T00:00:00Z")};
  LogCaptureOptions options_;
  std::vector<lake::TableReport> reports_;
};

TEST_P(CaptureTest, inserts_updates_and_deletes_come_from_the_log) {
  sql("INSERT INTO capture.a (id, name, note) VALUES (1, 'one', 'x'), (2, 'two', 'y'), (3, 'three', 'z')");
  capture_to_end();
  expect_equal("snapshot");
  sql("INSERT INTO capture.a (id, name) VALUES (4, 'four'), (5, 'it''s 天')");
  sql("UPDATE capture.a SET name = 'second' WHERE id = 2");
  sql("DELETE FROM capture.a WHERE id = 1");
  sql("INSERT INTO capture.b (id, name, note, n, at) VALUES (1, NULL, REPEAT('long ', 10000), NULL, '2026-01-02 03:04:05.678')");
  capture_to_end();
  expect_equal("changes");
  EXPECT_EQ(reports_.size(), 2U);
  capture_to_end();
  EXPECT_TRUE(reports_.empty()) << "a quiet log must not be read again";
}

TEST_P(CaptureTest, a_refused_row_waits_in_quarantine_until_it_is_mended_or_deleted) {
  contracts_[0] = lake::parse_contract(
      "version: 1\nsource: business\ntable: a\nprimary_key: [id]\ncolumns:\n  id: {type: int64, nullable: false}\n"
      "  name: {type: text, nullable: false}\n",
      "contracts/a.yaml");
  const auto n_quarantined = [&] { return lake::Reader(options_.extract.lake).get("business", "a").n_quarantined; };
  sql("INSERT INTO capture.a (id, name) VALUES (1, 'one'), (2, NULL)");
  capture_to_end();
  EXPECT_EQ(n_quarantined(), 1U);
  sql("INSERT INTO capture.a (id, name) VALUES (3, NULL), (4, NULL)");
  sql("UPDATE capture.a SET name = NULL WHERE id = 1");
  capture_to_end();
  EXPECT_EQ(n_quarantined(), 4U);
  EXPECT_TRUE(rows_of(options_.extract.lake, "a").empty());
  sql("UPDATE capture.a SET name = 'mended' WHERE id IN (2, 3)");
  sql("DELETE FROM capture.a WHERE id = 4");
  capture_to_end();
  EXPECT_EQ(n_quarantined(), 1U);
  EXPECT_EQ(rows_of(options_.extract.lake, "a").size(), 2U);
}

TEST_P(CaptureTest, the_last_of_many_changes_of_a_row_counts) {
  sql("INSERT INTO capture.a (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')");
  capture_to_end();
  for (int i = 0; i < 20; ++i) sql(fmt::format("UPDATE capture.a SET n = {}, note = 'note {}' WHERE id = 1", i, i));
  sql("UPDATE capture.a SET id = 9 WHERE id = 2");  // the key moves
  sql("UPDATE capture.a SET id = 2 WHERE id = 3");  // another one takes its place
  sql("DELETE FROM capture.a WHERE id = 1");
  sql("INSERT INTO capture.a (id, name) VALUES (1, 'again')");
  sql("UPDATE capture.a SET note = NULL WHERE id = 9");
  capture_to_end();
  expect_equal("many changes");
}

TEST_P(CaptureTest, definitions_that_change_are_followed) {
  sql("INSERT INTO capture.a (id, name) VALUES (1, 'a'), (2, 'b')");
  sql("INSERT INTO capture.b (id, name) VALUES (1, 'a'), (2, 'b')");
  capture_to_end();
  sql("UPDATE capture.a SET name = 'before' WHERE id = 1");
  sql("ALTER TABLE capture.a ADD COLUMN colour VARCHAR(10) DEFAULT 'red'");
  sql("UPDATE capture.a SET name = 'after' WHERE id = 2");
  sql("ALTER TABLE capture.a RENAME COLUMN colour TO hue");
  sql("INSERT INTO capture.a (id, hue) VALUES (3, 'blue')");
  capture_to_end();
  expect_equal("added and renamed");
  sql("ALTER TABLE capture.a DROP COLUMN hue, MODIFY n BIGINT");
  sql("UPDATE capture.a SET n = 5000000000 WHERE id = 1");
  sql("CREATE INDEX by_name ON capture.a (name)");
  capture_to_end();
  expect_equal("dropped and widened");
  sql("TRUNCATE TABLE capture.a");
  sql("INSERT INTO capture.a (id, name) VALUES (7, 'new')");
  capture_to_end();
  expect_equal("truncated");
  sql("RENAME TABLE capture.a TO capture.x, capture.b TO capture.a, capture.x TO capture.b");
  sql("INSERT INTO capture.b (id, name) VALUES (8, 'eight')");
  capture_to_end();
  expect_equal("exchanged");
}

TEST_P(CaptureTest, random_work_with_definitions_that_change_ends_equal) {
  Rng rng(20261125);
  sql("INSERT INTO capture.a (id, name) SELECT seq, CONCAT('row ', seq) FROM seq_1_to_200");
  capture_to_end();
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 60; ++i) {
      const char* table = rng.below(4) == 0 ? "b" : "a";
      const auto id = rng.below(250);
      switch (rng.below(7)) {
        case 0: sql(fmt::format("INSERT IGNORE INTO capture.{} (id, name) VALUES ({}, 'new {}')", table, id, i)); break;
        case 1: sql(fmt::format("REPLACE INTO capture.{} (id, note) VALUES ({}, 'replaced {}')", table, id, i)); break;
        case 2: sql(fmt::format("DELETE FROM capture.{} WHERE id = {}", table, id)); break;
        case 3:
          sql(fmt::format("UPDATE IGNORE capture.{} SET id = id + 100 WHERE id BETWEEN {} AND {}", table, id, id + 5));
          break;
        case 4: sql(fmt::format("UPDATE capture.{} SET n = {}, at = NOW(3) WHERE id % 7 = {}", table, i, rng.below(7))); break;
        case 5: sql(fmt::format("UPDATE capture.{} SET note = REPEAT('{}', 100) WHERE id = {}", table, i % 10, id)); break;
        default:
          sql(fmt::format("INSERT INTO capture.{} (id, name) VALUES ({}, 'x') ON DUPLICATE KEY UPDATE name = 'y', n = NULL",
                          table, id));
      }
    }
    if (round == 2) sql("ALTER TABLE capture.a ADD COLUMN extra INT NOT NULL DEFAULT 3 AFTER id");
    if (round == 4) sql("ALTER TABLE capture.a DROP COLUMN extra");
    capture_to_end();
    expect_equal(fmt::format("round {}", round));
  }
}

TEST_P(CaptureTest, a_transaction_larger_than_what_may_wait_is_merged_ahead) {
  options_.most_waiting = 5000;
  options_.merge_rows = 5000;
  sql("INSERT INTO capture.a (id, name) VALUES (1, 'a')");
  capture_to_end();
  sql("INSERT INTO capture.a (id, name) SELECT seq, REPEAT('x', 30) FROM seq_2_to_40000");
  sql("UPDATE capture.a SET n = id");
  capture_to_end();
  expect_equal("40,000 rows in one transaction");
}

TEST_P(CaptureTest, a_log_that_was_purged_is_made_up_for_by_reading_anew) {
  sql("INSERT INTO capture.a (id, name) VALUES (1, 'a'), (2, 'b')");
  capture_to_end();
  sql("DELETE FROM capture.a WHERE id = 1");
  sql("FLUSH BINARY LOGS");
  sql("INSERT INTO capture.a (id, name) VALUES (3, 'c')");
  sql("FLUSH BINARY LOGS");
  sql(fmt::format("PURGE BINARY LOGS TO '{}'",
                  server_.value("SELECT REGEXP_SUBSTR(VARIABLE_VALUE, '[^/]+$') FROM information_schema.GLOBAL_STATUS "
                                "WHERE VARIABLE_NAME = 'BINLOG_SNAPSHOT_FILE'")));
  capture_to_end();
  expect_equal("after the purge");
}

TEST_P(CaptureTest, a_dropped_table_does_not_stop_the_others) {
  sql("INSERT INTO capture.a (id, name) VALUES (1, 'a')");
  capture_to_end();
  sql("DROP TABLE capture.b");
  sql("INSERT INTO capture.a (id, name) VALUES (2, 'b')");
  try {
    capture_to_end();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("no table b"));
  }
  EXPECT_EQ(rows_of(options_.extract.lake, "a").size(), 2U);
  EXPECT_EQ(rows_of(options_.extract.lake, "b").size(), 0U);
}

TEST_P(CaptureTest, what_is_committed_while_it_follows_comes_until_it_is_stopped) {
  sql("INSERT INTO capture.a (id, name) VALUES (1, 'a')");
  const lake::LakeLock lock(options_.extract.lake, lake::LakeLayer::kRaw);
  LogCapture capture([&] { return open(); }, contracts(), engine_, options_, clock_, lock, {});
  std::thread follower([&] { capture.follow(); });
  const auto wait_for_rows = [&](std::size_t n) {
    const auto start = std::chrono::steady_clock::now();
    while (true) {
      try {
        if (rows_of(options_.extract.lake, "a").size() == n) break;
      } catch (const Error&) {  // not there yet
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      if (std::chrono::steady_clock::now() - start > std::chrono::seconds(60)) return false;
    }
    return true;
  };
  EXPECT_TRUE(wait_for_rows(1));
  for (std::size_t i = 2; i < 6; ++i) {
    sql(fmt::format("INSERT INTO capture.a (id, name) VALUES ({}, 'followed')", i));
    const auto start = std::chrono::steady_clock::now();
    EXPECT_TRUE(wait_for_rows(i));
    RecordProperty(fmt::format("milliseconds_{}", i),
                   static_cast<int>((std::chrono::steady_clock::now() - start) / std::chrono::milliseconds(1)));
  }
  sql("DELETE FROM capture.a WHERE id = 3");
  EXPECT_TRUE(wait_for_rows(4));
  capture.stop();
  follower.join();
  expect_equal("stopped");
}

INSTANTIATE_TEST_SUITE_P(Images, CaptureTest, testing::Values("FULL", "NOBLOB", "MINIMAL"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace lodestone::app
