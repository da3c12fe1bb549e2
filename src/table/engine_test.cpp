#include "table/engine.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/error.hpp"

namespace lodestone::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "nothing was thrown");
}

TEST(Engine, reads_every_kind_of_value) {
  Engine engine({});
  int n_rows = 0;
  const std::vector<ResultColumn> columns = engine.query(
      "SELECT true AS a, CAST(-7 AS TINYINT) AS b, CAST(40000 AS USMALLINT) AS c, 5000000000 AS d, 1.5::FLOAT AS e, "
      "-2.25::DOUBLE AS f,"
      " CAST('-12.30' AS DECIMAL(9,2)) AS g, CAST('123456789012345678901.5' AS DECIMAL(30,1)) AS h, '数据' AS i,"
      " 'longer than twelve bytes' AS j, unhex('00ff') AS k, TIMESTAMP '2026-01-02 03:04:05.5' AS l, DATE '2026-01-02' AS m,"
      " ['x', NULL, '数据集合计算方法'] AS n, NULL::INTEGER AS o, sum(5000000000) AS p, {'q': 1} AS q",
      [&](const Chunk& row) {
        ++n_rows;
        EXPECT_TRUE(row.bool_at(0, 0));
        EXPECT_EQ(row.int_at(1, 0), -7);
        EXPECT_EQ(row.int_at(2, 0), 40000);
        EXPECT_EQ(row.int_at(3, 0), 5000000000);
        EXPECT_EQ(row.floats(4)[0], 1.5F);
        EXPECT_EQ(row.doubles(5)[0], -2.25);
        EXPECT_EQ(row.double_at(6, 0), -12.3);
        EXPECT_EQ(row.format_at(6, 0), "-12.30");
        EXPECT_EQ(row.format_at(7, 0), "123456789012345678901.5");
        EXPECT_EQ(row.text_at(8, 0), "数据");
        EXPECT_EQ(row.text_at(9, 0), "longer than twelve bytes");
        EXPECT_EQ(row.text_at(10, 0), std::string_view("\0\xff", 2));
        EXPECT_EQ(row.format_at(10, 0), "00ff");
        EXPECT_EQ(row.format_at(11, 0), "2026-01-02T03:04:05.500000Z");
        EXPECT_EQ(row.format_at(12, 0), "2026-01-02");
        EXPECT_THAT(row.texts_at(13, 0), ElementsAre("x", "", "数据集合计算方法"));
        EXPECT_TRUE(row.is_null(14, 0));
        EXPECT_EQ(row.format_at(14, 0), "");
        EXPECT_EQ(row.int_at(15, 0), 5000000000);
        EXPECT_EQ(row.text_at(16, 0), "{'q': 1}");
      });
  EXPECT_EQ(n_rows, 1);
  ASSERT_EQ(columns.size(), 17U);
  EXPECT_EQ(columns[7].name, "h");
  EXPECT_EQ(columns[7].kind, ValueKind::kDecimal);
  EXPECT_EQ(columns[13].kind, ValueKind::kTexts);
  EXPECT_EQ(columns[16].kind, ValueKind::kText);
}

TEST(Engine, streams_many_rows_in_chunks) {
  Engine engine({.memory_budget_bytes = 64 << 20, .n_threads = 2, .temp_folder = {}});
  std::int64_t sum = 0;
  std::size_t n_chunks = 0;
  engine.query("SELECT range AS n FROM range(1000000)", [&](const Chunk& chunk) {
    ++n_chunks;
    for (const std::int64_t value : chunk.ints(0)) sum += value;
  });
  EXPECT_EQ(sum, std::int64_t{999999} * 500000);
  EXPECT_GT(n_chunks, 400U);
}

TEST(Engine, passes_on_what_the_callback_throws_and_works_afterwards) {
  Engine engine({});
  EXPECT_THROW(engine.query("SELECT range FROM range(100000)", [](const Chunk&) { throw std::runtime_error("enough"); }),
               std::runtime_error);
  EXPECT_EQ(engine.query_int("SELECT 3"), 3);
}

TEST(Engine, gives_nothing_for_null_and_for_no_row) {
  Engine engine({});
  EXPECT_EQ(engine.query_int("SELECT NULL"), std::nullopt);
  EXPECT_EQ(engine.query_text("SELECT 'a' WHERE false;"), std::nullopt);
  EXPECT_EQ(engine.query_double("SELECT 0.5"), 0.5);
}

