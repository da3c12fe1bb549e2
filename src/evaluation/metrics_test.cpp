#include "evaluation/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/rng.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<RankedItem> ranked(std::vector<float> scores, std::vector<ItemIndex> hidden, std::vector<ItemIndex> candidates,
                               std::size_t k) {
  std::vector<RankedItem> out{{9, 9}};
  rank(scores, hidden, candidates, k, out);
  return out;
}

MATCHER_P2(Ranked, item, rank, "") { return arg.item == item && arg.rank == rank; }

TEST(Rank, higher_scores_first_and_lower_numbers_on_ties) {
  EXPECT_THAT(ranked({0.5F, 0.8F, 0.8F, 0.1F, 0.9F}, {}, {}, 3), ElementsAre(Ranked(4, 1), Ranked(1, 2), Ranked(2, 3)));
}

TEST(Rank, hidden_items_and_those_that_are_no_candidates_are_not_listed) {
  EXPECT_THAT(ranked({5, 4, 3, 2, 1}, {0, 2}, {}, 2), ElementsAre(Ranked(1, 1), Ranked(3, 2)));
  EXPECT_THAT(ranked({5, 4, 3, 2, 1}, {2, 4}, {2, 3, 4}, 5), ElementsAre(Ranked(3, 1)));
  EXPECT_THAT(ranked({5, 4}, {0, 1}, {}, 2), IsEmpty());
}

TEST(Rank, a_constant_score_has_the_mean_rank_everywhere) {
  EXPECT_THAT(ranked({1, 1, 1, 1, 9}, {4}, {}, 2), IsEmpty()) << "the mean rank is 2.5";
  EXPECT_THAT(ranked({1, 1, 1, 9, 9}, {3, 4}, {}, 2), ElementsAre(Ranked(0, 2), Ranked(1, 2), Ranked(2, 2)));
}

TEST(Rank, what_is_no_number_is_not_listed) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(ranked({nan, 1, 2}, {}, {}, 3), ElementsAre(Ranked(2, 1), Ranked(1, 2)));
  EXPECT_THAT(ranked({nan, nan}, {}, {}, 2), IsEmpty());
}

TEST(Rank, equals_a_full_sort_on_long_rows) {
  Rng rng(3);
  for (int round = 0; round < 20; ++round) {
    std::vector<float> scores(1000);
    for (float& s : scores) s = static_cast<float>(rng.below(200));
    std::vector<ItemIndex> order(scores.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<ItemIndex>(i);
    std::stable_sort(order.begin(), order.end(), [&](ItemIndex a, ItemIndex b) {
      return scores[static_cast<std::size_t>(a)] > scores[static_cast<std::size_t>(b)];
    });
    const std::vector<RankedItem> list = ranked(scores, {}, {}, 30);
    ASSERT_EQ(list.size(), 30U);
    for (std::size_t r = 0; r < 30; ++r) {
      EXPECT_EQ(list[r].item, order[r]);
      EXPECT_EQ(list[r].rank, static_cast<double>(r + 1));
    }
  }
}

double value(Metric metric, const std::vector<RankedItem>& list, std::vector<ItemIndex> targets, std::size_t k) {
  ItemFacts facts;
  facts.self_information = {1, 2, 3, 4, 5};
  facts.popularity = {0.1, 0.3, 0.5, 0.7, 0.9};
  return case_value(metric, list, targets, k, facts);
}

TEST(Metrics, equal_a_case_worked_by_hand) {
  // List 4 1 2 0, of which 1 and 0 are targets, and 3, which is not listed.
  const std::vector<RankedItem> list{{4, 1}, {1, 2}, {2, 3}, {0, 4}};
  const std::vector<ItemIndex> targets{0, 1, 3};
  EXPECT_DOUBLE_EQ(value(Metric::kRecall, list, targets, 3), 1.0 / 3);
  EXPECT_DOUBLE_EQ(value(Metric::kRecall, list, targets, 4), 2.0 / 3);
  EXPECT_DOUBLE_EQ(value(Metric::kPrecision, list, targets, 4), 0.5);
  EXPECT_DOUBLE_EQ(value(Metric::kPrecision, list, targets, 10), 0.2) << "by k, also when the list is shorter";
  EXPECT_DOUBLE_EQ(value(Metric::kHitRate, list, targets, 1), 0);
  EXPECT_DOUBLE_EQ(value(Metric::kHitRate, list, targets, 2), 1);
  EXPECT_DOUBLE_EQ(value(Metric::kMrr, list, targets, 1), 0);
  EXPECT_DOUBLE_EQ(value(Metric::kMrr, list, targets, 4), 0.5);
  const double ideal2 = 1 + 1 / std::log2(3.0);
  const double ideal3 = ideal2 + 0.5;
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, list, targets, 2), (1 / std::log2(3.0)) / ideal2);
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, list, targets, 4), (1 / std::log2(3.0) + 1 / std::log2(5.0)) / ideal3);
  EXPECT_DOUBLE_EQ(value(Metric::kMap, list, targets, 4), (0.5 + 0.5) / 3);
  EXPECT_DOUBLE_EQ(value(Metric::kMap, list, targets, 2), 0.5 / 2);
  EXPECT_DOUBLE_EQ(value(Metric::kNovelty, list, targets, 3), (5.0 + 2 + 3) / 3);
  EXPECT_DOUBLE_EQ(value(Metric::kPopularityBias, list, targets, 2), (0.9 + 0.3) / 2);
}

