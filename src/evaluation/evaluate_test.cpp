#include "evaluation/evaluate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/rng.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;

/// Scores item i by a table, plus what the history's items add to themselves plus one.
class TableMethod final : public Method {
 public:
  explicit TableMethod(std::vector<float> table) : table_(std::move(table)) {}
  [[nodiscard]] std::string name() const override { return "table"; }
  [[nodiscard]] std::string settings() const override { return settings_; }
  void fit(const TrainPart& train) override { settings_ = train.histories.items.size() % 2 == 0 ? "even" : "odd"; }
  void score(std::span<const ItemIndex> history, std::span<float> scores) const override {
    std::copy(table_.begin(), table_.end(), scores.begin());
    for (const ItemIndex item : history) scores[(static_cast<std::size_t>(item) + 1) % scores.size()] += 10;
  }

 private:
  std::vector<float> table_;
  std::string settings_;
};

Dataset two_users(std::vector<Metric> metrics) {
  Dataset data;
  data.spec.file = "d.yaml";
  data.spec.protocol.hide = {Part::kTrain};
  data.spec.protocol.k = {1, 2};
  data.spec.protocol.metrics = std::move(metrics);
  data.n_items = 4;
  data.n_users = 2;
  data.events[Part::kTrain] = {{0, 1, 1}, {0, 0, 1}, {}, {}};
  data.events[Part::kTest] = {{0, 1}, {1, 3}, {}, {}};
  return data;
}

double metric(const MethodResult& result, std::string_view name) {
  for (const MetricResult& m : result.metrics) {
    if (m.name == name) return m.value;
  }
  ADD_FAILURE() << name;
  return -1;
}

TEST(Evaluate, measures_lists_against_the_test_part) {
  const Dataset data =
      two_users({Metric::kRecall, Metric::kMrr, Metric::kCoverage, Metric::kAuc, Metric::kNovelty, Metric::kPopularityBias});
  const Evaluation evaluation(data, {});
  // User 0 (history 0): item 1 leads, then 2; hit at 1. User 1 (history 0 1): 0 and 1 are hidden, so 2 leads, then 3; hit at 2.
  const MethodResult result = evaluation.measure(
      [] {
        return std::make_unique<TableMethod>(std::vector<float>{0, 0, 2, 1});
      },
      {});
  EXPECT_EQ(result.method, "table");
  EXPECT_EQ(result.settings, "odd");
  EXPECT_EQ(result.users, 2U);
  EXPECT_DOUBLE_EQ(metric(result, "recall@1"), 0.5);
  EXPECT_DOUBLE_EQ(metric(result, "recall@2"), 1);
  EXPECT_DOUBLE_EQ(metric(result, "mrr@2"), 0.75);
  EXPECT_DOUBLE_EQ(metric(result, "coverage@1"), 0.5);
  EXPECT_DOUBLE_EQ(metric(result, "coverage@2"), 0.75);
  EXPECT_DOUBLE_EQ(metric(result, "auc"), 0.5);
  // Item 1 was seen by one of two users: 1 bit; items 2 and 3 never, which counts as once.
  EXPECT_DOUBLE_EQ(metric(result, "novelty@2"), 1);
  // Counts 2 1 0 0: percentile of 1 is 2.5/4, of 2 and 3 it is 1/4.
  EXPECT_DOUBLE_EQ(metric(result, "popularity_bias@1"), (0.625 + 0.25) / 2);
  EXPECT_GT(result.peak_mib, 1);
  EXPECT_FALSE(result.metrics[4].interval.has_value()) << "coverage is no mean over users";
  EXPECT_TRUE(result.metrics[0].interval.has_value());
}

TEST(Evaluate, a_constant_score_finds_nothing_in_a_long_list) {
  Dataset data = two_users({Metric::kRecall});
  data.n_items = 100;
  class Constant final : public Method {
   public:
    [[nodiscard]] std::string name() const override { return "constant"; }
    [[nodiscard]] std::string settings() const override { return ""; }
    void fit(const TrainPart&) override {}
    void score(std::span<const ItemIndex>, std::span<float>) const override {}
  };
  const MethodResult result = Evaluation(data, {}).measure([] { return std::make_unique<Constant>(); }, {});
  EXPECT_DOUBLE_EQ(metric(result, "recall@2"), 0);
}

TEST(Evaluate, diversity_is_one_minus_the_mean_cosine_of_the_pairs) {
  Dataset data = two_users({Metric::kDiversity});
  data.spec.protocol.k = {1, 3};
  data.texts.resize(4);
  const float h = std::sqrt(0.5F);
  const models::Interactions content{2, {0, 1, 2, 4, 5}, {0, 1, 0, 1, 1}, {1, 1, h, h, 1}};
  const MethodResult result = Evaluation(data, content)
                                  .measure(
                                      [] {
                                        return std::make_unique<TableMethod>(std::vector<float>{0, 0, 2, 1});
                                      },
                                      {});
  // User 0 lists 1 2 3: cosines h, 1, h. User 1 lists 2 3: h.
  EXPECT_NEAR(metric(result, "diversity@3"), ((1 - (2 * std::sqrt(0.5) + 1) / 3) + (1 - std::sqrt(0.5))) / 2, 1e-6);
  EXPECT_DOUBLE_EQ(metric(result, "diversity@1"), 0) << "no list has a pair";
}

