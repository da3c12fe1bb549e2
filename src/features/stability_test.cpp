#include "features/stability.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.hpp"

namespace lodestone::features {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(FeatureBins, hold_about_as_many_rows_each_and_missing_ones_apart) {
  std::vector<float> values;
  for (int i = 0; i < 90; ++i) values.push_back(static_cast<float>(i));
  for (int i = 0; i < 10; ++i) values.push_back(kNaN);
  const FeatureBins bins = make_bins("x", values, 3);
  EXPECT_THAT(bins.edges, ElementsAre(30, 60));
  EXPECT_THAT(bins.shares, ElementsAre(DoubleEq(0.31), DoubleEq(0.30), DoubleEq(0.29), DoubleEq(0.10)));
  EXPECT_EQ(bins.bin(-5), 0U);
  EXPECT_EQ(bins.bin(30), 0U);
  EXPECT_EQ(bins.bin(30.5F), 1U);
  EXPECT_EQ(bins.bin(1e9F), 2U);
  EXPECT_EQ(bins.bin(kNaN), 3U);
}

TEST(FeatureBins, values_that_repeat_share_a_bin) {
  const FeatureBins bins = make_bins("x", {0, 0, 0, 0, 0, 0, 0, 1, 1, 2});
  EXPECT_THAT(bins.edges, ElementsAre(0, 1, 2));
  EXPECT_THAT(bins.shares, ElementsAre(DoubleEq(0.7), DoubleEq(0.2), DoubleEq(0.1), 0, 0));
  EXPECT_THAT(make_bins("x", {}).edges, IsEmpty());
  EXPECT_THAT(make_bins("x", {kNaN}).shares, ElementsAre(0, 1));
}

TEST(StabilityIndex, is_that_of_a_case_worked_out_by_hand) {
  // (.5-.4) ln(.5/.4) + (.3-.4) ln(.3/.4) + (.2-.2) ln 1
  const std::vector<double> expected{0.4, 0.4, 0.2};
  const std::vector<double> actual{0.5, 0.3, 0.2};
  EXPECT_NEAR(stability_index(expected, actual), 0.1 * std::log(1.25) - 0.1 * std::log(0.75), 1e-12);
  EXPECT_EQ(stability_index(expected, expected), 0);
  // What never came before counts as a share of 1e-4.
  const std::vector<double> before{1, 0};
  const std::vector<double> after{0.5, 0.5};
  EXPECT_NEAR(stability_index(before, after), -0.5 * std::log(0.5) + 0.4999 * std::log(5000), 1e-9);
}

TEST(StabilityIndex, sees_a_shift_and_no_chance) {
  Rng rng(3);
  std::vector<float> before, same, shifted;
  for (int i = 0; i < 5000; ++i) {
    before.push_back(static_cast<float>(rng.uniform()));
    same.push_back(static_cast<float>(rng.uniform()));
    shifted.push_back(static_cast<float>(rng.uniform() * 0.7 + 0.3));
  }
  const FeatureBins bins = make_bins("x", before);
  EXPECT_LT(stability_index(bins.shares, count_shares(bins, same)), 0.02);
  EXPECT_GT(stability_index(bins.shares, count_shares(bins, shifted)), 0.25);
}

}  // namespace
}  // namespace lodestone::features
