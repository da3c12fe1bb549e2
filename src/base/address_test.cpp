#include "base/address.hpp"

#include <gtest/gtest.h>

namespace lodestone {
namespace {

TEST(Address, shows_what_is_no_secret) {
  for (const char* address :
       {"http://127.0.0.1:4318/v1/traces", "https://[::1]:4318/", "mysql://reader@db:3306/shop",
        "mysql://reader@/shop?socket=/run/mysqld.sock", "mysql://@db/shop", "redis://db:6379/1", "", "localhost:4318"})
    EXPECT_EQ(shown_address(address), address);
}

TEST(Address, hides_password_login_and_query) {
  EXPECT_EQ(shown_address("http://name:s3cret@host:1/path"), "http://***@host:1/path");
  EXPECT_EQ(shown_address("https://token@host"), "https://***@host");
  EXPECT_EQ(shown_address("https://host/v1?key=s3cret"), "https://host/v1?***");
  EXPECT_EQ(shown_address("https://host/v1#s3cret"), "https://host/v1?***");
  EXPECT_EQ(shown_address("redis://:s3cret@host/2"), "redis://:***@host/2");
  EXPECT_EQ(shown_address("mysql+pymysql://root:s3cret@host/shop"), "mysql+pymysql://root:***@host/shop");
}

TEST(Address, hides_it_in_addresses_that_are_written_wrong) {
  EXPECT_EQ(shown_address("root:s3cret@host/shop"), "***@host/shop");
  EXPECT_EQ(shown_address("mysql://root:s3/cr@et@host/shop"), "mysql://root:***@host/shop");
  EXPECT_EQ(shown_address("http://name:s3?cr/et@host/path"), "http://***@host/path");
}

}  // namespace
}  // namespace lodestone
