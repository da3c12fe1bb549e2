#include "training/lambdarank.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/rng.hpp"

namespace lodestone::training {
namespace {

using ::testing::HasSubstr;

/// Groups of ten rows; feature 0 says the grade with a little noise, feature 1 says nothing and is mostly 0.
struct Rows {
  std::vector<std::uint64_t> offsets{0};
  std::vector<std::int32_t> features;
  std::vector<double> values;
  std::vector<float> labels;
  std::vector<std::uint64_t> groups{0};

  void add(float label, std::initializer_list<double> row) {
    std::int32_t f = 0;
    for (const double v : row) {
      if (v != 0) {
        features.push_back(f);
        values.push_back(v);
      }
      ++f;
    }
    offsets.push_back(features.size());
    labels.push_back(label);
  }
  [[nodiscard]] RankingRows view() const { return {offsets, features, values, labels, groups, 2}; }
};

Rows graded_rows(std::size_t n_groups, std::uint64_t seed) {
  Rng rng(seed);
  Rows rows;
  for (std::size_t g = 0; g < n_groups; ++g) {
    for (int r = 0; r < 10; ++r) {
      const auto grade = static_cast<double>(rng.below(4));
      rows.add(static_cast<float>(grade), {grade + 0.2 * rng.normal() + 1, rng.chance(0.2) ? rng.uniform() : 0});
    }
    rows.groups.push_back(rows.labels.size());
  }
  return rows;
}

std::string fault(const Rows& rows) {
  try {
    (void)LambdaRankModel::fit(rows.view(), {});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

TEST(LambdaRank, puts_better_grades_first_in_groups_it_has_not_seen) {
  const Rows train = graded_rows(60, 1);
  const Rows test = graded_rows(10, 2);
  LambdaRankOptions options;
  options.trees = 20;
  const LambdaRankModel model = LambdaRankModel::fit(train.view(), options);
  const std::vector<double> scores = model.score(test.view(), 1);
  double right = 0;
  double pairs = 0;
  for (std::size_t a = 0; a < test.labels.size(); ++a) {
    for (std::size_t b = 0; b < test.labels.size(); ++b) {
      if (a / 10 != b / 10 || test.labels[a] <= test.labels[b]) continue;
      ++pairs;
      right += scores[a] > scores[b] ? 1 : 0;
    }
  }
  EXPECT_GT(right / pairs, 0.95);
}

TEST(LambdaRank, trees_and_scores_do_not_depend_on_the_threads) {
  const Rows train = graded_rows(40, 3);
  LambdaRankOptions options;
  options.trees = 2;  // each tree is some barriers, and those take long beside other work
  options.threads = 1;
  const LambdaRankModel one = LambdaRankModel::fit(train.view(), options);
  options.threads = 2;
  const LambdaRankModel two = LambdaRankModel::fit(train.view(), options);
  EXPECT_EQ(one.score(train.view(), 1), two.score(train.view(), 2));
  const auto trees = [](const LambdaRankModel& model) {
    const std::string text = model.to_text();
    return text.substr(0, text.find("\nparameters:"));
  };
  EXPECT_THAT(trees(one), HasSubstr("objective=lambdarank"));
  EXPECT_EQ(trees(one), trees(two));
}

TEST(LambdaRank, a_feature_that_the_fit_has_not_seen_takes_no_part) {
  const Rows train = graded_rows(60, 4);
  LambdaRankOptions options;
  options.trees = 5;
  const LambdaRankModel model = LambdaRankModel::fit(train.view(), options);
  Rows narrow;
  narrow.add(0, {2.5, 0});
  Rows wide;
  wide.add(0, {2.5, 0, 7, 8});
  RankingRows view = wide.view();
  view.n_features = 4;
  EXPECT_EQ(model.score(narrow.view(), 1), model.score(view, 1));
}

TEST(LambdaRank, rows_that_teach_nothing_get_one_score) {
  Rows one;
  one.add(2, {1, 1});
  one.groups.push_back(1);
  EXPECT_EQ(LambdaRankModel::fit(one.view(), {}).score(one.view(), 1).size(), 1U);
  Rows equal;
  for (int r = 0; r < 50; ++r) equal.add(static_cast<float>(r % 3), {0, 0});
  equal.groups.push_back(50);
  const std::vector<double> scores = LambdaRankModel::fit(equal.view(), {}).score(equal.view(), 1);
  EXPECT_THAT(scores, ::testing::Each(scores.front()));
}

TEST(LambdaRank, refuses_what_it_cannot_learn_from_with_a_sentence) {
  EXPECT_EQ(fault({}), "a ranker cannot be fitted on no rows; give it labelled rows in groups");
  Rows half;
  half.add(0.5F, {1, 1});
  half.groups.push_back(1);
  EXPECT_EQ(fault(half), "the label 0.5 is no grade; lambdarank takes whole numbers in 0..30");
  half.labels = {31};
  EXPECT_EQ(fault(half), "the label 31 is no grade; lambdarank takes whole numbers in 0..30");
  half.labels = {-1};
  EXPECT_THAT(fault(half), HasSubstr("the label -1 is no grade"));
  Rows crowd;
  for (int r = 0; r < 10'001; ++r) crowd.add(static_cast<float>(r % 2), {static_cast<double>(r), 0});
  crowd.groups.push_back(10'001);
  EXPECT_THAT(fault(crowd), HasSubstr("LightGBM could not start: "));
  EXPECT_THAT(fault(crowd), HasSubstr("10000"));
}

}  // namespace
}  // namespace lodestone::training
