#include "training/ranker.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "models/ranking/tree_scorer.hpp"

namespace lodestone::training {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Owns rows that a test adds one by one.
struct Rows {
  std::vector<std::string> names = {};
  std::vector<std::uint8_t> is_category = {};
  std::vector<float> values = {};
  std::vector<float> labels = {};
  std::vector<std::uint64_t> groups{0};
  std::vector<std::int32_t> positions = {};

  void add(float label, const std::vector<float>& row) {
    labels.push_back(label);
    values.insert(values.end(), row.begin(), row.end());
  }
  void end_group() { groups.push_back(labels.size()); }
  [[nodiscard]] RankerRows view() const { return {values, labels, groups, positions, names, is_category}; }
};

/// Groups of ten: the label is 0..3 by "good" with noise; "gap" is missing in half of the rows, "none" in all, "same" is always 2.
Rows graded_rows(std::size_t n_groups, std::uint64_t seed) {
  Rng rng(seed);
  Rows rows{.names = {"good", "gap", "none", "same", "noise"}};
  for (std::size_t g = 0; g < n_groups; ++g) {
    for (int r = 0; r < 10; ++r) {
      const auto grade = static_cast<float>(rng.below(4));
      const float gap = rng.chance(0.5) ? kNaN : static_cast<float>(rng.normal());
      rows.add(grade, {grade + static_cast<float>(rng.normal()), gap, kNaN, 2, static_cast<float>(rng.normal())});
    }
    rows.end_group();
  }
  return rows;
}

std::vector<double> score(const FittedRanker& ranker, const Rows& rows) {
  const models::TreeScorer scorer(models::parse_tree_ensemble(ranker.text, "ranker"));
  models::TreeScorer::Scratch scratch;
  std::vector<double> out(rows.labels.size());
  scorer.score(rows.values, out.size(), out, scratch);
  return out;
}

/// Mean NDCG@10 over groups with a relevant row.
double ndcg(const Rows& rows, std::span<const double> scores, std::span<const float> labels) {
  double sum = 0;
  double n = 0;
  for (std::size_t g = 0; g + 1 < rows.groups.size(); ++g) {
    std::vector<std::size_t> order;
    std::vector<float> best;
    for (std::uint64_t r = rows.groups[g]; r < rows.groups[g + 1]; ++r) {
      order.push_back(r);
      best.push_back(labels[r]);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    std::sort(best.begin(), best.end(), std::greater<>());
    double got = 0;
    double ideal = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(10, order.size()); ++i) {
      got += (std::exp2(labels[order[i]]) - 1) / std::log2(static_cast<double>(i) + 2);
      ideal += (std::exp2(best[i]) - 1) / std::log2(static_cast<double>(i) + 2);
    }
    if (ideal == 0) continue;
    sum += got / ideal;
    ++n;
  }
  return sum / n;
}

RankerConfig small(RankerObjective objective) {
  RankerConfig config;
  config.name = "small";
  config.objective = objective;
  config.trees = 15;
  config.leaves = 8;
  return config;
}

std::string fault(const Rows& rows, RankerObjective objective, const Rows* validation = nullptr) {
  try {
    const RankerRows judge = validation == nullptr ? RankerRows{} : validation->view();
    (void)fit_ranker(rows.view(), validation == nullptr ? nullptr : &judge, small(objective), 1);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(Ranker, ranks_and_classifies_rows_that_it_has_not_seen) {
  const Rows train = graded_rows(60, 1);
  const Rows test = graded_rows(20, 2);
  for (const RankerObjective objective : {RankerObjective::kLambdaRank, RankerObjective::kBinary}) {
    const FittedRanker ranker = fit_ranker(train.view(), nullptr, small(objective), 1);
    EXPECT_GT(ndcg(test, score(ranker, test), test.labels), 0.8);
    EXPECT_EQ(ranker.trees, 15);
    EXPECT_THAT(ranker.validation, IsEmpty());
    const models::TreeEnsemble model = models::parse_tree_ensemble(ranker.text, "ranker");
    EXPECT_THAT(model.trees, SizeIs(15));
    EXPECT_EQ(model.feature_names, train.names);
  }
}

TEST(Ranker, names_features_without_values_to_split_on_and_gives_them_no_gain) {
  const FittedRanker ranker = fit_ranker(graded_rows(60, 1).view(), nullptr, small(RankerObjective::kLambdaRank), 1);
  EXPECT_THAT(ranker.unused, ElementsAre("none", "same"));
  ASSERT_THAT(ranker.gain, SizeIs(5));
  EXPECT_GT(ranker.gain[0], ranker.gain[4]);
  EXPECT_EQ(ranker.gain[2], 0);
  EXPECT_EQ(ranker.gain[3], 0);
}

TEST(Ranker, features_that_say_nothing_at_all_give_one_score) {
  Rows rows = graded_rows(20, 1);
  for (std::size_t i = 0; i < rows.values.size(); ++i) rows.values[i] = i % 5 < 3 ? kNaN : 1;
  for (const RankerObjective objective : {RankerObjective::kLambdaRank, RankerObjective::kBinary}) {
    const FittedRanker ranker = fit_ranker(rows.view(), nullptr, small(objective), 1);
    EXPECT_THAT(ranker.unused, SizeIs(5));
    EXPECT_EQ(ranker.trees, 1);
    const std::vector<double> scores = score(ranker, rows);
    EXPECT_THAT(scores, Each(scores.front()));
  }
}

TEST(Ranker, early_stopping_ends_the_text_at_the_best_tree) {
  const Rows train = graded_rows(30, 3);
  const Rows judge = graded_rows(30, 4);
  const RankerRows view = judge.view();
  for (const RankerObjective objective : {RankerObjective::kLambdaRank, RankerObjective::kBinary}) {
    RankerConfig config = small(objective);
    config.trees = 300;
    config.learning_rate = 0.3;  // fits the noise soon
    config.early_stopping = 5;
    const FittedRanker ranker = fit_ranker(train.view(), &view, config, 1);
    EXPECT_LT(ranker.trees, 100);
    EXPECT_THAT(ranker.validation, SizeIs(static_cast<std::size_t>(ranker.trees + 5)));
    const auto best = std::max_element(ranker.validation.begin(), ranker.validation.end());
    EXPECT_EQ(best - ranker.validation.begin() + 1, ranker.trees) << "the first of equals";
    EXPECT_THAT(models::parse_tree_ensemble(ranker.text, "ranker").trees, SizeIs(static_cast<std::size_t>(ranker.trees)));
    if (objective == RankerObjective::kLambdaRank) {
      EXPECT_NEAR(ndcg(judge, score(ranker, judge), judge.labels), *best, 1e-6);
    }

    config.early_stopping = 0;
    config.trees = 20;
    const FittedRanker whole = fit_ranker(train.view(), &view, config, 1);
    EXPECT_EQ(whole.trees, 20);
    EXPECT_THAT(whole.validation, SizeIs(20));
  }
}

TEST(Ranker, without_validation_rows_nothing_stops_early) {
  RankerConfig config = small(RankerObjective::kLambdaRank);
  config.early_stopping = 1;
  EXPECT_EQ(fit_ranker(graded_rows(30, 3).view(), nullptr, config, 1).trees, 15);
}

TEST(Ranker, text_gain_and_validation_do_not_depend_on_the_threads) {
  Rows train = graded_rows(60, 5);
  const Rows judge = graded_rows(20, 6);
  const RankerRows view = judge.view();
  Rng rng(7);
  for (std::size_t r = 0; r < train.labels.size(); ++r) train.positions.push_back(1 + static_cast<std::int32_t>(rng.below(10)));
  for (const RankerObjective objective : {RankerObjective::kLambdaRank, RankerObjective::kBinary}) {
    for (const bool with_positions : {true, false}) {
      RankerRows rows = train.view();
      if (!with_positions) rows.positions = {};
      RankerConfig config = small(objective);
      config.trees = 5;  // each tree is some barriers, and those take long beside other work
      config.row_share = 0.8;
      config.feature_share = 0.8;
      config.l1 = 0.1;
      config.l2 = 0.1;
      const FittedRanker one = fit_ranker(rows, &view, config, 1);
      const FittedRanker two = fit_ranker(rows, &view, config, 2);
      EXPECT_EQ(one.text, two.text);
      EXPECT_EQ(one.gain, two.gain);
      EXPECT_EQ(one.validation, two.validation);
      config.seed = 2;
      EXPECT_NE(fit_ranker(rows, &view, config, 1).text, one.text) << "other rows and features are drawn";
    }
  }
}

/// The label is 1 for codes whose bits say so, which is no question of larger or smaller.
TEST(Ranker, categories_are_split_as_sets) {
  Rng rng(8);
  Rows rows{.names = {"code", "noise"}, .is_category = {1, 0}};
  for (int r = 0; r < 4000; ++r) {
    const auto code = static_cast<unsigned>(rng.below(16));
    const bool is_good = (0b0101'1001'0110'1010U >> code & 1U) != 0;
    rows.add(is_good ? 1 : 0, {r % 50 == 0 ? kNaN : static_cast<float>(code), static_cast<float>(rng.normal())});
    if (r % 20 == 19) rows.end_group();
  }
  RankerConfig config = small(RankerObjective::kLambdaRank);
  config.trees = 1;
  const FittedRanker ranker = fit_ranker(rows.view(), nullptr, config, 1);
  const models::TreeEnsemble model = models::parse_tree_ensemble(ranker.text, "ranker");
  ASSERT_FALSE(model.trees[0].nodes.empty());
  EXPECT_TRUE(model.trees[0].nodes[0].categorical);
  EXPECT_GT(ndcg(rows, score(ranker, rows), rows.labels), 0.98);
}

/// Requests of 20 rows whose relevance is known. They were shown in an order that a feature without meaning ("shelf") decides for the most part;
/// a row at position p was looked at with the probability 1 / p^eta, and clicked when it was also relevant.
struct ClickedRequests {
  Rows rows;
  std::vector<float> relevance;
};

ClickedRequests clicked_requests(std::size_t n_groups, double eta, std::uint64_t seed) {
  constexpr std::size_t kShown = 20;
  Rng rng(seed);
  ClickedRequests out;
  out.rows.names = {"taste", "price", "shelf", "noise"};
  for (std::size_t g = 0; g < n_groups; ++g) {
    std::vector<std::vector<float>> values(kShown);
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t r = 0; r < kShown; ++r) {
      for (int f = 0; f < 4; ++f) values[r].push_back(static_cast<float>(rng.normal()));
      order.emplace_back(-values[r][2] - 0.5 * rng.normal(), r);
    }
    std::sort(order.begin(), order.end());
    for (std::size_t p = 0; p < kShown; ++p) {
      const std::vector<float>& row = values[order[p].second];
      const bool is_relevant = row[0] - 0.7F * std::fabs(row[1]) + 0.3F * static_cast<float>(rng.normal()) > 0.5F;
      const bool is_seen = rng.chance(std::pow(static_cast<double>(p + 1), -eta));
      out.rows.add(is_relevant && is_seen ? 1 : 0, row);
      out.rows.positions.push_back(static_cast<std::int32_t>(p + 1));
      out.relevance.push_back(is_relevant ? 1 : 0);
    }
    out.rows.end_group();
  }
  return out;
}

TEST(Ranker, positions_keep_the_order_of_showing_out_of_the_trees) {
  const ClickedRequests train = clicked_requests(1000, 1.5, 11);
  const ClickedRequests test = clicked_requests(200, 1.5, 12);
  const auto true_ndcg = [&](const RankerRows& rows) {
    RankerConfig config;
    config.trees = 40;
    config.leaves = 15;
    const FittedRanker ranker = fit_ranker(rows, nullptr, config, 1);
    return ndcg(test.rows, score(ranker, test.rows), test.relevance);
  };
  RankerRows blind = train.rows.view();
  blind.positions = {};
  RankerRows omniscient = blind;
  omniscient.labels = train.relevance;
  const double without = true_ndcg(blind);
  const double with = true_ndcg(train.rows.view());
  const double best = true_ndcg(omniscient);
  RecordProperty("ndcg", fmt::format("{:.4f} without positions, {:.4f} with, {:.4f} by true relevance", without, with, best));
  EXPECT_GT(with, without + 0.025);
  EXPECT_LT(with, best);
}

TEST(Ranker, refuses_what_it_cannot_learn_from_with_a_sentence) {
  constexpr auto kLambdaRank = RankerObjective::kLambdaRank;
  constexpr auto kBinary = RankerObjective::kBinary;
  Rows none{.names = {"a"}};
  EXPECT_EQ(fault(none, kBinary), "a ranker cannot be fitted on no rows; give it labelled rows in groups");
  const Rows good = graded_rows(5, 9);
  none.names = good.names;
  EXPECT_EQ(fault(good, kBinary, &none), "there are no validation rows; give some, or fit without them");

  Rows rows = good;
  rows.labels.assign(50, 0);
  EXPECT_EQ(
      fault(rows, kBinary),
      "none of the 50 training rows has a label above 0, and a ranker learns from rows with and without; take rows of a longer "
      "time");
  EXPECT_THAT(fault(good, kBinary, &rows), HasSubstr("none of the 50 validation rows"));
  rows.labels.assign(50, 2);
  EXPECT_THAT(fault(rows, kBinary), HasSubstr("each of the 50 training rows has a label above 0"));
  EXPECT_EQ(
      fault(rows, kLambdaRank),
      "no group of the 50 training rows holds two labels, and lambdarank learns from rows of one group that differ; take rows "
      "of a longer time");
  rows.labels[7] = 0.5F;
  EXPECT_THAT(fault(rows, kBinary), HasSubstr("the label 0.5 is no grade"));
  rows.labels[7] = kNaN;
  EXPECT_THAT(fault(rows, kLambdaRank), HasSubstr("the label nan is no grade"));

  rows = good;
  rows.values[11] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(fault(rows, kLambdaRank), "gap of training row 2 is infinite; a value is finite, or NaN where it is missing");
  rows = good;
  rows.is_category = {0, 0, 0, 0, 1};
  rows.values[9] = 1.5F;
  rows.values[4] = 3;
  EXPECT_EQ(fault(rows, kLambdaRank), "noise of training row 1 is 1.5, and a category is a whole number in 0..999999");
  rows = good;
  rows.positions.assign(50, 1);
  rows.positions[3] = 0;
  EXPECT_EQ(fault(rows, kLambdaRank),
            "training row 3 was shown at position 0, and the first is 1; leave all positions out where they are not known");
  rows = good;
  rows.names[1] = "a b";
  EXPECT_THAT(fault(rows, kLambdaRank), HasSubstr("the feature name \"a b\" cannot stand in a model"));
}

TEST(Ranker, refuses_groups_that_do_not_fit_the_rows) {
  constexpr auto kLambdaRank = RankerObjective::kLambdaRank;
  Rows rows = graded_rows(5, 9);
  rows.groups = {};
  EXPECT_EQ(fault(rows, kLambdaRank), "the training rows have no groups; lambdarank compares the rows of a request");
  EXPECT_EQ(fault(rows, RankerObjective::kBinary), "");
  rows.groups = {0, 40};
  EXPECT_EQ(fault(rows, kLambdaRank), "the groups of the training rows are offsets 0..40, and the 50 rows want 0..50");
  rows.groups = {0, 30, 20, 50};
  EXPECT_EQ(fault(rows, kLambdaRank),
            "group 1 of the training rows ends at row 20, before it begins at 30; group offsets never fall");
  Rows crowd{.names = {"a"}};
  for (int r = 0; r < 10'001; ++r) crowd.add(static_cast<float>(r % 2), {static_cast<float>(r)});
  crowd.end_group();
  EXPECT_EQ(fault(crowd, kLambdaRank),
            "group 0 of the training rows holds 10001 rows, and lambdarank takes up to 10000; sample its rows");
  crowd.groups = {0, 10'000, 10'001};
  EXPECT_EQ(fault(crowd, kLambdaRank), "");
}

}  // namespace
}  // namespace lodestone::training
