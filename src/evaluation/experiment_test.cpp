#include "evaluation/experiment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/rng.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::HasSubstr;

TEST(SampleRatio, is_pearsons_test) {
  const std::vector<double> halves = {0.5, 0.5};
  // 10 against 10 expected 10 each: chi-square 0; 60 against 40: 4, p = 0.0455 (tables of the chi-square distribution with 1 degree of freedom).
  EXPECT_EQ(sample_ratio_p(std::vector<std::uint64_t>{10, 10}, halves), 1);
  EXPECT_NEAR(sample_ratio_p(std::vector<std::uint64_t>{60, 40}, halves), 0.0455003, 1e-6);
  // 30, 14, 34, 45, 57, 20 against sixths: 37.78, p = 4.18e-7 with 5 degrees.
  const std::vector<double> sixths(6, 1.0);
  EXPECT_NEAR(sample_ratio_p(std::vector<std::uint64_t>{30, 14, 34, 45, 57, 20}, sixths), 4.17733e-07, 1e-11);
  EXPECT_EQ(sample_ratio_p(std::vector<std::uint64_t>{0, 0}, halves), 1);
  EXPECT_EQ(sample_ratio_p(std::vector<std::uint64_t>{5, 1}, std::vector<double>{1, 0}), 0);
  EXPECT_EQ(sample_ratio_p(std::vector<std::uint64_t>{5, 0}, std::vector<double>{1, 0}), 1);
}

TEST(CompareVariants, is_welchs_test_for_means) {
  const auto units = [](std::initializer_list<double> amounts) {
    std::vector<UnitOutcome> out;
    for (const double amount : amounts) out.push_back({amount, 1, 0});
    return out;
  };
  const std::vector<UnitOutcome> a = units({1, 2, 3, 4, 5});
  const std::vector<UnitOutcome> b = units({3, 4, 5, 6, 7, 8, 9});
  const Effect effect = compare_variants(a, b);
  EXPECT_EQ(effect.control, 3);
  EXPECT_EQ(effect.treatment, 6);
  EXPECT_EQ(effect.difference, 3);
  // Variances 2.5 and 4.667: standard error sqrt(.5 + .6667) = 1.0801; freedom 1.3611 / (.0625 + .07407) = 9.9661; t(.975) = 2.2289.
  EXPECT_NEAR(effect.high - 3, 2.2289 * 1.0801, 2e-3);
  EXPECT_NEAR(effect.low, 3 - (effect.high - 3), 1e-12);
  EXPECT_GT(effect.p, 0.01);
  EXPECT_LT(effect.p, 0.05);
}

/// Visitors who see some lists each, with a habit that lasts from before, and an effect that is known.
struct Simulated {
  std::vector<UnitOutcome> control;
  std::vector<UnitOutcome> treatment;
};
Simulated simulate(Rng& rng, std::size_t n, double lift, bool with_history) {
  Simulated out;
  for (std::size_t i = 0; i < 2 * n; ++i) {
    const double habit = 0.05 + 0.3 * rng.uniform();
    const double base = 1 + std::floor(9 * rng.uniform());
    UnitOutcome unit{0, base, 0};
    const double rate = habit * (i % 2 == 0 ? 1 : 1 + lift);
    for (int list = 0; list < base; ++list) unit.amount += rng.uniform() < rate ? 1 : 0;
    if (with_history) {
      for (int list = 0; list < 20; ++list) unit.before += rng.uniform() < habit ? 1 : 0;
      unit.before /= 20;
    }
    (i % 2 == 0 ? out.control : out.treatment).push_back(unit);
  }
  return out;
}

TEST(CompareVariants, its_interval_covers_the_truth_as_often_as_it_says) {
  constexpr int kRounds = 1'000;
  constexpr double kTruth = 0.2 * 0.2;  // the mean habit is .2, the lift a fifth of it
  for (const bool with_history : {false, true}) {
    Rng rng(with_history ? 2 : 1);
    int n_covered = 0;
    for (int round = 0; round < kRounds; ++round) {
      const Simulated data = simulate(rng, 300, 0.2, with_history);
      const Effect effect = compare_variants(data.control, data.treatment);
      n_covered += effect.low <= kTruth && kTruth <= effect.high ? 1 : 0;
    }
    EXPECT_NEAR(n_covered, 950, 25) << with_history;  // 3.6 standard deviations of 1,000 draws at .95
  }
}

TEST(CompareVariants, without_an_effect_it_finds_one_as_seldom_as_it_says) {
  Rng rng(3);
  int n_found = 0;
  for (int round = 0; round < 1'000; ++round) {
    const Simulated data = simulate(rng, 200, 0, true);
    n_found += compare_variants(data.control, data.treatment).p < 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(n_found, 50, 25);
}

TEST(CompareVariants, history_narrows_the_interval_and_keeps_its_place) {
  Rng rng(4);
  const Simulated data = simulate(rng, 20'000, 0.2, true);
  const Effect with = compare_variants(data.control, data.treatment);
  const Effect without = compare_variants(data.control, data.treatment, {.use_before = false});
  EXPECT_LT(with.variance_left, 0.9);
  EXPECT_LT(with.high - with.low, without.high - without.low);
  EXPECT_NEAR(with.difference, without.difference, without.high - without.low);
  EXPECT_EQ(with.control, without.control);  // what is observed stays observed
}

TEST(CompareVariants, refuses_what_says_nothing) {
  const std::vector<UnitOutcome> one(1);
  const std::vector<UnitOutcome> two(2);
  const std::vector<UnitOutcome> unseen(2, UnitOutcome{0, 0, 0});
  EXPECT_THROW(compare_variants(one, two), Error);
  EXPECT_THROW(compare_variants(two, unseen), Error);
  const Effect nothing = compare_variants(two, two);
  EXPECT_EQ(nothing.p, 1);
  EXPECT_EQ(nothing.difference, 0);
  EXPECT_TRUE(std::isnan(nothing.relative(1)));
}

TEST(Verdict, says_it_plainly) {
  Effect effect{
      .n_control = 500, .n_treatment = 480, .control = 0.1, .treatment = 0.11, .difference = 0.01, .low = 0.002, .high = 0.018};
  EXPECT_EQ(verdict_sentence(judge(effect, 0.5), effect, 0.5, "treatment"), "treatment is better: +10.0 % (+2.0 % to +18.0 %)");
  EXPECT_THAT(verdict_sentence(judge(effect, 0.0001), effect, 0.0001, "t"), HasSubstr("the split is broken (p = 0.0001)"));
  effect.low = -0.02;
  EXPECT_EQ(judge(effect, 0.5), Verdict::kNoDifference);
  effect.high = -0.01;
  EXPECT_EQ(judge(effect, 0.5), Verdict::kWorse);
  effect.n_control = 99;
  EXPECT_EQ(judge(effect, 0.5), Verdict::kTooFew);
}

}  // namespace
}  // namespace lodestone::evaluation
