// Every column type through the binary log, compared with what a snapshot reads, in all ways in which a server may log rows.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/integration/binlog_fixture.hpp"

namespace lodestone::sources {
namespace {

struct Logging {
  std::string metadata, image, compression;
};

class BinlogTypesTest : public testing::TestWithParam<Logging> {
 protected:
  static void SetUpTestSuite() { logging_server().execute("CREATE DATABASE IF NOT EXISTS types CHARACTER SET utf8mb4"); }
  void SetUp() override {
    server_.execute("SET GLOBAL binlog_row_metadata = " + GetParam().metadata);
    server_.execute("SET SESSION binlog_row_image = " + GetParam().image);
    server_.execute("SET GLOBAL log_bin_compress = " + GetParam().compression);
    server_.execute("SET GLOBAL log_bin_compress_min_len = 10");
    server_.execute("SET SESSION time_zone = '+00:00'");
    position_ = current();
  }
  void TearDown() override { server_.execute("SET SESSION binlog_row_image = FULL"); }
  GtidPosition current() {
    Connection connection(options_of(url_));
    return current_gtid(connection);
  }
  /// The table that followed the log has what a snapshot reads.
  void expect_equal(const std::string& table) {
    follow(url_, table, position_, rows_);
    const Rows expected = snapshot_of(url_, table);
    ASSERT_EQ(rows_.size(), expected.size());
    Connection connection(options_of(url_));
    const BinlogTable described = read_binlog_table(connection, table);
    for (const auto& [key, cells] : expected) {
      ASSERT_TRUE(rows_.contains(key)) << key;
      for (std::size_t i = 0; i < cells.size(); ++i) {
        EXPECT_EQ(rows_[key][i], cells[i]) << described.descriptions[i].name << " " << described.descriptions[i].column_type
                                           << ", row " << key;
      }
    }
  }

