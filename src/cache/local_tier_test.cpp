#include "cache/local_tier.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lodestone::cache {
namespace {

using namespace std::chrono_literals;
using State = LocalTier::State;
constexpr LocalTier::Time kStart{1h};

Bytes text(std::string value) { return std::make_shared<const std::string>(std::move(value)); }

TEST(LocalTier, gives_a_value_until_its_time_is_over) {
  LocalTier tier({});
  EXPECT_EQ(tier.find("a", kStart).state, State::kMiss);
  tier.put("a", text("1"), kStart, 10s, 0s);
  EXPECT_EQ(*tier.find("a", kStart + 9'999ms).value, "1");
  EXPECT_EQ(tier.find("a", kStart + 10s).state, State::kMiss);
  EXPECT_EQ(tier.size(), 0U) << "what is over is let go when it is seen";
  EXPECT_EQ(tier.bytes(), 0U);
}

TEST(LocalTier, one_caller_refreshes_what_is_stale) {
  LocalTier tier({});
  tier.put("a", text("1"), kStart, 10s, 5s);
  EXPECT_FALSE(tier.find("a", kStart + 9s).should_refresh);
  const LocalTier::Found first = tier.find("a", kStart + 10s);
  EXPECT_EQ(first.state, State::kStale);
  EXPECT_TRUE(first.should_refresh);
  EXPECT_FALSE(tier.find("a", kStart + 10s).should_refresh);
  EXPECT_TRUE(tier.find("a", kStart + 11s).should_refresh) << "the first one did not come back";
  tier.put("a", text("2"), kStart + 11s, 10s, 5s);
  EXPECT_EQ(*tier.find("a", kStart + 12s).value, "2");
  EXPECT_EQ(tier.find("a", kStart + 30s).state, State::kMiss);
}

TEST(LocalTier, never_holds_more_bytes_than_it_may) {
  LocalTier tier({.bytes = 160'000});
  for (int i = 0; i < 5'000; ++i) {
    tier.put(std::to_string(i), text(std::string(static_cast<std::size_t>(i % 3'000), 'x')), kStart, 10s, 0s);
    ASSERT_LE(tier.bytes(), 160'000U);
  }
  EXPECT_GT(tier.size(), 20U);
  tier.put("huge", text(std::string(20'000, 'x')), kStart, 10s, 0s);
  EXPECT_EQ(tier.find("huge", kStart).state, State::kMiss) << "it is larger than a shard";
  tier.clear();
  EXPECT_EQ(tier.bytes(), 0U);
}

TEST(LocalTier, lets_go_of_what_was_used_longest_ago) {
  LocalTier tier({.bytes = 16 * 1'000});
  tier.put("kept", text("1"), kStart, 10s, 0s);
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(tier.find("kept", kStart).state, State::kFresh);
    tier.put(std::to_string(i), text("x"), kStart, 10s, 0s);
  }
}

TEST(LocalTier, lets_go_of_named_keys) {
  LocalTier tier({});
  for (const char* key : {"a:1", "a:2", "b:1"}) tier.put(key, text("x"), kStart, 10s, 0s);
  tier.erase("a:1");
  tier.erase("unknown");
  EXPECT_EQ(tier.peek("a:1"), nullptr);
  tier.erase_if([](std::string_view key) { return key.starts_with("b:"); });
  EXPECT_EQ(tier.peek("b:1"), nullptr);
  EXPECT_EQ(*tier.peek("a:2"), "x");
  EXPECT_EQ(tier.size(), 1U);
}

TEST(LocalTier, what_is_made_stale_is_given_while_somebody_fetches_it_anew) {
  LocalTier tier({});
  tier.put("a", text("1"), kStart, 10s, 5s);
  tier.make_stale(kStart + 1s);
  EXPECT_EQ(tier.find("a", kStart).state, State::kFresh);
  EXPECT_TRUE(tier.find("a", kStart + 1s).should_refresh);
  EXPECT_EQ(*tier.find("a", kStart + 2s).value, "1");
}

TEST(LocalTier, many_threads_share_it) {
  LocalTier tier({.bytes = 100'000});
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&tier, t] {
      for (int i = 0; i < 5'000; ++i) {
        const std::string key = std::to_string((i * 7 + t) % 300);
        const auto found = tier.find(key, kStart);
        EXPECT_EQ(found.value ? *found.value : key, key);
        tier.put(key, text(key), kStart, 10s, 0s);
        if (i % 1'000 == 0) tier.clear();
      }
    });
  }
  threads.clear();
  tier.clear();
  EXPECT_EQ(tier.bytes(), 0U);
  EXPECT_EQ(tier.size(), 0U);
}

}  // namespace
}  // namespace lodestone::cache