TEST(Engine, names_what_is_missing_or_malformed) {
  Engine engine({});
  engine.execute("CREATE TABLE items (item_id BIGINT, title VARCHAR)");
  const Error column = error_of([&] { engine.execute("SELECT titel FROM items"); });
  EXPECT_EQ(column.code(), ErrorCode::kContract);
  EXPECT_THAT(column.message(), HasSubstr("Referenced column \"titel\" not found"));
  EXPECT_THAT(column.message(), HasSubstr("compare the query with the columns that the tables have"));
  const Error table = error_of([&] { engine.query("SELECT 1 FROM itemz", [](const Chunk&) {}); });
  EXPECT_EQ(table.code(), ErrorCode::kContract);
  EXPECT_THAT(table.message(), HasSubstr("itemz"));
  const Error syntax = error_of([&] { engine.query("SELEC 1", [](const Chunk&) {}); });
  EXPECT_EQ(syntax.code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(syntax.message(), HasSubstr("correct the SQL"));
  const Error value = error_of([&] { engine.query("SELECT CAST(v AS BIGINT) FROM (VALUES ('x')) t(v)", [](const Chunk&) {}); });
  EXPECT_EQ(value.code(), ErrorCode::kContract);
  EXPECT_THAT(value.message(), HasSubstr("Could not convert string 'x'"));
  const Error file = error_of([&] { engine.execute("SELECT * FROM read_parquet('/nowhere/a.parquet')"); });
  EXPECT_EQ(file.code(), ErrorCode::kNotFound);
  EXPECT_THAT(file.message(), HasSubstr("/nowhere/a.parquet"));
}

TEST(Engine, says_that_a_damaged_parquet_file_is_damaged) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.parquet";
  Engine engine({});
  engine.write_parquet("SELECT range AS a FROM range(10)", path);
  std::string bytes = read_file(path);
  bytes[bytes.size() - 1] = 'X';
  write_file_atomic(path, bytes);
  const Error error =
      error_of([&] { engine.query_int("SELECT count(*) FROM read_parquet(" + quote_literal(path.string()) + ")"); });
  EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
  EXPECT_THAT(error.message(), HasSubstr(path.string()));
}

TEST(Engine, says_that_the_memory_budget_is_used_up) {
  Engine engine({.memory_budget_bytes = 16 << 20, .n_threads = 1, .temp_folder = {}});
  const Error error =
      error_of([&] { engine.execute("CREATE TABLE t AS SELECT range AS a, hash(range) AS b FROM range(20000000)"); });
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.message(), HasSubstr("raise pipeline.memory_mib"));
}

TEST(Engine, writes_parquet_atomically) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "it's.parquet";
  Engine engine({});
  EXPECT_EQ(engine.write_parquet("SELECT range AS a FROM range(1000)", path), 1000U);
  EXPECT_EQ(engine.query_int("SELECT sum(a) FROM read_parquet(" + quote_literal(path.string()) + ")"), 499500);
  const std::string before = read_file(path);
  EXPECT_THROW(engine.write_parquet("SELECT CAST('x' || range AS BIGINT) AS a FROM range(1000)", path), Error);
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Engine, keeps_the_old_file_when_the_disk_is_full) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "t.parquet";
  Engine engine({});
  engine.write_parquet("SELECT 1 AS a", path);
  const std::string before = read_file(path);
  // A limit on the size of files fails a write as a full disk does, with another errno.
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 20000, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const Error error = error_of([&] { engine.write_parquet("SELECT hash(range) AS a FROM range(1000000)", path); });
  setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(error.message(), HasSubstr("cannot write " + path.string()));
  EXPECT_THAT(error.message(), HasSubstr("disk is not full"));
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(Engine, tallies_each_row_once_and_keeps_those_without_reason) {
  const TemporaryFolder folder;
  Engine engine({.memory_budget_bytes = 256 << 20, .n_threads = 2, .temp_folder = {}});
  const std::string rows =
      "SELECT a.range AS n, CASE WHEN b.k IS NULL THEN 'no partner' WHEN a.range % 10 = 0 THEN 'tenth' END AS dropped"
      " FROM range(100000) a LEFT JOIN (SELECT range AS k FROM range(99990)) b ON a.range = b.k";
  const std::uint64_t n = engine.write_parquet("SELECT n FROM (" + rows + ") WHERE tally(dropped)", folder.path() / "t.parquet");
  const std::map<std::string, std::uint64_t> tally = engine.take_tally();
  EXPECT_EQ(tally.at("no partner"), 10U);
  EXPECT_EQ(tally.at("tenth"), 9999U);
  EXPECT_EQ(n, 100000U - 10 - 9999);
  EXPECT_TRUE(engine.take_tally().empty());
}