TEST(Metrics, a_list_of_equal_scores_counts_at_its_mean_rank) {
  const std::vector<RankedItem> list{{0, 2}, {1, 2}, {2, 2}};
  EXPECT_DOUBLE_EQ(value(Metric::kRecall, list, {1}, 1), 0);
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, list, {1}, 2), 1 / std::log2(3.0));
  EXPECT_DOUBLE_EQ(value(Metric::kMrr, list, {1}, 2), 0.5);
}

TEST(Metrics, an_empty_list_scores_nothing_and_has_no_novelty) {
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, {}, {1}, 2), 0);
  EXPECT_DOUBLE_EQ(value(Metric::kMrr, {}, {1}, 2), 0);
  EXPECT_TRUE(std::isnan(value(Metric::kNovelty, {}, {1}, 2)));
}

TEST(Metrics, one_that_is_no_metric_of_a_list_is_refused) {
  try {
    (void)value(Metric::kAccuracy, {}, {1}, 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "accuracy is no metric of one list");
  }
}

double auc_of(std::vector<float> scores, std::vector<ItemIndex> hidden, std::vector<ItemIndex> targets) {
  std::vector<RankedItem> list;
  rank(scores, hidden, {}, 1, list);
  return auc(scores, targets);
}

TEST(Auc, counts_ties_as_one_half) {
  EXPECT_DOUBLE_EQ(auc_of({0.9F, 0.8F, 0.8F, 0.1F}, {}, {1}), (0 + 0.5 + 1) / 3);
  EXPECT_DOUBLE_EQ(auc_of({0.9F, 0.8F, 0.7F, 0.1F}, {0}, {1, 3}), (1 + 0) / 2.0) << "the hidden item takes no part";
  EXPECT_DOUBLE_EQ(auc_of({1, 1, 1}, {}, {2}), 0.5);
  EXPECT_DOUBLE_EQ(auc_of({1, 2}, {}, {0, 1}), 0.5) << "no pair";
}

TEST(Bootstrap, holds_the_mean_and_does_not_depend_on_threads) {
  Rng rng(1);
  FoldValues fold;
  fold.n_rows = 400;
  for (std::size_t r = 0; r < fold.n_rows; ++r) {
    fold.values.push_back(rng.uniform());
    fold.values.push_back(r % 4 == 0 ? std::numeric_limits<double>::quiet_NaN() : 0.25);
  }
  const std::vector<FoldValues> folds{fold, fold};
  const std::vector<Interval> one = bootstrap(folds, 2, 1000, 1, 1);
  const std::vector<Interval> three = bootstrap(folds, 2, 1000, 1, 3);
  const std::vector<double> means = column_means(folds, 2);
  EXPECT_EQ(one[0].low, three[0].low);
  EXPECT_EQ(one[0].high, three[0].high);
  EXPECT_LT(one[0].low, means[0]);
  EXPECT_GT(one[0].high, means[0]);
  // The mean of two folds of 400 uniform values has a standard error of .2887 / sqrt(800) = .0102; two thirds of 95 % intervals are within 10 %.
  EXPECT_NEAR(one[0].high - one[0].low, 2 * 1.96 * 0.0102, 0.006);
  EXPECT_DOUBLE_EQ(means[1], 0.25) << "what is no number is left out";
  EXPECT_DOUBLE_EQ(one[1].low, 0.25);
}

TEST(Bootstrap, means_are_over_rows_then_over_folds) { EXPECT_THAT(column_means({{{1, 3}, 2}, {{5}, 1}}, 1), ElementsAre(3.5)); }

}  // namespace
}  // namespace lodestone::evaluation
