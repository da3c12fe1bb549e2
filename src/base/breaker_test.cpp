#include "base/breaker.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace lodestone {
namespace {

using namespace std::chrono_literals;
constexpr Breaker::Time kStart{1h};

TEST(Breaker, opens_after_five_failures_in_a_row) {
  Breaker breaker;
  for (int i = 0; i < 4; ++i) breaker.fail(kStart);
  EXPECT_TRUE(breaker.allows(kStart));
  breaker.succeed();
  for (int i = 0; i < 4; ++i) breaker.fail(kStart);
  EXPECT_EQ(breaker.state(), Breaker::State::kClosed);
  breaker.fail(kStart);
  EXPECT_EQ(breaker.state(), Breaker::State::kOpen);
  EXPECT_FALSE(breaker.allows(kStart));
}

TEST(Breaker, lets_one_try_through_after_thirty_seconds) {
  Breaker breaker;
  for (int i = 0; i < 5; ++i) breaker.fail(kStart);
  EXPECT_FALSE(breaker.allows(kStart + 29'999ms));
  EXPECT_TRUE(breaker.allows(kStart + 30s));
  EXPECT_EQ(breaker.state(), Breaker::State::kHalfOpen);
  EXPECT_FALSE(breaker.allows(kStart + 30s)) << "the one try is under way";
  breaker.succeed();
  EXPECT_EQ(breaker.state(), Breaker::State::kClosed);
  EXPECT_TRUE(breaker.allows(kStart + 30s));
}

TEST(Breaker, opens_again_when_the_try_fails) {
  Breaker breaker;
  for (int i = 0; i < 5; ++i) breaker.fail(kStart);
  ASSERT_TRUE(breaker.allows(kStart + 30s));
  breaker.fail(kStart + 31s);
  EXPECT_EQ(breaker.state(), Breaker::State::kOpen);
  EXPECT_FALSE(breaker.allows(kStart + 60s));
  EXPECT_TRUE(breaker.allows(kStart + 61s));
}

TEST(Breaker, failures_of_what_was_asked_before_it_opened_do_not_make_it_rest_longer) {
  Breaker breaker;
  for (int i = 0; i < 5; ++i) breaker.fail(kStart);
  breaker.fail(kStart + 20s);
  EXPECT_TRUE(breaker.allows(kStart + 30s));
}

TEST(Breaker, a_try_that_is_never_reported_makes_way_for_the_next) {
  Breaker breaker;
  for (int i = 0; i < 5; ++i) breaker.fail(kStart);
  ASSERT_TRUE(breaker.allows(kStart + 30s));
  EXPECT_FALSE(breaker.allows(kStart + 59s));
  EXPECT_TRUE(breaker.allows(kStart + 60s));
}

TEST(Breaker, of_many_who_come_at_once_one_tries) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  Breaker breaker;
  for (int i = 0; i < 5; ++i) breaker.fail(kStart);
  for (int round = 1; round <= kRounds; ++round) {
    std::atomic<int> n_allowed{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) threads.emplace_back([&] { n_allowed += breaker.allows(kStart + round * 30s) ? 1 : 0; });
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(n_allowed, 1);
  }
}

TEST(Breaker, failures_of_many_threads_count_together) {
  constexpr int kThreads = 4;
  Breaker breaker({.failures = 4 * kThreads, .rest = 30s});
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 4; ++i) breaker.fail(kStart);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(breaker.state(), Breaker::State::kOpen);
  breaker.succeed();
  EXPECT_TRUE(breaker.allows(kStart));
}

}  // namespace
}  // namespace lodestone