TEST(Evaluate, diversity_without_texts_is_refused) {
  const Dataset data = two_users({Metric::kDiversity});
  try {
    const Evaluation evaluation(data, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "d.yaml: protocol.metrics: diversity compares texts of items, and there is no files.items with a title");
  }
}

/// Random events in five folds.
Dataset folds() {
  Dataset data;
  data.spec.protocol.split = Split::kKFold;
  data.spec.protocol.hide = {Part::kTrain};
  data.spec.protocol.metrics = {Metric::kNdcg, Metric::kAuc, Metric::kCoverage};
  data.spec.files.emplace_back().part = Part::kEvents;
  data.n_items = 60;
  data.n_users = 80;
  Rng rng(2);
  for (int r = 0; r < 1001; ++r) {
    data.events[Part::kEvents].users.push_back(static_cast<std::int32_t>(rng.below(80)));
    data.events[Part::kEvents].items.push_back(static_cast<ItemIndex>(rng.below(60)));
  }
  return data;
}

TEST(Evaluate, is_the_same_for_any_number_of_threads) {
  const Dataset data = folds();
  const Evaluation evaluation(data, {});
  const auto make = [] { return std::make_unique<TableMethod>(std::vector<float>(60, 0.5F)); };
  EvaluateOptions options;
  options.threads = 1;
  const MethodResult one = evaluation.measure(make, options);
  options.threads = 4;
  const MethodResult four = evaluation.measure(make, options);
  ASSERT_EQ(one.metrics.size(), four.metrics.size());
  for (std::size_t m = 0; m < one.metrics.size(); ++m) {
    EXPECT_EQ(one.metrics[m].value, four.metrics[m].value) << one.metrics[m].name;
    if (!one.metrics[m].interval) continue;
    EXPECT_EQ(one.metrics[m].interval->low, four.metrics[m].interval->low);
    EXPECT_EQ(one.metrics[m].interval->high, four.metrics[m].interval->high);
  }
}

TEST(Evaluate, settings_that_differ_between_folds_are_all_named) {
  const Dataset data = folds();
  const MethodResult result =
      Evaluation(data, {}).measure([] { return std::make_unique<TableMethod>(std::vector<float>(60, 0)); }, {.draws = 0});
  EXPECT_THAT(result.settings, ::testing::MatchesRegex("even \\(. of 5 folds\\); odd \\(. of 5 folds\\)"));
  EXPECT_EQ(result.users, 80U);
}

TEST(Evaluate, text_search_ranks_items_for_queries) {
  Dataset data;
  data.spec.kind = Kind::kTextSearch;
  data.spec.protocol.k = {1};
  data.spec.protocol.metrics = {Metric::kMrr};
  data.n_items = 3;
  data.texts.resize(3);
  data.truth = {{0, 0, 2}, {1, 0, 0}};
  data.queries = {"two", "none"};
  SearchMethod method;
  method.name = "content";
  method.settings = "by length";
  std::size_t fitted = 0;
  method.fit = [&](std::span<const models::Item> texts) { fitted = texts.size(); };
  method.score = [](std::string_view query, std::span<float> scores) {
    if (query == "two") scores[2] = 1;
  };
  const MethodResult result = Evaluation(data, {}).measure(method, {});
  EXPECT_EQ(fitted, 3U);
  EXPECT_DOUBLE_EQ(metric(result, "mrr@1"), 0.5);
  EXPECT_EQ(result.settings, "by length");
}

TEST(Evaluate, tuning_looks_at_cases_chosen_evenly) {
  const Dataset data = folds();
  const std::vector<Problem> problems = make_problems(data);
  TableMethod method(std::vector<float>(60, 0.5F));
  const double all = measure_one(problems[0], method, Metric::kRecall, 10, 1000, 2);
  const double some = measure_one(problems[0], method, Metric::kRecall, 10, 40, 2);
  EXPECT_GT(all, 0);
  EXPECT_GT(some, 0);
  EXPECT_LE(some, 1);
}

TEST(Interactions, histories_become_rows_of_a_set) {
  Rows rows;
  const std::vector<ItemIndex> row{2, 0, 2};
  rows.add(row);
  rows.add({});
  const models::Interactions x = to_interactions(rows, 3);
  EXPECT_THAT(x.items, ElementsAre(0, 2));
  EXPECT_THAT(x.weights, ElementsAre(1, 1));
  EXPECT_THAT(x.offsets, ElementsAre(0, 2, 2));
}

}  // namespace
}  // namespace lodestone::evaluation