TEST(Engine, knows_the_functions_of_the_sql_subset) {
  Engine engine({});
  EXPECT_EQ(engine.query_text("SELECT CAST(to_utc_timestamp(TIMESTAMP '2026-01-02 03:00:00', 'Asia/Shanghai') AS VARCHAR)"),
            "2026-01-01 19:00:00");
  EXPECT_EQ(engine.query_text("SELECT CAST(to_utc_timestamp(NULL, 'Asia/Shanghai') AS VARCHAR)"), std::nullopt);
  // Shanghai kept summer time until 1991.
  EXPECT_EQ(engine.query_text("SELECT CAST(to_utc_timestamp(TIMESTAMP '1990-07-01 09:00:00', 'Asia/Shanghai') AS VARCHAR)"),
            "1990-07-01 00:00:00");
  EXPECT_EQ(engine.query_int("SELECT unix_micros(TIMESTAMP '1970-01-01 00:00:01')"), 1000000);
  EXPECT_EQ(engine.query_text("SELECT regexp_extract('a/dataDetail/15?x', 'dataDetail/([0-9]+)', 1)"), "15");
  EXPECT_EQ(engine.query_text("SELECT regexp_extract('none', 'dataDetail/([0-9]+)', 1)"), "");
  EXPECT_EQ(engine.query_int("SELECT pmod(-7, 3)"), 2);
  EXPECT_EQ(engine.query_int("SELECT bit_count(bit_or(shiftleft(CAST(1 AS BIGINT), n))) FROM (VALUES (0), (4), (4)) v(n)"), 2);
  EXPECT_EQ(engine.query_int("SELECT count(*) FROM (SELECT explode(split_list('a;b;a')) AS tag) t"), 2);
  EXPECT_EQ(engine.query_int("SELECT sum(CAST(pmod(hash(unhex('ff')), 3) = n AS INT)) FROM (VALUES (0), (1), (2)) v(n)"), 1);
  EXPECT_EQ(engine.query_int("SELECT visitor_key('f000000000000ff0')"), -1 - 0xff0);
  EXPECT_EQ(engine.query_int("SELECT visitor_key('no visitor of Matomo')"), std::nullopt);
  engine.query("SELECT split_list(' a;b; a ;;数据；c'), split_list(NULL), split_list('')", [](const Chunk& row) {
    EXPECT_THAT(row.texts_at(0, 0), ElementsAre("a", "b", "数据", "c"));
    EXPECT_TRUE(row.is_null(1, 0));
    EXPECT_THAT(row.texts_at(2, 0), ElementsAre());
  });
}

TEST(Unique, finds_duplicates_in_dense_sparse_text_and_joint_keys) {
  Engine engine({});
  engine.execute(
      "CREATE TABLE t AS SELECT range AS dense, range * 1000003 AS sparse, 'k' || range AS word, range // 2 AS half, range % 2 "
      "AS bit"
      " FROM range(5000)");
  EXPECT_TRUE(is_unique(engine, "t", {"dense"}));
  EXPECT_TRUE(is_unique(engine, "t", {"sparse"}));
  EXPECT_TRUE(is_unique(engine, "t", {"word"}));
  EXPECT_TRUE(is_unique(engine, "t", {"half", "bit"}));
  EXPECT_FALSE(is_unique(engine, "t", {"half"}));
  EXPECT_FALSE(is_unique(engine, "(SELECT sparse FROM t UNION ALL SELECT 1000003)", {"sparse"}));
  EXPECT_TRUE(is_unique(engine, "(SELECT -9223372036854775807 AS a UNION ALL SELECT 9223372036854775807)", {"a"}));
  EXPECT_TRUE(is_unique(engine, "(SELECT dense FROM t WHERE false)", {"dense"}));
}

// Progress draws on a terminal twice a second, so the test gives it one and works until something stands there.
TEST(Engine, tells_how_far_a_query_is) {
  int master = -1;
  int terminal = -1;
  ASSERT_EQ(openpty(&master, &terminal, nullptr, nullptr, nullptr), 0);
  ASSERT_EQ(fcntl(master, F_SETFL, O_NONBLOCK), 0);
  const int old_stderr = dup(STDERR_FILENO);
  ASSERT_EQ(dup2(terminal, STDERR_FILENO), STDERR_FILENO);
  std::string shown;
  {
    Engine engine({});
    Progress progress("reading", 0);
    engine.with_progress(progress, [&] {
      for (int i = 0; i < 100'000 && shown.find("rows") == std::string::npos; ++i) {
        engine.query_int("SELECT count(*) FROM range(1000000) WHERE tally(CAST(NULL AS VARCHAR))");
        std::array<char, 4096> buffer{};
        const ssize_t n = read(master, buffer.data(), buffer.size());
        if (n > 0) shown.append(buffer.data(), static_cast<std::size_t>(n));
      }
    });
  }
  dup2(old_stderr, STDERR_FILENO);
  for (const int file : {old_stderr, master, terminal}) close(file);
  EXPECT_THAT(shown, testing::ContainsRegex("reading: [1-9][0-9.]* [kM] rows, "));
}

TEST(Unique, names_the_key_and_an_example) {
  Engine engine({});
  engine.execute("CREATE TABLE dict AS SELECT * FROM (VALUES (1, 'a'), (2, 'b'), (2, 'c')) v(id, word)");
  const Error error = error_of([&] { check_unique(engine, {"dict", {"id"}}, "sql/mapping/items.sql"); });
  EXPECT_EQ(error.code(), ErrorCode::kContract);
  EXPECT_THAT(error.message(), HasSubstr("sql/mapping/items.sql: key dict(id) is not unique, 2 stands in 2 rows"));
  engine.execute("UPDATE dict SET id = NULL WHERE word = 'c'");
  EXPECT_THAT(error_of([&] {
                check_unique(engine, {"dict", {"id"}}, "q");
              }).message(),
              HasSubstr("key dict(id) is null in some row"));
}

}  // namespace
}  // namespace lodestone::table
