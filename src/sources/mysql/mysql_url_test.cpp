#include "sources/mysql/mysql_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string failure(std::string_view text) {
  try {
    parse_mysql_url(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(MysqlUrl, reads_host_port_and_database) {
  EXPECT_EQ(parse_mysql_url("mysql://reader@db.example.com:3307/shop"), (MysqlUrl{"reader", "db.example.com", 3307, "", "shop"}));
  EXPECT_EQ(parse_mysql_url("mysql://reader@db/shop"), (MysqlUrl{"reader", "db", 3306, "", "shop"}));
  EXPECT_EQ(parse_mysql_url("mysql://reader@[::1]:65535/shop"), (MysqlUrl{"reader", "::1", 65535, "", "shop"}));
}

TEST(MysqlUrl, reads_a_socket) {
  EXPECT_EQ(parse_mysql_url("mysql://root@/shop?socket=/run/mysqld/mysqld.sock"),
            (MysqlUrl{"root", "", 3306, "/run/mysqld/mysqld.sock", "shop"}));
}

TEST(MysqlUrl, undoes_percent_encoding) {
  const MysqlUrl url = parse_mysql_url("mysql://a%40b%3Ac@h/d%2fe%20%25");
  EXPECT_EQ(url.user, "a@b:c");
  EXPECT_EQ(url.database, "d/e %");
}

TEST(MysqlUrl, is_written_as_it_was) {
  for (const char* text : {"mysql://reader@db:3307/shop", "mysql://reader@[::1]:1/shop", "mysql://root@/shop?socket=/tmp/s"}) {
    EXPECT_EQ(format_mysql_url(parse_mysql_url(text)), text);
  }
}

TEST(MysqlUrl, refuses_a_password_without_showing_it) {
  EXPECT_EQ(
      failure("mysql://reader:s3cret@db:3306/shop"),
      "the address of user \"reader\" holds a password; take it out, and give it by an environment variable or a password file");
  for (const char* text :
       {"mysql://reader:s3cret@db:x/shop", "mysql://:s3cret@", "mysql://r:s3cret@h", "mysql://r:s3%cret@h/d?x"}) {
    EXPECT_THAT(failure(text), HasSubstr("holds a password")) << text;
    EXPECT_THAT(failure(text), Not(HasSubstr("cret"))) << text;
  }
  for (const char* text : {"mysql+pymysql://root:s3cret@h/d", "root:s3cret@h/d", "mysql://root:s3/cret@h/d"})
    EXPECT_THAT(failure(text), Not(HasSubstr("cret"))) << text;
}

TEST(MysqlUrl, names_what_is_wrong) {
  EXPECT_THAT(failure("postgres://a@b/c"),
              HasSubstr("\"postgres://a@b/c\" is no database address; write mysql://USER@HOST:PORT/DATABASE"));
  EXPECT_THAT(failure("mysql://db:3306/shop"), HasSubstr("names no user"));
  EXPECT_THAT(failure("mysql://@db:3306/shop"), HasSubstr("names no user"));
  EXPECT_THAT(failure("mysql://r@db"), HasSubstr("names no database"));
  EXPECT_THAT(failure("mysql://r@db/"), HasSubstr("names no database"));
  EXPECT_THAT(failure("mysql://r@/shop"), HasSubstr("either a host or a socket"));
  EXPECT_THAT(failure("mysql://r@db/shop?socket=/s"), HasSubstr("either a host or a socket"));
  EXPECT_THAT(failure("mysql://r@db/shop?charset=utf8"), HasSubstr("only ?socket=/PATH may stand there"));
  EXPECT_THAT(failure("mysql://r@[::1/shop"), HasSubstr("has a [ without ]"));
  for (const char* port : {"0", "65536", "x", "", "33 "}) {
    EXPECT_THAT(failure(std::string("mysql://r@db:") + port + "/shop"), HasSubstr("it must be a number from 1 to 65535")) << port;
  }
  for (const char* user : {"a%", "a%4", "a%zz"}) {
    EXPECT_THAT(failure(std::string("mysql://") + user + "@db/shop"), HasSubstr("a % without two hexadecimal digits")) << user;
  }
}

}  // namespace
}  // namespace lodestone::sources
