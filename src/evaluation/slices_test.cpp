#include "evaluation/slices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/evaluate.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Slices, an_item_is_cold_with_up_to_five_users_and_repeats_count_once) {
  TrainPart train;
  train.n_items = 3;
  for (int u = 0; u < 6; ++u) {  // item 0 in all six histories, item 1 in five, twice in each
    const std::vector<ItemIndex> row = u == 0 ? std::vector<ItemIndex>{0} : std::vector<ItemIndex>{0, 1, 1};
    train.histories.add(row);
  }
  EXPECT_THAT(cold_items(train), ElementsAre(0, 1, 1));
}

TEST(Slices, cold_targets_are_kept_in_order) {
  const std::vector<ItemIndex> targets{0, 2, 3};
  const std::vector<char> cold{1, 1, 0, 1};
  std::vector<ItemIndex> out{9};
  keep_cold(targets, cold, out);
  EXPECT_THAT(out, ElementsAre(0, 3));
}

TEST(Slices, folds_without_a_case_are_left_out) {
  SliceTally tally;
  tally.add({{1, 2, 3, 4}, 2}, 2, std::vector<char>{0, 0}, std::vector<std::int32_t>{7, 8});
  tally.add({{1, 2, 3, 4}, 2}, 2, std::vector<char>{0, 1}, std::vector<std::int32_t>{7, 8});
  ASSERT_EQ(tally.folds.size(), 1U);
  EXPECT_THAT(tally.folds[0].values, ElementsAre(3, 4));
  EXPECT_EQ(tally.n_cases, 1U);
  EXPECT_THAT(tally.subjects, ElementsAre(8));
}

/// Lists items 0, 1, 2, ... for everybody.
class Ascending final : public Method {
 public:
  [[nodiscard]] std::string name() const override { return "ascending"; }
  [[nodiscard]] std::string settings() const override { return ""; }
  void fit(const TrainPart&) override {}
  void score(std::span<const ItemIndex>, std::span<float> scores) const override {
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = -static_cast<float>(i);
  }
};

/// Users 0..5 each have items 10..15 (six of them), user 6 has item 10 alone.
Dataset seven_users() {
  Dataset data;
  data.spec.file = "d.yaml";
  data.spec.protocol.hide = {Part::kTrain};
  data.spec.protocol.k = {2};
  data.spec.protocol.metrics = {Metric::kRecall, Metric::kCoverage, Metric::kNovelty, Metric::kMrr};
  data.n_items = 16;
  data.n_users = 7;
  Events& train = data.events[Part::kTrain];
  for (int u = 0; u < 6; ++u) {
    for (int i = 10; i < 16; ++i) {
      train.users.push_back(u);
      train.items.push_back(i);
    }
  }
  train.users.push_back(6);
  train.items.push_back(10);
  // User 0 is asked for items 1 and 5, which nobody has; user 6 for item 0 and for item 15, which six have.
  data.events[Part::kTest] = {{0, 0, 6, 6}, {1, 5, 0, 15}, {}, {}};
  return data;
}

TEST(Slices, are_measured_apart_and_hold_only_metrics_that_look_at_targets) {
  const Dataset data = seven_users();
  const MethodResult result =
      Evaluation(data, {}).measure([] { return std::make_unique<Ascending>(); }, {.threads = 1, .slices = true});
  ASSERT_EQ(result.slices.size(), 2U);
  // The list is 0 1: user 0 has one hit of two at rank 2, user 6 one of two at rank 1.
  EXPECT_DOUBLE_EQ(result.metrics[0].value, 0.5);
  const SliceResult& users = result.slices[0];
  EXPECT_EQ(users.name, "cold_users");
  EXPECT_EQ(users.users, 1U) << "six interactions are one too many";
  ASSERT_EQ(users.metrics.size(), 2U);
  EXPECT_EQ(users.metrics[0].name, "recall@2");
  EXPECT_DOUBLE_EQ(users.metrics[0].value, 0.5);
  EXPECT_EQ(users.metrics[1].name, "mrr@2");
  EXPECT_DOUBLE_EQ(users.metrics[1].value, 1);
  EXPECT_TRUE(users.metrics[1].interval.has_value());
  const SliceResult& items = result.slices[1];
  EXPECT_EQ(items.name, "cold_items");
  EXPECT_EQ(items.users, 2U);
  EXPECT_DOUBLE_EQ(items.metrics[0].value, (0.5 + 1) / 2) << "item 15 is no target there";
  EXPECT_DOUBLE_EQ(items.metrics[1].value, (0.5 + 1) / 2);
}

TEST(Slices, one_without_a_case_has_no_metrics) {
  Dataset data = seven_users();
  data.events[Part::kTest] = {{0}, {15}, {}, {}};
  data.spec.protocol.hide = {};
  const MethodResult result =
      Evaluation(data, {}).measure([] { return std::make_unique<Ascending>(); }, {.threads = 1, .slices = true});
  ASSERT_EQ(result.slices.size(), 2U);
  EXPECT_EQ(result.slices[0].users, 0U);
  EXPECT_THAT(result.slices[0].metrics, IsEmpty());
  EXPECT_EQ(result.slices[1].users, 0U);
}

TEST(Slices, are_not_measured_unless_asked_for) {
  const Dataset data = seven_users();
  EXPECT_THAT(Evaluation(data, {}).measure([] { return std::make_unique<Ascending>(); }, {}).slices, IsEmpty());
  EXPECT_FALSE(has_slices(Kind::kTextSearch));
  EXPECT_TRUE(has_slices(Kind::kSessions));
}

}  // namespace
}  // namespace lodestone::evaluation
