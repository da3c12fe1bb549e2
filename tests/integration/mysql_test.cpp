// The mysql source against a real MariaDB: every column type, agreement with SQL, a read-only account, constant memory.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <numeric>

#include "base/error.hpp"
#include "sources/mysql/bulk_insert.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "tests/support/mariadb.hpp"

namespace lodestone::sources {
namespace {

using table::ColumnType;
using testing::ElementsAre;
using testing::HasSubstr;

class MysqlTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = &test::shared_mariadb();
    server_->execute("CREATE DATABASE shop CHARACTER SET utf8mb4");
    server_->execute("CREATE USER analyst@'127.0.0.1' IDENTIFIED BY 'pass word'");
    server_->execute("GRANT SELECT ON shop.* TO analyst@'127.0.0.1'");
  }
  static MysqlSource reader(const std::string& prefix = "") {
    return MysqlSource({.url = server_->url("shop", "analyst"), .password = "pass word", .table_prefix = prefix});
  }
  static test::MariaDb* server_;
};
test::MariaDb* MysqlTest::server_ = nullptr;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t k20260228 = 1'772'236'800 * kSecond;

TEST_F(MysqlTest, every_column_type_comes_as_the_lake_wants_it) {
  server_->execute("DROP TABLE IF EXISTS shop.types");
  server_->execute(
      "CREATE TABLE shop.types (id INT PRIMARY KEY, b1 TINYINT(1), i8 TINYINT, u8 TINYINT UNSIGNED, i16 SMALLINT, u16 SMALLINT "
      "UNSIGNED,"
      " i24 MEDIUMINT, u24 MEDIUMINT UNSIGNED, i32 INT, u32 INT UNSIGNED, i64 BIGINT, u64 BIGINT UNSIGNED, dec1 DECIMAL(10,2), "
      "decw DECIMAL(40,2),"
      " f FLOAT, d DOUBLE, ch CHAR(10), vc VARCHAR(255), lat VARCHAR(20) CHARACTER SET latin1, tx TEXT, lt LONGTEXT, en "
      "ENUM('a','b'),"
      " st SET('x','y','z'), js JSON, bi BINARY(4), vb VARBINARY(8), bl BLOB, dt DATETIME, dt6 DATETIME(6), ts TIMESTAMP NULL, "
      "da DATE, ti TIME,"
      " ti3 TIME(3), ye YEAR, bt BIT(9), uu UUID, ip INET6, gp POINT)");
  server_->execute(
      "INSERT INTO shop.types VALUES (1, 1, -128, 255, -32768, 65535, -8388608, 16777215, -2147483648, 4294967295, "
      "-9223372036854775808,"
      " 9223372036854775807, -12345678.90, 12345678901234567890123456789012345678.12, 3.69, 0.1, 'abc', '天气 😀 \"q\" \\\\', "
      "'é', 'text',"
      " REPEAT('长', 100000), 'b', 'x,z', '{\"a\": [1, \"ü\"]}', x'00ff0a00', x'0001', x'00010203', '2026-02-28 01:02:03', "
      "'2026-02-28 01:02:03.000004',"
      " '2026-02-28 01:02:03', '2026-02-28', '-100:02:03', '01:02:03.5', 2026, b'100000001', "
      "'123e4567-e89b-12d3-a456-426655440000', '::1', POINT(1, 2))");
  server_->execute("INSERT INTO shop.types (id) VALUES (2)");
  server_->execute("INSERT INTO shop.types (id, ch, vc, tx, bl, ti) VALUES (3, '', '', '', '', 0)");

  MysqlSource source({.url = server_->url("shop"), .time_zone = "+08:00"});
  TableSnapshot snapshot = source.snapshot("types");
  const table::Schema& schema = snapshot.stream->schema();
  table::Batch batch(schema);
  ASSERT_TRUE(snapshot.stream->next(batch));
  ASSERT_EQ(batch.n_rows(), 3U);
  const auto column = [&](const std::string& name) {
    for (std::size_t i = 0; i < schema.size(); ++i) {
      if (schema[i].name == name) return i;
    }
    ADD_FAILURE() << name;
    return std::size_t{0};
  };
  const auto type = [&](const std::string& name) { return schema[column(name)].type; };
  const auto whole = [&](const std::string& name) { return batch.int_at(column(name), 0); };
  const auto text = [&](const std::string& name) { return std::string(batch.text_at(column(name), 0)); };

  EXPECT_EQ(type("b1"), ColumnType::kInt32);
  EXPECT_EQ(whole("b1"), 1);
  EXPECT_EQ(whole("i8"), -128);
  EXPECT_EQ(whole("u8"), 255);
  EXPECT_EQ(whole("i16"), -32768);
  EXPECT_EQ(whole("u16"), 65535);
  EXPECT_EQ(whole("i24"), -8388608);
  EXPECT_EQ(whole("u24"), 16777215);
  EXPECT_EQ(whole("i32"), INT32_MIN);
  EXPECT_EQ(type("u32"), ColumnType::kInt64);
  EXPECT_EQ(whole("u32"), UINT32_MAX);
  EXPECT_EQ(whole("i64"), INT64_MIN);
  EXPECT_EQ(whole("u64"), INT64_MAX);
  EXPECT_EQ(schema[column("dec1")], (table::Column{"dec1", ColumnType::kDecimal, 10, 2}));
  EXPECT_EQ(text("dec1"), "-12345678.90");
  EXPECT_EQ(type("decw"), ColumnType::kText);
  EXPECT_EQ(text("decw"), "12345678901234567890123456789012345678.12");
  EXPECT_EQ(batch.double_at(column("f"), 0), 3.69);
  EXPECT_EQ(batch.double_at(column("d"), 0), 0.1);
  EXPECT_EQ(text("ch"), "abc");
  EXPECT_EQ(text("vc"), "天气 😀 \"q\" \\");
  EXPECT_EQ(text("lat"), "é");
  EXPECT_EQ(text("tx"), "text");
  EXPECT_EQ(text("lt").size(), 300'000U);
  EXPECT_EQ(text("en"), "b");
  EXPECT_EQ(text("st"), "x,z");
  EXPECT_EQ(text("js"), "{\"a\": [1, \"ü\"]}");
  EXPECT_EQ(type("bi"), ColumnType::kBytes);
  EXPECT_EQ(text("bi"), std::string("\x00\xff\x0a\x00", 4));
  EXPECT_EQ(text("vb"), std::string("\x00\x01", 2));
  EXPECT_EQ(text("bl"), std::string("\x00\x01\x02\x03", 4));
  EXPECT_EQ(whole("dt"), k20260228 + 3723 * kSecond);
  EXPECT_EQ(whole("dt6"), k20260228 + 3723 * kSecond + 4);
  EXPECT_EQ(type("da"), ColumnType::kDate);
  EXPECT_EQ(whole("da"), k20260228 / (86'400 * kSecond));
  EXPECT_EQ(text("ti"), "-100:02:03");
  EXPECT_EQ(text("ti3"), "01:02:03.500000");
  EXPECT_EQ(type("ye"), ColumnType::kInt32);
  EXPECT_EQ(whole("ye"), 2026);
  EXPECT_EQ(whole("bt"), 257);
  EXPECT_EQ(text("uu"), "123e4567-e89b-12d3-a456-426655440000");
  EXPECT_EQ(text("ip"), "::1");
  EXPECT_EQ(type("gp"), ColumnType::kBytes);
  EXPECT_EQ(text("gp").size(), 25U);
  for (std::size_t i = 1; i < schema.size(); ++i) EXPECT_TRUE(batch.is_null(i, 1)) << schema[i].name;
  for (const char* name : {"ch", "vc", "tx", "bl"}) {
    EXPECT_FALSE(batch.is_null(column(name), 2)) << name;
    EXPECT_EQ(batch.text_at(column(name), 2), "") << name;
  }
  EXPECT_EQ(batch.text_at(column("ti"), 2), "00:00:00");
  EXPECT_FALSE(snapshot.stream->next(batch));
}

TEST_F(MysqlTest, timestamps_come_in_the_zone_that_was_asked_for_and_datetimes_as_they_are) {
  server_->execute("DROP TABLE IF EXISTS shop.times");
  server_->execute("CREATE TABLE shop.times (id INT PRIMARY KEY, at TIMESTAMP NULL, naive DATETIME)");
  server_->execute("INSERT INTO shop.times VALUES (1, FROM_UNIXTIME(1772236800), '2026-02-28 08:00:00')");
  for (const auto& [zone, offset] : {std::pair("+00:00", 0), std::pair("+08:00", 8 * 3600)}) {
    MysqlSource source({.url = server_->url("shop"), .time_zone = zone});
    TableSnapshot snapshot = source.snapshot("times");
    table::Batch batch(snapshot.stream->schema());
    ASSERT_TRUE(snapshot.stream->next(batch));
    EXPECT_EQ(batch.int_at(1, 0), k20260228 + offset * kSecond);
    EXPECT_EQ(batch.int_at(2, 0), k20260228 + 8 * 3600 * kSecond);
    EXPECT_FALSE(snapshot.stream->next(batch));
  }
}

TEST_F(MysqlTest, dates_that_no_calendar_has_come_as_null) {
  server_->execute("DROP TABLE IF EXISTS shop.zero");
  server_->execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'");
  server_->execute("CREATE TABLE shop.zero (id INT PRIMARY KEY, at DATETIME, day DATE)");
  server_->execute(
      "INSERT INTO shop.zero VALUES (1, '0000-00-00 00:00:00', '0000-00-00'), (2, '2026-02-30 01:00:00', '2026-02-00'), (3, "
      "'2026-02-28', '2026-02-28')");
  MysqlSource source = reader();
  TableSnapshot snapshot = source.snapshot("zero");
  table::Batch batch(snapshot.stream->schema());
  ASSERT_TRUE(snapshot.stream->next(batch));
  EXPECT_TRUE(batch.is_null(1, 0) && batch.is_null(2, 0) && batch.is_null(1, 1) && batch.is_null(2, 1));
  EXPECT_EQ(batch.int_at(1, 2), k20260228);
}

TEST_F(MysqlTest, an_empty_table_has_a_schema_and_no_rows) {
  server_->execute("CREATE OR REPLACE TABLE shop.empty (id INT PRIMARY KEY, name VARCHAR(10))");
  MysqlSource source = reader();
  TableSnapshot snapshot = source.snapshot("empty");
  EXPECT_EQ(snapshot.stream->schema().size(), 2U);
  table::Batch batch(snapshot.stream->schema());
  EXPECT_FALSE(snapshot.stream->next(batch));
  EXPECT_FALSE(snapshot.stream->next(batch));
}

TEST_F(MysqlTest, tables_are_seen_through_the_prefix_and_views_count) {
  server_->execute("CREATE DATABASE stats");
  server_->execute("CREATE TABLE stats.matomo_log_visit (idvisit INT PRIMARY KEY)");
  server_->execute("INSERT INTO stats.matomo_log_visit VALUES (5)");
  server_->execute("CREATE TABLE stats.other (id INT PRIMARY KEY)");
  server_->execute("CREATE VIEW stats.matomo_view AS SELECT idvisit + 1 AS n FROM stats.matomo_log_visit");
  MysqlSource source({.url = server_->socket_url("stats"), .table_prefix = "matomo_"});
  EXPECT_THAT(source.tables(), ElementsAre("log_visit", "view"));
  EXPECT_EQ(source.kind(), "mysql");
  EXPECT_EQ(source.location(), server_->socket().string() + "/stats");
  TableSnapshot snapshot = source.snapshot("view");
  EXPECT_EQ(snapshot.table, "view");
  table::Batch batch(snapshot.stream->schema());
  ASSERT_TRUE(snapshot.stream->next(batch));
  EXPECT_EQ(batch.int_at(0, 0), 6);
}

TEST_F(MysqlTest, location_names_server_and_database) {
  EXPECT_EQ(reader().location(), fmt::format("127.0.0.1:{}/shop", server_->port()));
}

TEST_F(MysqlTest, names_that_need_quoting_are_quoted) {
  server_->execute("CREATE OR REPLACE TABLE shop.`select``x` (`from` INT PRIMARY KEY, `a b` INT)");
  server_->execute("INSERT INTO shop.`select``x` VALUES (1, 2)");
  MysqlSource source = reader();
  TableSnapshot snapshot = source.snapshot("select`x");
  table::Batch batch(snapshot.stream->schema());
  ASSERT_TRUE(snapshot.stream->next(batch));
  EXPECT_EQ(snapshot.stream->schema()[1].name, "a b");
  EXPECT_EQ(batch.int_at(1, 0), 2);
}

TEST_F(MysqlTest, all_tables_are_as_of_the_first_reading) {
  server_->execute("CREATE OR REPLACE TABLE shop.a (id INT PRIMARY KEY)");
  server_->execute("CREATE OR REPLACE TABLE shop.b (id INT PRIMARY KEY)");
  server_->execute("INSERT INTO shop.a VALUES (1)");
  MysqlSource source = reader();
  {
    TableSnapshot a = source.snapshot("a");
    table::Batch batch(a.stream->schema());
    while (a.stream->next(batch)) {
    }
  }
  // A row that comes between the two tables would have no partner in the first.
  server_->execute("INSERT INTO shop.a VALUES (2)");
  server_->execute("INSERT INTO shop.b VALUES (2)");
  TableSnapshot b = source.snapshot("b");
  table::Batch batch(b.stream->schema());
  EXPECT_FALSE(b.stream->next(batch));
}

/// A table of n rows with a known sum, filled by the server itself.
void fill(test::MariaDb& server, const std::string& table, std::uint64_t n) {
  server.execute(fmt::format(
      "CREATE OR REPLACE TABLE {} (id BIGINT UNSIGNED PRIMARY KEY, visitor BINARY(8), at DATETIME, name VARCHAR(255))", table));
  server.execute(fmt::format(
      "INSERT INTO {} SELECT seq, UNHEX(LPAD(HEX(seq), 16, '0')), FROM_UNIXTIME(1700000000 + seq), IF(seq % 7 = 0, NULL, "
      "REPEAT('n', seq % 100)) FROM seq_1_to_{}",
      table, n));
}

std::size_t resident_kib() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

TEST_F(MysqlTest, a_million_rows_come_whole_in_constant_memory) {
  fill(*server_, "shop.many", 1'000'000);
  MysqlSource source = reader();
  TableSnapshot snapshot = source.snapshot("many");
  EXPECT_GT(snapshot.stream->estimated_rows(), 100'000U);
  table::Batch batch(snapshot.stream->schema());
  std::uint64_t n = 0;
  std::uint64_t sum = 0;
  std::uint64_t nulls = 0;
  std::uint64_t length = 0;
  std::size_t resident_at_start = 0;
  while (snapshot.stream->next(batch)) {
    if (n == 0) resident_at_start = resident_kib();
    for (std::size_t row = 0; row < batch.n_rows(); ++row) {
      sum += static_cast<std::uint64_t>(batch.int_at(0, row));
      nulls += batch.is_null(3, row) ? 1U : 0U;
      length += batch.text_at(3, row).size();
    }
    n += batch.n_rows();
  }
  EXPECT_LT(resident_kib(), resident_at_start + 2048);
  EXPECT_EQ(fmt::format("{}", n), server_->value("SELECT COUNT(*) FROM shop.many"));
  EXPECT_EQ(fmt::format("{}", sum), server_->value("SELECT SUM(id) FROM shop.many"));
  EXPECT_EQ(fmt::format("{}", nulls), server_->value("SELECT COUNT(*) - COUNT(name) FROM shop.many"));
  EXPECT_EQ(fmt::format("{}", length), server_->value("SELECT SUM(LENGTH(name)) FROM shop.many"));
}

TEST_F(MysqlTest, what_bulk_insert_writes_comes_back_the_same) {
  const table::Schema schema = {{"id", ColumnType::kInt64},     {"n", ColumnType::kInt32},
                                {"d", ColumnType::kDouble},     {"price", ColumnType::kDecimal, 10, 2},
                                {"name", ColumnType::kText},    {"raw", ColumnType::kBytes},
                                {"at", ColumnType::kTimestamp}, {"day", ColumnType::kDate}};
  server_->execute(
      "CREATE OR REPLACE TABLE shop.bulk (id BIGINT PRIMARY KEY, n INT, d DOUBLE, price DECIMAL(10,2), name LONGTEXT, raw BLOB, "
      "at DATETIME(6), day DATE)");
  Connection connection({.url = parse_mysql_url(server_->url("shop"))});
  table::Batch batch(schema);
  // One text is larger than a statement may be by default in old servers, and sets of rows are larger than one statement.
  for (std::int64_t i = 0; i < 2000; ++i) {
    batch.append_int(0, i);
    if (i % 3 == 0) {
      for (std::size_t column = 1; column < schema.size(); ++column) batch.append_null(column);
    } else {
      batch.append_int(1, -i);
      batch.append_double(2, static_cast<double>(i) / 8);
      batch.append_text(3, fmt::format("{}.25", i));
      batch.append_text(
          4, i == 1 ? std::string(2'000'000, 'x') : fmt::format("名 {} '\"\\", std::string(static_cast<std::size_t>(i), 'y')));
      batch.append_text(5, std::string("\0\xff", 2));
      batch.append_int(6, k20260228 + i * 1'000'001);
      batch.append_int(7, -i);
    }
    batch.end_row();
  }
  BulkInsert(connection, "bulk", schema).write(batch);
  MysqlSource source = reader();
  TableSnapshot snapshot = source.snapshot("bulk");
  table::Batch back(snapshot.stream->schema());
  ASSERT_TRUE(snapshot.stream->next(back));
  ASSERT_EQ(back.n_rows(), 2000U);
  for (std::size_t row = 0; row < 2000; ++row) {
    EXPECT_EQ(back.int_at(0, row), batch.int_at(0, row));
    for (std::size_t column = 1; column < schema.size(); ++column)
      ASSERT_EQ(back.is_null(column, row), batch.is_null(column, row)) << row;
    EXPECT_EQ(back.int_at(1, row), batch.int_at(1, row));
    EXPECT_EQ(back.double_at(2, row), batch.double_at(2, row));
    for (const std::size_t column : {3U, 4U, 5U}) EXPECT_EQ(back.text_at(column, row), batch.text_at(column, row));
    EXPECT_EQ(back.int_at(6, row), batch.int_at(6, row));
    EXPECT_EQ(back.int_at(7, row), batch.int_at(7, row));
  }
}

}  // namespace
}  // namespace lodestone::sources
