#include "evaluation/ranker_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

using Labels = std::vector<float>;
using Scores = std::vector<double>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(BinaryAuc, is_the_share_of_pairs_in_the_right_order_with_ties_one_half) {
  EXPECT_EQ(binary_auc(Labels{1, 0, 2, 0}, Scores{4, 3, 2, 1}), 0.75);     // 4>3, 4>1, 2>1, not 2>3
  EXPECT_EQ(binary_auc(Labels{1, 0, 1, 0}, Scores{2, 2, 3, 1}), 3.5 / 4);  // 2=2, 2>1, 3>2, 3>1
  EXPECT_EQ(binary_auc(Labels{1, 0, 0}, Scores{5, 5, 5}), 0.5);
  EXPECT_EQ(binary_auc(Labels{0, 1}, Scores{1, -1}), 0);
}

TEST(BinaryAuc, a_score_of_nan_is_the_lowest) {
  EXPECT_EQ(binary_auc(Labels{1, 0}, Scores{-1e300, kNaN}), 1);
  EXPECT_EQ(binary_auc(Labels{1, 0}, Scores{kNaN, kNaN}), 0.5);
}

TEST(BinaryAuc, without_a_pair_there_is_none) {
  EXPECT_TRUE(std::isnan(binary_auc(Labels{1, 3}, Scores{1, 2})));
  EXPECT_TRUE(std::isnan(binary_auc(Labels{0}, Scores{1})));
  EXPECT_TRUE(std::isnan(binary_auc(Labels{}, Scores{})));
}

TEST(BinaryAuc, equals_the_count_over_all_pairs) {
  Rng rng(3);
  Labels labels;
  Scores scores;
  for (int r = 0; r < 300; ++r) {
    labels.push_back(static_cast<float>(rng.below(3)));
    scores.push_back(static_cast<double>(rng.below(40)));
  }
  double right = 0;
  double pairs = 0;
  for (std::size_t a = 0; a < labels.size(); ++a) {
    for (std::size_t b = 0; b < labels.size(); ++b) {
      if (labels[a] == 0 || labels[b] > 0) continue;
      ++pairs;
      right += scores[a] > scores[b] ? 1 : (scores[a] == scores[b] ? 0.5 : 0);
    }
  }
  EXPECT_DOUBLE_EQ(binary_auc(labels, scores), right / pairs);
}

TEST(MeanNdcg, has_graded_gains_and_leaves_out_groups_without_relevant_rows) {
  const std::vector<std::uint64_t> groups{0, 3, 5, 5};
  // Gains 3, 0, 1 at the places 2, 1, 3 of the first group; nothing is relevant in the second, the third is empty.
  const double got = 3 / std::log2(3) + 1 / std::log2(4);
  const double ideal = 3 + 1 / std::log2(3);
  EXPECT_DOUBLE_EQ(mean_ndcg(Labels{2, 0, 1, 0, 0}, Scores{2, 3, 1, 1, 2}, groups, 10), got / ideal);
  EXPECT_DOUBLE_EQ(mean_ndcg(Labels{2, 0, 1, 0, 0}, Scores{2, 3, 1, 1, 2}, groups, 1), 0);
  EXPECT_TRUE(std::isnan(mean_ndcg(Labels{0, 0}, Scores{1, 2}, std::vector<std::uint64_t>{0, 2}, 10)));
}

TEST(CalibrationBins, hold_as_many_rows_each_by_rising_score) {
  const Labels labels{1, 0, 1, 0};
  const std::vector<CalibrationBin> bins = calibration_bins(labels, Scores{std::log(3.0), 0, 0, -std::log(3.0)}, 2);
  ASSERT_THAT(bins, SizeIs(2));
  EXPECT_DOUBLE_EQ(bins[0].mean_probability, (0.25 + 0.5) / 2);  // odds of 1 to 3, and even
  EXPECT_DOUBLE_EQ(bins[0].positive_share, 0);
  EXPECT_DOUBLE_EQ(bins[1].mean_probability, (0.5 + 0.75) / 2);
  EXPECT_DOUBLE_EQ(bins[1].positive_share, 1);
  EXPECT_EQ(bins[1].n_rows, 2U);
}

TEST(CalibrationBins, are_fewer_where_there_are_fewer_rows) {
  EXPECT_THAT(calibration_bins(Labels{1, 0, 0}, Scores{1, 2, 3}), SizeIs(3));
  EXPECT_THAT(calibration_bins(Labels{}, Scores{}), IsEmpty());
  const std::vector<CalibrationBin> bins = calibration_bins(Labels(25, 0), Scores(25, -1), 10);
  ASSERT_THAT(bins, SizeIs(10));
  std::size_t n = 0;
  for (const CalibrationBin& bin : bins) {
    n += bin.n_rows;
    EXPECT_LE(bin.n_rows - 2, 1U);
  }
  EXPECT_EQ(n, 25U);
}

}  // namespace
}  // namespace lodestone::evaluation