  test::MariaDb& server_ = logging_server();
  std::string url_ = server_.url("types");
  GtidPosition position_;
  Rows rows_;
};

struct ColumnCase {
  const char* name;
  const char* type;
  const char* first;
  const char* second;
};

// The ends of each type's range, and what is empty or zero in it.
constexpr std::array kCases = {
    ColumnCase{"b1", "TINYINT(1)", "1", "0"},
    ColumnCase{"i8", "TINYINT", "-128", "0"},
    ColumnCase{"u8", "TINYINT UNSIGNED", "255", "0"},
    ColumnCase{"ye", "YEAR", "2026", "0"},
    ColumnCase{"i16", "SMALLINT", "-32768", "0"},
    ColumnCase{"u16", "SMALLINT UNSIGNED", "65535", "0"},
    ColumnCase{"i24", "MEDIUMINT", "-8388608", "-1"},
    ColumnCase{"u24", "MEDIUMINT UNSIGNED", "16777215", "0"},
    ColumnCase{"i32", "INT", "-2147483648", "-7"},
    ColumnCase{"u32", "INT UNSIGNED", "4294967295", "0"},
    ColumnCase{"zi", "INT(8) ZEROFILL", "42", "0"},
    ColumnCase{"i64", "BIGINT", "-9223372036854775808", "-1"},
    ColumnCase{"u64", "BIGINT UNSIGNED", "9223372036854775807", "0"},
    ColumnCase{"d1", "DECIMAL(10,2)", "-12345678.90", "0.00"},
    ColumnCase{"d2", "DECIMAL(65,30)", "-12345678901234567890123456789012345.123456789012345678901234567890", "0"},
    ColumnCase{"d3", "DECIMAL(38,0) UNSIGNED", "99999999999999999999999999999999999999", "0"},
    ColumnCase{"d4", "DECIMAL(9,9)", "-0.000000001", "0.5"},
    ColumnCase{"d5", "DECIMAL(20,3) ZEROFILL", "12.5", "0"},
    ColumnCase{"d6", "DECIMAL(45,5) ZEROFILL", "1.25", "0"},
    ColumnCase{"f", "FLOAT", "3.69", "-0.5"},
    ColumnCase{"f2", "FLOAT(7,2)", "12345.67", "-0.01"},
    ColumnCase{"d", "DOUBLE", "0.1", "-1e300"},
    ColumnCase{"ch", "CHAR(10)", "'abc '", "''"},
    ColumnCase{"ch2", "CHAR(255)", "REPEAT('天', 255)", "''"},
    ColumnCase{"bi", "BINARY(4)", "x'00ff0a00'", "''"},
    ColumnCase{"bi2", "BINARY(255)", "x'0102'", "''"},
    ColumnCase{"vc", "VARCHAR(20)", "'天气 😀'", "''"},
    ColumnCase{"vl", "VARCHAR(3000)", "REPEAT('长', 1000)", "''"},
    ColumnCase{"vb", "VARBINARY(8)", "x'0001'", "''"},
    ColumnCase{"vb2", "VARBINARY(300)", "REPEAT('v', 299)", "''"},
    ColumnCase{"tt", "TINYTEXT", "'tiny'", "''"},
    ColumnCase{"tx", "TEXT", "'text'", "''"},
    ColumnCase{"mt", "MEDIUMTEXT", "REPEAT('m', 70000)", "''"},
    ColumnCase{"lt", "LONGTEXT", "REPEAT('长', 100000)", "''"},
    ColumnCase{"tb", "TINYBLOB", "x'00'", "''"},
    ColumnCase{"bl", "BLOB", "x'00010203'", "''"},
    ColumnCase{"mb", "MEDIUMBLOB", "REPEAT('b', 300)", "''"},
    ColumnCase{"lb", "LONGBLOB", "x'ff'", "''"},
    ColumnCase{"js", "JSON", "'{\"a\": [1, \"ü\"]}'", "'{}'"},
    ColumnCase{"en", "ENUM('a','it''s','C\\\\d','天')", "'it''s'", "'C\\\\d'"},
    ColumnCase{"st", "SET('x','Y','z')", "'x,z'", "''"},
    ColumnCase{"da", "DATE", "'2026-02-28'", "'1000-01-01'"},
    ColumnCase{"dt", "DATETIME", "'2026-02-28 01:02:03'", "'1000-01-01'"},
    ColumnCase{"dt1", "DATETIME(1)", "'2026-02-28 01:02:03.4'", "'0001-01-01 00:00:00.1'"},
    ColumnCase{"dt3", "DATETIME(3)", "'1969-12-31 23:59:59.123'", "'2000-02-29'"},
    ColumnCase{"dt6", "DATETIME(6)", "'9999-12-31 23:59:59.999999'", "'1970-01-01 00:00:00.000001'"},
    ColumnCase{"ts", "TIMESTAMP NULL", "'2026-02-28 01:02:03'", "'1970-01-01 00:00:01'"},
    ColumnCase{"ts2", "TIMESTAMP(2) NULL", "'2026-02-28 01:02:03.12'", "'2038-01-19 03:14:07.99'"},
    ColumnCase{"ts4", "TIMESTAMP(4) NULL", "'2026-02-28 01:02:03.1234'", "'2001-01-01'"},
    ColumnCase{"ts6", "TIMESTAMP(6) NULL", "'2026-02-28 01:02:03.123456'", "'2001-01-01'"},
    ColumnCase{"ti", "TIME", "'-100:02:03'", "0"},
    ColumnCase{"ti1", "TIME(1)", "'-00:00:00.5'", "'-838:59:59'"},
    ColumnCase{"ti2", "TIME(2)", "'838:59:58.99'", "'-00:00:01'"},
    ColumnCase{"ti4", "TIME(4)", "'-01:02:03.0001'", "'00:00:00.01'"},
    ColumnCase{"ti6", "TIME(6)", "'12:00:00.000001'", "'-838:59:59.000001'"},
    ColumnCase{"bt", "BIT(1)", "b'1'", "b'0'"},
    ColumnCase{"bt9", "BIT(9)", "b'100000001'", "b'0'"},
    ColumnCase{"bt63", "BIT(63)", "0x7fffffffffffffff", "0"},
    ColumnCase{"uu", "UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'"},
    ColumnCase{"ip4", "INET4", "'10.0.0.0'", "'255.255.255.255'"},
    ColumnCase{"ip6", "INET6", "'::1'", "'::ffff:1.2.3.4'"},
    ColumnCase{"gp", "POINT", "POINT(1, 2)", "POINT(0, 0)"},
    ColumnCase{"gg", "GEOMETRY", "ST_GeomFromText('LINESTRING(0 0,1 1)')", "POINT(-1, 1)"},
    ColumnCase{"l1", "VARCHAR(20) CHARACTER SET latin1", "'é€'", "''"},
    ColumnCase{"gb", "CHAR(20) CHARACTER SET gbk", "'天气ab'", "''"},
    ColumnCase{"u3", "VARCHAR(20) CHARACTER SET utf8mb3", "'天'", "''"},
    ColumnCase{"uc", "VARCHAR(20) CHARACTER SET ucs2", "'天气'", "''"},
    ColumnCase{"sj", "TEXT CHARACTER SET sjis", "'ｱ日本a'", "'a~'"},
    ColumnCase{"u4", "VARCHAR(10) CHARACTER SET utf32", "'天😀'", "''"},
    ColumnCase{"le", "ENUM('é','ü') CHARACTER SET latin1", "'ü'", "'é'"},
    ColumnCase{"gs", "SET('天','气') CHARACTER SET gbk", "'天,气'", "''"},
    ColumnCase{"cv", "VARCHAR(500) COMPRESSED", "REPEAT('c', 400)", "''"},
    ColumnCase{"cv2", "VARCHAR(100) COMPRESSED", "'short'", "''"},
    ColumnCase{"ct", "TEXT COMPRESSED", "REPEAT('天', 500)", "''"},
    ColumnCase{"cl", "LONGTEXT COMPRESSED CHARACTER SET latin1", "REPEAT('é', 3000)", "''"},
    ColumnCase{"cb", "VARBINARY(400) COMPRESSED", "REPEAT('x', 400)", "''"},
    ColumnCase{"cbl", "MEDIUMBLOB COMPRESSED", "REPEAT('y', 1000)", "''"},
};

/// "id INT PRIMARY KEY, ..." or the values of a row.
std::string list_of(const std::string& first, const char* ColumnCase::*second, const char* ColumnCase::*third = nullptr) {
  std::string text = first;
  for (const ColumnCase& column : kCases) {
    text += ", ";
    text += column.*second;
    if (third != nullptr) text += std::string(" ") + column.*third;
  }
  return text;
}

TEST_P(BinlogTypesTest, a_table_that_follows_the_log_equals_a_snapshot) {
  server_.execute("CREATE OR REPLACE TABLE types.t (" + list_of("id INT PRIMARY KEY", &ColumnCase::name, &ColumnCase::type) +
                  ")");
  server_.execute("SET SESSION sql_mode = ''");
  server_.execute("INSERT INTO types.t VALUES (" + list_of("1", &ColumnCase::first) + ")");
  server_.execute("INSERT INTO types.t VALUES (" + list_of("2", &ColumnCase::second) + ")");
  std::string nulls = "3";
  for (std::size_t i = 0; i < kCases.size(); ++i) nulls += ", NULL";
  server_.execute("INSERT INTO types.t VALUES (" + nulls + ")");
  expect_equal("t");
  // One column, all of a row, one of many blobs, a key, and no column at all.
  server_.execute("UPDATE types.t SET i64 = 5, uu = '01890a5d-ac96-774b-bcce-b302099a8057', ip6 = 'fe80::1' WHERE id = 1");
  server_.execute("UPDATE types.t SET lt = 'now short', vc = NULL, en = 'a' WHERE id < 3");
  server_.execute("UPDATE types.t SET id = 30, tx = 'moved', ti6 = '-00:00:00.000001' WHERE id = 3");
  expect_equal("t");
  server_.execute("DELETE FROM types.t WHERE id = 2");
  expect_equal("t");
  server_.execute("DELETE FROM types.t");
  expect_equal("t");
}

TEST_P(BinlogTypesTest, dates_that_no_calendar_has_come_as_null) {
  server_.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES'");
  server_.execute("CREATE OR REPLACE TABLE types.zero (id INT PRIMARY KEY, at DATETIME(2), day DATE, ts TIMESTAMP NULL)");
  server_.execute(
      "INSERT INTO types.zero VALUES (1, '0000-00-00 00:00:00', '0000-00-00', '0000-00-00'), (2, '2026-02-30 01:00:00', "
      "'2026-02-00', "
      "'2026-01-01'), (3, '2026-02-28', '2026-02-28', NULL)");
  expect_equal("zero");
  EXPECT_EQ(rows_["1"], (std::vector<std::string>{"1", "NULL", "NULL", "NULL"}));
  EXPECT_NE(rows_["3"][1], "NULL");
}

TEST_P(BinlogTypesTest, times_in_the_format_of_old_servers_come_too) {
  server_.execute("SET GLOBAL mysql56_temporal_format = OFF");
  server_.execute(
      "CREATE OR REPLACE TABLE types.old (id INT PRIMARY KEY, a TIME, b TIME(1), c TIME(2), d TIME(3), e TIME(6), f DATETIME, g "
      "DATETIME(1), h DATETIME(3), i DATETIME(4), j DATETIME(6), k TIMESTAMP NULL, l TIMESTAMP(1) NULL, m TIMESTAMP(3) NULL, n "
      "TIMESTAMP(5) NULL, o DATE)");
  server_.execute("SET GLOBAL mysql56_temporal_format = ON");
  server_.execute(
      "INSERT INTO types.old VALUES (1, '-100:02:03', '-01:02:03.4', '838:59:59.99', '12:00:00.001', '-00:00:00.000001', "
      "'2026-02-28 "
      "01:02:03', '2026-02-28 01:02:03.4', '1001-02-03 04:05:06.789', '2026-02-28 01:02:03.1234', '9999-12-31 23:59:59.999999', "
      "'2026-02-28 01:02:03', '2026-02-28 01:02:03.4', '2026-02-28 01:02:03.123', '2026-02-28 01:02:03.12345', '2026-02-28')");
  server_.execute("INSERT INTO types.old VALUES (2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)");
  server_.execute("INSERT INTO types.old (id) VALUES (3)");
  server_.execute("UPDATE types.old SET a = '00:00:01' WHERE id = 1");
  if (GetParam().image == "FULL") {
    expect_equal("old");
  } else {
    server_.execute(
        "DELETE FROM types.old WHERE id = 3");  // what an insert leaves out is its default, which follow() does not know
    expect_equal("old");
  }
}

std::vector<Logging> all_ways() {
  std::vector<Logging> ways;
  for (const char* metadata : {"NO_LOG", "MINIMAL", "FULL"}) {
    for (const char* image : {"FULL", "NOBLOB", "MINIMAL"}) {
      for (const char* compression : {"OFF", "ON"}) ways.push_back({metadata, image, compression});
    }
  }
  return ways;
}

INSTANTIATE_TEST_SUITE_P(AllWays, BinlogTypesTest, testing::ValuesIn(all_ways()), [](const auto& way) {
  return way.param.metadata + "_" + way.param.image + "_compression_" + way.param.compression;
});

}  // namespace
}  // namespace lodestone::sources
