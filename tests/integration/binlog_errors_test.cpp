// What can go wrong with a binary log, each with its sentence.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/binlog_fixture.hpp"

namespace lodestone::sources {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class BinlogErrorsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { logging_server().execute("CREATE DATABASE IF NOT EXISTS faults CHARACTER SET utf8mb4"); }
  void SetUp() override {
    server_.execute("SET SESSION binlog_format = ROW, SESSION binlog_row_image = FULL");
    server_.execute("CREATE OR REPLACE TABLE faults.item (id INT PRIMARY KEY, n BIGINT UNSIGNED)");
    Connection connection(options_of(url_));
    options_ = {.connection = options_of(url_), .start = current_gtid(connection), .mode = BinlogMode::kToEnd};
  }
  BinlogTable described(const std::string& table) {
    Connection connection(options_of(url_));
    return read_binlog_table(connection, table);
  }
  /// Opens a stream over `item` and reads to its end.
  std::size_t read() {
    BinlogStream stream(options_, {described("item")});
    std::size_t n = 0;
    while (stream.next(10s) == BinlogStep::kChanges) ++n;
    return n;
  }
  template <typename Action>
  static std::string fault_of(ErrorCode code, const Action& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.message();
      return error.message();
    }
    return "nothing was thrown";
  }

  test::MariaDb& server_ = logging_server();
  std::string url_ = server_.url("faults");
  BinlogOptions options_;
};

TEST_F(BinlogErrorsTest, a_log_that_was_deleted_asks_for_a_snapshot) {
  server_.execute("INSERT INTO faults.item VALUES (1, 1)");
  server_.execute("FLUSH BINARY LOGS");
  // The server deletes a log only when it knows that it will not need it after a crash, which it learns in the background.
  const std::string last = server_.value("SHOW MASTER STATUS");
  for (int attempt = 0; attempt < 200 && server_.value("SHOW BINARY LOGS") != last; ++attempt) {
    server_.execute("PURGE BINARY LOGS TO '" + last + "'");
    std::this_thread::sleep_for(50ms);
  }
  ASSERT_EQ(server_.value("SHOW BINARY LOGS"), last);
  try {
    read();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const LogPurged& error) {
    EXPECT_THAT(error.message(),
                AllOf(HasSubstr("no longer holds what follows " + options_.start.format()), HasSubstr("take a new snapshot")));
  }
}

TEST_F(BinlogErrorsTest, a_position_that_the_server_never_had_asks_for_a_snapshot) {
  options_.start = GtidPosition::parse("0-1-99999999");
  EXPECT_THROW(read(), LogPurged);
}

TEST_F(BinlogErrorsTest, a_server_without_a_log_is_told_what_to_set) {
  options_.connection = options_of(test::shared_mariadb().url("mysql"));
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { BinlogStream(options_, {}); }),
              HasSubstr("the server keeps no binary log; set log_bin and binlog_format=ROW"));
  Connection connection(options_.connection);
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { current_gtid(connection); }), HasSubstr("the server keeps no binary log"));
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { snapshot_gtid(connection); }), HasSubstr("the server keeps no binary log"));
}

TEST_F(BinlogErrorsTest, a_log_of_statements_is_refused) {
  server_.execute("SET GLOBAL binlog_format = MIXED");
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { read(); }),
              AllOf(HasSubstr("binlog_format=MIXED"), HasSubstr("set GLOBAL binlog_format='ROW'")));
  server_.execute("SET GLOBAL binlog_format = ROW");
  EXPECT_EQ(read(), 0U);
}

TEST_F(BinlogErrorsTest, a_session_that_logs_statements_is_noticed) {
  server_.execute("SET SESSION binlog_format = STATEMENT");
  server_.execute("INSERT INTO faults.item VALUES (1, 1)");
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { read(); }),
              AllOf(HasSubstr("table faults.item: transaction 0-1-"), HasSubstr("is logged as a statement instead of rows")));
}

TEST_F(BinlogErrorsTest, statements_about_other_tables_do_not_matter) {
  server_.execute("CREATE OR REPLACE TABLE faults.items (id INT)");
  Connection connection(options_of(url_));
  options_.start = current_gtid(connection);
  server_.execute("SET SESSION binlog_format = STATEMENT");
  server_.execute("INSERT INTO faults.items VALUES (1)");
  EXPECT_EQ(read(), 0U);
}

TEST_F(BinlogErrorsTest, an_account_without_the_right_is_told_the_grant) {
  server_.execute("CREATE OR REPLACE USER reader@'127.0.0.1'");
  server_.execute("GRANT SELECT ON faults.* TO reader@'127.0.0.1'");
  options_.connection = options_of(server_.url("faults", "reader"));
  EXPECT_THAT(
      fault_of(ErrorCode::kUnavailable, [&] { read(); }),
      HasSubstr(
          "user \"reader\" lacks the right; an administrator must run GRANT REPLICATION SLAVE ON *.* TO 'reader'@'127.0.0.1';"));
  server_.execute("GRANT REPLICATION SLAVE ON *.* TO reader@'127.0.0.1'");
  Connection connection(options_.connection);
  connection.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT", {"begin", "", 0});
  options_.start = snapshot_gtid(connection);
  server_.execute("INSERT INTO faults.item VALUES (1, 1)");
  EXPECT_EQ(read(), 1U);
}

