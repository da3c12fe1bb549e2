#include "cache/redis_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::cache {
namespace {

std::string refusal(std::string_view text) {
  try {
    static_cast<void>(RedisUrl::parse(text, "serving.redis_hot_url"));
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(RedisUrl, has_the_usual_defaults) {
  const RedisUrl url = RedisUrl::parse("redis://cache.example", "key");
  EXPECT_EQ(url.host, "cache.example");
  EXPECT_EQ(url.port, 6379);
  EXPECT_EQ(url.database, 0);
  EXPECT_EQ(url.password, "");
}

TEST(RedisUrl, reads_login_port_and_database) {
  const RedisUrl url = RedisUrl::parse("redis://app:p%40ss%2Fw:rd@[::1]:7000/3", "key");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 7000);
  EXPECT_EQ(url.user, "app");
  EXPECT_EQ(url.password, "p@ss/w:rd");
  EXPECT_EQ(url.database, 3);
  EXPECT_EQ(url.shown(), "redis://[::1]:7000/3");
}

TEST(RedisUrl, tells_tls_by_its_scheme) {
  EXPECT_FALSE(RedisUrl::parse("redis://x", "key").is_tls);
  const RedisUrl url = RedisUrl::parse("rediss://app:secret@x:6380/1", "key");
  EXPECT_TRUE(url.is_tls);
  EXPECT_EQ(url.host, "x");
  EXPECT_EQ(url.port, 6380);
  EXPECT_EQ(url.password, "secret");
  EXPECT_EQ(url.shown(), "rediss://x:6380/1");
}

TEST(RedisUrl, says_what_is_wrong_and_never_the_password) {
  EXPECT_EQ(refusal("http://x"),
            "serving.redis_hot_url: expected redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE], or rediss:// for TLS");
  EXPECT_EQ(refusal("redis://secret@x"), "serving.redis_hot_url: before the @ there is no :PASSWORD");
  EXPECT_EQ(refusal("redis://:secret@"), "serving.redis_hot_url: there is no host");
  EXPECT_EQ(refusal("redis://" + std::string(253, 'x')), "");
  EXPECT_EQ(refusal("redis://" + std::string(254, 'x')), "serving.redis_hot_url: the host is no name of up to 253 bytes");
  EXPECT_EQ(refusal("redis://:secret@x:0"), "serving.redis_hot_url: the port is no number from 1 to 65535");
  EXPECT_EQ(refusal("redis://:secret@x/a"), "serving.redis_hot_url: the database after the host is no number from 0");
  EXPECT_THAT(refusal("redis://:secret%@x"), testing::HasSubstr("write %25 for a percent sign"));
}

}  // namespace
}  // namespace lodestone::cache
