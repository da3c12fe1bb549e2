// What a MySQL or MariaDB source says when it cannot be read: one sentence each, against a real server.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "base/error.hpp"
#include "sources/mysql/bulk_insert.hpp"
#include "sources/mysql/mysql_source.hpp"
#include "tests/support/mariadb.hpp"

namespace lodestone::sources {
namespace {

using testing::HasSubstr;
using testing::Not;

class MysqlErrors : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = &test::shared_mariadb();
    server_->execute("CREATE DATABASE store CHARACTER SET utf8mb4");
    server_->execute("CREATE TABLE store.order_tab (id BIGINT UNSIGNED PRIMARY KEY, name VARCHAR(255))");
    server_->execute("INSERT INTO store.order_tab SELECT seq, REPEAT('n', 200) FROM seq_1_to_300000");
    server_->execute("CREATE TABLE store.hidden (id INT PRIMARY KEY)");
    server_->execute("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'secret'");
    server_->execute("GRANT SELECT ON store.order_tab TO reader@'127.0.0.1'");
  }
  static MysqlOptions reader() { return {.url = server_->url("store", "reader"), .password = "secret"}; }
  static std::string failure(ErrorCode code, const std::function<void()>& what) {
    try {
      what();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.message();
      return error.message();
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }
  static test::MariaDb* server_;
};
test::MariaDb* MysqlErrors::server_ = nullptr;

TEST_F(MysqlErrors, wrong_password) {
  MysqlOptions options = reader();
  options.password = "wr0ng";
  const std::string message = failure(ErrorCode::kUnavailable, [&] { MysqlSource{options}; });
  EXPECT_EQ(message, fmt::format("mysql://reader@127.0.0.1:{}/store: the server refuses user \"reader\" at 127.0.0.1 (access "
                                 "denied); check the user name and "
                                 "the password that the environment variable or the password file gives",
                                 server_->port()));
  EXPECT_THAT(message, Not(HasSubstr("wr0ng")));
}

TEST_F(MysqlErrors, no_password_and_unknown_user) {
  MysqlOptions options = reader();
  options.password.clear();
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { MysqlSource{options}; }),
              HasSubstr("refuses user \"reader\" at 127.0.0.1 (access denied); no password was given; give it by an environment "
                        "variable or a password file"));
  options = {.url = server_->url("store", "nobody"), .password = "x"};
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { MysqlSource{options}; }), HasSubstr("refuses user \"nobody\""));
}

TEST_F(MysqlErrors, unknown_database_names_those_that_are_there) {
  const std::string message = failure(ErrorCode::kNotFound, [&] { MysqlSource({.url = server_->url("storre")}); });
  EXPECT_THAT(message, HasSubstr("/storre: the server has no database \"storre\"; this account sees: "));
  EXPECT_THAT(message, HasSubstr("store"));
}

TEST_F(MysqlErrors, a_database_that_may_not_be_used) {
  server_->execute("CREATE DATABASE private");
  MysqlOptions options = reader();
  options.url = server_->url("private", "reader");
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { MysqlSource{options}; }),
              HasSubstr("user \"reader\" may not use database \"private\"; an administrator must run GRANT SELECT ON `private`.* "
                        "TO its account"));
}

TEST_F(MysqlErrors, nobody_listens) {
  // A port that is bound but does not listen refuses whoever calls.
  const int bound = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(bound, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(bound, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::uint16_t closed = ntohs(address.sin_port);
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { MysqlSource({.url = fmt::format("mysql://a@127.0.0.1:{}/shop", closed)}); }),
              HasSubstr(fmt::format(
                  "mysql://a@127.0.0.1:{}/shop: no server answers at 127.0.0.1:{}; start it, or correct host, port or socket",
                  closed, closed)));
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { MysqlSource({.url = "mysql://a@/shop?socket=/nowhere/socket"}); }),
              HasSubstr("no server answers at /nowhere/socket; start it"));
  ::close(bound);
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { MysqlSource({.url = "mysql://a@no-such-host.invalid:3306/shop"}); }),
              HasSubstr("there is no host \"no-such-host.invalid\"; correct the name"));
}

TEST_F(MysqlErrors, a_bad_address) {
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument, [&] { MysqlSource({.url = "mysql://a:b@h/d"}); }),
              HasSubstr("holds a password"));
}