TEST_F(BinlogErrorsTest, the_number_of_the_server_is_no_number_of_a_replica) {
  options_.server_id = 1;
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { read(); }),
              HasSubstr("cannot have the server id 1, which is the server's own"));
  options_.server_id = 7;
  BinlogStream stream(options_, {});
  EXPECT_EQ(stream.server_id(), 7U);
}

TEST_F(BinlogErrorsTest, a_time_zone_must_be_an_offset) {
  for (const char* zone : {"SYSTEM", "+8:00", "+25:00", "+08:61", ""}) {
    options_.connection.time_zone = zone;
    EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { BinlogStream(options_, {}); }), HasSubstr("is no offset")) << zone;
  }
}

TEST_F(BinlogErrorsTest, transactions_in_two_parts_are_refused_where_they_matter) {
  server_.execute("XA START 'a'");
  server_.execute("INSERT INTO faults.item VALUES (1, 1)");
  server_.execute("XA END 'a'");
  server_.execute("XA PREPARE 'a'");
  server_.execute("XA COMMIT 'a'");
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { read(); }), HasSubstr("changes it as an XA transaction"));
  BinlogStream other(options_, {});
  EXPECT_EQ(other.next(10s), BinlogStep::kEnd);
  Connection connection(options_of(url_));
  EXPECT_EQ(other.position(), current_gtid(connection));
}

TEST_F(BinlogErrorsTest, an_integer_beyond_int64_is_refused_as_a_snapshot_does) {
  server_.execute("INSERT INTO faults.item VALUES (1, 18446744073709551615)");
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { read(); }),
              HasSubstr("table faults.item: column n holds 18446744073709551615"));
}

TEST_F(BinlogErrorsTest, what_has_no_rows_of_its_own_is_not_described) {
  server_.execute("CREATE OR REPLACE VIEW faults.view AS SELECT * FROM faults.item");
  server_.execute("CREATE OR REPLACE TABLE faults.versions (id INT PRIMARY KEY) WITH SYSTEM VERSIONING");
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { described("view"); }), HasSubstr("because it is a VIEW"));
  EXPECT_THAT(fault_of(ErrorCode::kContract, [&] { described("versions"); }), HasSubstr("because it is a SYSTEM VERSIONED"));
  EXPECT_THAT(fault_of(ErrorCode::kNotFound, [&] { described("nothing"); }), HasSubstr("the database has no such table"));
}

TEST_F(BinlogErrorsTest, a_character_set_without_a_way_to_utf8_is_named) {
  server_.execute("CREATE OR REPLACE TABLE faults.item (id INT PRIMARY KEY, name VARCHAR(10) CHARACTER SET dec8)");
  Connection connection(options_of(url_));
  options_.start = current_gtid(connection);
  server_.execute("INSERT INTO faults.item VALUES (1, 'a')");
  EXPECT_THAT(
      fault_of(ErrorCode::kContract, [&] { read(); }),
      HasSubstr("table faults.item: column name: its character set dec8 cannot be read from the binary log; convert the column"));
}

TEST_F(BinlogErrorsTest, a_log_that_the_server_keeps_encrypted_comes_decrypted) {
  const TemporaryFolder folder;
  const std::string keys = (folder.path() / "keys").string();
  write_file_atomic(keys, "1;" + std::string(64, 'a') + "\n");
  fs::permissions(folder.path(), fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  fs::permissions(keys, fs::perms::others_read, fs::perm_options::add);
  test::MariaDb server({"--server-id=1", "--log-bin=bin", "--binlog-format=ROW", "--plugin-load-add=file_key_management",
                        "--file-key-management-filename=" + keys, "--encrypt-binlog=ON"});
  server.execute("CREATE DATABASE shop");
  server.execute("CREATE TABLE shop.item (id INT PRIMARY KEY)");
  server.execute("INSERT INTO shop.item VALUES (7)");
  Connection connection(options_of(server.socket_url("shop")));
  BinlogStream stream({.connection = connection.options(), .mode = BinlogMode::kToEnd}, {read_binlog_table(connection, "item")});
  std::int64_t found = 0;
  while (stream.next(10s) == BinlogStep::kChanges) {
    for (const TableChanges* changes : stream.piece().tables) found = changes->after.int_at(0, 0);
  }
  EXPECT_EQ(found, 7);
}

TEST_F(BinlogErrorsTest, a_server_that_dies_is_unavailable) {
  test::MariaDb server({"--server-id=1", "--log-bin=bin", "--binlog-format=ROW"});
  server.execute("CREATE DATABASE shop");
  BinlogStream stream({.connection = options_of(server.socket_url("shop"))}, {});
  BinlogStep step = BinlogStep::kChanges;
  while (step == BinlogStep::kChanges) step = stream.next(0s);
  EXPECT_EQ(step, BinlogStep::kIdle);
  server.kill();
  EXPECT_THAT(fault_of(ErrorCode::kUnavailable,
                       [&] {
                         while (stream.next(1h) != BinlogStep::kEnd) {
                         }
                       }),
              HasSubstr("cannot read the binary log: the server closed the connection"));
}

}  // namespace
}  // namespace lodestone::sources
