#include "simulation/season.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/clock.hpp"
#include "simulation/weighted_choice.hpp"

namespace lodestone::simulation {
namespace {

TEST(Season, working_days_and_hours_draw_more_and_the_trend_grows) {
  const Seconds start = std::chrono::floor<std::chrono::seconds>(*parse_time("2026-01-05T00:00:00Z")).time_since_epoch().count();
  const Seconds end = start + 28 * 86'400;
  const Seconds monday_ten = start + 2 * 3600;  // 10 o'clock in Shanghai
  EXPECT_GT(hour_weight(monday_ten, start, end), 5 * hour_weight(monday_ten - 7 * 3600, start, end));
  EXPECT_GT(hour_weight(monday_ten, start, end), 1.5 * hour_weight(monday_ten + 5 * 86'400, start, end));
  EXPECT_GT(hour_weight(monday_ten + 21 * 86'400, start, end), hour_weight(monday_ten, start, end));
  const auto shares = cumulative_shares(start, end);
  EXPECT_EQ(shares.size(), 28U * 24U);
  EXPECT_DOUBLE_EQ(shares.back(), 1.0);
}

TEST(WeightedChoice, draws_by_weight) {
  const std::array weights = {1.0, 0.0, 3.0};
  const WeightedChoice choice(weights);
  Rng rng(1);
  std::array<int, 3> drawn{};
  for (int i = 0; i < 40'000; ++i) ++drawn[choice.draw(rng)];
  EXPECT_NEAR(drawn[0], 10'000, 500);
  EXPECT_EQ(drawn[1], 0);
  EXPECT_NEAR(drawn[2], 30'000, 500);
}

TEST(WeightedChoice, zipf_weights_are_the_powers_of_the_ranks_in_some_order) {
  Rng rng(1);
  std::vector<double> weights = zipf_weights(100, 1.0, rng);
  EXPECT_NE(weights.front(), 1.0);
  std::sort(weights.rbegin(), weights.rend());
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_DOUBLE_EQ(weights[i], 1.0 / static_cast<double>(i + 1));
}

}  // namespace
}  // namespace lodestone::simulation
