#include "evaluation/off_policy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/rng.hpp"

namespace lodestone::evaluation {
namespace {

/// Three items; what each earns, how often the logging policy and the other one show it, and what a model believes.
constexpr std::array<double, 3> kReward = {0.1, 0.3, 0.6};
constexpr std::array<double, 3> kLogged = {0.7, 0.2, 0.1};
constexpr std::array<double, 3> kTarget = {0.1, 0.3, 0.6};
constexpr double kTruth = 0.1 * 0.1 + 0.3 * 0.3 + 0.6 * 0.6;

std::vector<LoggedChoice> simulate(std::size_t n, const std::array<double, 3>& model, const std::array<double, 3>& believed) {
  Rng rng(7);
  double model_of_target = 0;
  for (std::size_t i = 0; i < 3; ++i) model_of_target += kTarget[i] * model[i];
  std::vector<LoggedChoice> out;
  for (std::size_t d = 0; d < n; ++d) {
    const double u = rng.uniform();
    const std::size_t shown = u < kLogged[0] ? 0 : u < kLogged[0] + kLogged[1] ? 1 : 2;
    out.push_back(
        {rng.uniform() < kReward[shown] ? 1.0 : 0.0, believed[shown], kTarget[shown], model[shown], model_of_target, d});
  }
  return out;
}

TEST(OffPolicy, all_three_find_the_value_of_the_other_policy) {
  const auto choices = simulate(50'000, {0.2, 0.2, 0.5}, kLogged);
  const OffPolicyEstimate estimate = estimate_off_policy(choices);
  for (const PolicyValue& one : {estimate.ips, estimate.snips, estimate.doubly_robust}) {
    EXPECT_NEAR(one.value, kTruth, 3.5 * one.error);
    EXPECT_LT(one.error, 0.02);
  }
  EXPECT_LT(estimate.doubly_robust.error, estimate.ips.error);
  EXPECT_LT(estimate.snips.error, estimate.ips.error);
  EXPECT_NEAR(estimate.largest_weight, 6, 1e-12);
  EXPECT_GT(estimate.effective_size, 10'000);
  EXPECT_LT(estimate.effective_size, 20'000);
}

TEST(OffPolicy, doubly_robust_stands_wrong_propensities_when_the_model_is_right) {
  const auto choices = simulate(50'000, kReward, {0.4, 0.3, 0.3});
  const OffPolicyEstimate estimate = estimate_off_policy(choices);
  EXPECT_NEAR(estimate.doubly_robust.value, kTruth, 3.5 * estimate.doubly_robust.error);
  EXPECT_GT(std::abs(estimate.ips.value - kTruth), 10 * estimate.ips.error);
}

TEST(OffPolicy, a_clip_bounds_weights_and_nothing_in_common_is_told) {
  const auto choices = simulate(1'000, kReward, kLogged);
  EXPECT_EQ(estimate_off_policy(choices, 2).largest_weight, 2);
  const std::vector<LoggedChoice> apart = {{1, 0.5, 0, 0, 0, 0}, {1, 0.5, 0, 0, 0, 1}};
  EXPECT_EQ(estimate_off_policy(apart).effective_size, 0);
}

TEST(OffPolicy, choices_of_one_visitor_that_say_the_same_count_once) {
  const auto once = simulate(2'000, {0.2, 0.2, 0.5}, kLogged);
  std::vector<LoggedChoice> four_times;
  for (const LoggedChoice& choice : once) four_times.insert(four_times.end(), 4, choice);
  const OffPolicyEstimate one = estimate_off_policy(once);
  const OffPolicyEstimate four = estimate_off_policy(four_times);
  EXPECT_EQ(four.n_clusters, 2'000U);
  EXPECT_NEAR(four.ips.error, one.ips.error, 1e-12);
  EXPECT_NEAR(four.snips.error, one.snips.error, 1e-12);
  EXPECT_NEAR(four.doubly_robust.error, one.doubly_robust.error, 1e-12);
  for (std::size_t i = 0; i < four_times.size(); ++i) four_times[i].cluster = i;
  EXPECT_NEAR(estimate_off_policy(four_times).ips.error, one.ips.error / 2, 1e-3 * one.ips.error);
}

TEST(OffPolicy, refuses_what_says_nothing) {
  EXPECT_THROW(estimate_off_policy({}), Error);
  EXPECT_THROW(estimate_off_policy(std::vector<LoggedChoice>(5, LoggedChoice{1, 1, 1, 0, 0, 3})), Error);
  EXPECT_THROW(estimate_off_policy(std::vector<LoggedChoice>{{1, 1, 1, 0, 0, 0}, {1, 0, 1, 0, 0, 1}}), Error);
  EXPECT_THROW(estimate_off_policy(std::vector<LoggedChoice>{{1, 1, 1, 0, 0, 0}, {1, 1, 1.5, 0, 0, 1}}), Error);
  EXPECT_THROW(estimate_off_policy(std::vector<LoggedChoice>{{1, 1, 1, 0, 0, 0}, {1, NAN, 1, 0, 0, 1}}), Error);
}

}  // namespace
}  // namespace lodestone::evaluation