TEST_F(MysqlErrors, a_table_without_the_right_to_read_it) {
  MysqlSource source(reader());
  EXPECT_THAT(source.tables(), testing::ElementsAre("order_tab"));
  EXPECT_EQ(failure(ErrorCode::kUnavailable, [&] { (void)source.snapshot("hidden"); }),
            fmt::format("mysql://reader@127.0.0.1:{}/store: cannot read table hidden: user \"reader\" lacks the right; an "
                        "administrator must run GRANT SELECT ON "
                        "`store`.`hidden` TO 'reader'@'127.0.0.1';",
                        server_->port()));
  // The connection is as good as before.
  EXPECT_EQ(source.schema("order_tab").size(), 2U);
}

TEST_F(MysqlErrors, a_table_that_is_not_there) {
  MysqlSource source({.url = server_->url("store")});
  EXPECT_THAT(failure(ErrorCode::kNotFound, [&] { (void)source.snapshot("orders"); }),
              HasSubstr("cannot read table orders: the database has no such table"));
}

TEST_F(MysqlErrors, a_server_that_goes_away_in_the_middle) {
  MysqlSource source(reader());
  TableSnapshot snapshot = source.snapshot("order_tab");
  table::Batch batch(snapshot.stream->schema());
  ASSERT_TRUE(snapshot.stream->next(batch));
  server_->execute(fmt::format("KILL CONNECTION {}", source.connection().id()));
  const std::string message = failure(ErrorCode::kUnavailable, [&] {
    while (snapshot.stream->next(batch)) {
    }
  });
  EXPECT_THAT(message, HasSubstr("cannot read table order_tab: the server closed the connection ("));
  EXPECT_THAT(message, testing::ContainsRegex(
                           "after [0-9]+ rows of table order_tab; nothing of this reading is kept, run the command again"));
  EXPECT_FALSE(source.connection().ping());
}

TEST_F(MysqlErrors, a_server_that_keeps_silent) {
  Connection connection({.url = parse_mysql_url(server_->url("store")), .read_timeout = std::chrono::seconds(1)});
  EXPECT_THAT(failure(ErrorCode::kTimeout,
                      [&] {
                        connection.execute("SELECT SLEEP(30)", {"wait", "", 0});
                      }),
              HasSubstr("cannot wait: the server kept silent for 1 s; run the command again when it is back"));
}

TEST_F(MysqlErrors, a_stream_that_is_given_up_cuts_the_connection) {
  MysqlSource source(reader());
  {
    TableSnapshot snapshot = source.snapshot("order_tab");
    table::Batch batch(snapshot.stream->schema());
    ASSERT_TRUE(snapshot.stream->next(batch));
  }
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { (void)source.snapshot("order_tab"); }),
              HasSubstr("the reading of an earlier table was broken off; open the source anew"));
}

TEST_F(MysqlErrors, an_integer_beyond_int64) {
  server_->execute("CREATE OR REPLACE TABLE store.large (id BIGINT UNSIGNED PRIMARY KEY)");
  server_->execute("INSERT INTO store.large VALUES (1), (18446744073709551615)");
  MysqlSource source({.url = server_->url("store")});
  TableSnapshot snapshot = source.snapshot("large");
  table::Batch batch(snapshot.stream->schema());
  EXPECT_EQ(failure(ErrorCode::kContract, [&] { (void)snapshot.stream->next(batch); }),
            "table large: column id holds 18446744073709551615, which is beyond the largest signed 64-bit integer; give a view "
            "that casts it to DECIMAL(20,0)");
}

TEST_F(MysqlErrors, a_table_with_other_columns_cannot_be_written) {
  Connection connection({.url = parse_mysql_url(server_->url("store"))});
  const table::Schema schema = {{"id", table::ColumnType::kInt64}, {"colour", table::ColumnType::kText}};
  EXPECT_THAT(failure(ErrorCode::kContract, [&] { BulkInsert(connection, "order_tab", schema); }),
              HasSubstr("cannot write table order_tab: Unknown column 'colour'"));
}

TEST_F(MysqlErrors, an_unknown_time_zone) {
  MysqlOptions options = reader();
  options.time_zone = "Mars/Olympus";
  EXPECT_THAT(failure(ErrorCode::kUnavailable, [&] { MysqlSource{options}; }),
              HasSubstr("cannot set up the session: Unknown or incorrect time zone"));
}

}  // namespace
}  // namespace lodestone::sources
