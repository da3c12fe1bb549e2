#include "evaluate_als.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <vector>

#include "base/rng.hpp"

namespace lodestone::app {
namespace {

using evaluation::HistoryOrder;
using evaluation::Problem;
using evaluation::TrainPart;

constexpr std::size_t kItems = 40;

/// Users with one of two tastes: five items of the first half of the catalogue, or of the second.
std::vector<ItemIndex> tasteful_row(std::size_t user, Rng& rng) {
  std::vector<ItemIndex> row;
  for (int k = 0; k < 5; ++k) row.push_back(static_cast<ItemIndex>(rng.below(kItems / 2) + (user % 2) * kItems / 2));
  return row;
}

TrainPart train_part(HistoryOrder order) {
  Rng rng(1);
  TrainPart train;
  train.n_items = kItems;
  train.order = order;
  auto tuning = std::make_shared<Problem>();
  tuning->train.n_items = kItems;
  tuning->train.order = order;
  for (std::size_t u = 0; u < 120; ++u) {
    const std::vector<ItemIndex> row = tasteful_row(u, rng);
    train.histories.add(row);
    tuning->train.histories.add(std::span(row).first(4));
    tuning->inputs.add(std::span(row).first(4));
    tuning->hidden.add({});
    tuning->targets.add(std::span(row).last(1));
    tuning->subjects.push_back(static_cast<std::int32_t>(u));
  }
  train.tuning = tuning;
  return train;
}

std::vector<float> scores_of(const AlsMethod& method, const std::vector<ItemIndex>& history) {
  std::vector<float> scores(kItems, 0);
  method.score(history, scores);
  return scores;
}

TEST(AlsMethod, puts_the_items_of_a_taste_first) {
  for (const HistoryOrder order : {HistoryOrder::kNone, HistoryOrder::kTime}) {
    AlsMethod method(2);
    method.fit(train_part(order));
    const std::vector<float> scores = scores_of(method, {3, 9});
    const auto middle = scores.begin() + kItems / 2;
    EXPECT_GT(std::accumulate(scores.begin(), middle, 0.0F), 5 * std::accumulate(middle, scores.end(), 0.0F));
  }
}

TEST(AlsMethod, chooses_the_same_for_any_number_of_threads) {
  AlsMethod one(1);
  AlsMethod three(3);
  one.fit(train_part(HistoryOrder::kTime));
  three.fit(train_part(HistoryOrder::kTime));
  EXPECT_EQ(one.settings(), three.settings());
  EXPECT_EQ(scores_of(one, {3, 9}), scores_of(three, {3, 9}));
}

TEST(AlsMethod, an_item_met_twice_counts_once) {
  AlsMethod method(1);
  TrainPart train = train_part(HistoryOrder::kNone);
  train.tuning = nullptr;
  method.fit(train);
  EXPECT_EQ(scores_of(method, {9, 3, 9}), scores_of(method, {3, 9}));
}

TEST(AlsMethod, without_a_tuning_problem_the_defaults_stand) {
  AlsMethod method(1);
  TrainPart train = train_part(HistoryOrder::kNone);
  train.tuning = nullptr;
  method.fit(train);
  EXPECT_EQ(method.settings(), "factors=64 regularization=60 alpha=7 exponent=0.5 user_exponent=0.5 iterations=15");
}

TEST(AlsMethod, says_nothing_of_a_history_of_nothing) {
  AlsMethod method(1);
  method.fit(train_part(HistoryOrder::kNone));
  EXPECT_THAT(scores_of(method, {}), testing::Each(0));
}

TEST(AlsMethod, takes_a_train_part_without_histories) {
  TrainPart train;
  train.n_items = kItems;
  auto tuning = std::make_shared<Problem>();
  tuning->train.n_items = kItems;
  train.tuning = tuning;
  AlsMethod method(1);
  method.fit(train);
  EXPECT_THAT(scores_of(method, {1}), testing::Each(0));
}

}  // namespace
}  // namespace lodestone::app
