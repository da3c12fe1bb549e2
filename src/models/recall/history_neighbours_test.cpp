#include "models/recall/history_neighbours.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <initializer_list>
#include <vector>

namespace lodestone::models {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

struct Owned {
  explicit Owned(std::size_t n) : n_items(n) {}
  std::size_t n_items;
  std::vector<std::uint64_t> offsets{0};
  std::vector<ItemIndex> items;

  Owned& add(std::initializer_list<ItemIndex> row) {
    items.insert(items.end(), row);
    offsets.push_back(items.size());
    return *this;
  }
  [[nodiscard]] Sequences view() const { return {n_items, offsets, items}; }
};

std::vector<float> scores_of(const HistoryNeighbours& model, std::vector<ItemIndex> history, std::size_t n_items) {
  HistoryNeighbours::Scratch scratch;
  std::vector<float> scores(n_items);
  model.add_scores(history, scratch, scores);
  std::vector<float> again(n_items);
  model.add_scores(history, scratch, again);
  EXPECT_EQ(scores, again) << "a scratch that was used is as good as a new one";
  return scores;
}

TEST(HistoryNeighbours, score_items_by_the_similarity_of_the_histories_that_hold_them) {
  const Owned rows = Owned{4}.add({0, 1}).add({0, 1, 2, 3});
  const HistoryNeighbours model(rows.view(), {});
  const std::vector<float> scores = scores_of(model, {0, 1}, 4);
  const float near = 2 / std::sqrt(2.0F);
  const float far = 2 / std::sqrt(4.0F);
  EXPECT_FLOAT_EQ(scores[0], near + far);
  EXPECT_FLOAT_EQ(scores[2], far);
  EXPECT_FLOAT_EQ(scores[3], far);
}

TEST(HistoryNeighbours, give_a_say_to_the_nearest_only) {
  const Owned rows = Owned{4}.add({0, 1, 2}).add({0, 3});
  HistoryNeighboursOptions options;
  options.neighbors = 1;
  const std::vector<float> scores = scores_of(HistoryNeighbours(rows.view(), options), {0, 1}, 4);
  EXPECT_GT(scores[2], 0);
  EXPECT_EQ(scores[3], 0);
}

TEST(HistoryNeighbours, weigh_newer_items_more_when_there_is_a_decay) {
  const Owned rows = Owned{4}.add({0, 2}).add({1, 3});
  HistoryNeighboursOptions options;
  options.decay = 0.5;
  const std::vector<float> scores = scores_of(HistoryNeighbours(rows.view(), options), {0, 1}, 4);
  EXPECT_FLOAT_EQ(scores[2] * 2, scores[3]);
}

TEST(HistoryNeighbours, look_at_the_recent_items_only_where_that_is_set) {
  const Owned rows = Owned{4}.add({0, 2}).add({1, 3});
  HistoryNeighboursOptions options;
  options.recent = 1;
  const std::vector<float> scores = scores_of(HistoryNeighbours(rows.view(), options), {0, 1}, 4);
  EXPECT_EQ(scores[2], 0);
  EXPECT_GT(scores[3], 0);
}

TEST(HistoryNeighbours, let_items_near_the_shared_one_count_more) {
  const Owned rows = Owned{5}.add({0, 1, 2, 3, 4});
  HistoryNeighboursOptions options;
  options.reach = 2;
  const std::vector<float> scores = scores_of(HistoryNeighbours(rows.view(), options), {1}, 5);
  EXPECT_FLOAT_EQ(scores[0], scores[2]);
  EXPECT_FLOAT_EQ(scores[2] * std::exp(-0.5F), scores[3]);
}

TEST(HistoryNeighbours, divide_by_powers_of_the_frequency) {
  const Owned rows = Owned{3}.add({0, 1}).add({0, 2}).add({2});
  HistoryNeighboursOptions options;
  options.item_exponent = 1;
  options.target_exponent = 0.5;
  const std::vector<float> scores = scores_of(HistoryNeighbours(rows.view(), options), {0}, 3);
  const float similarity = 0.5F / std::sqrt(2.0F);
  EXPECT_FLOAT_EQ(scores[1], similarity);
  EXPECT_FLOAT_EQ(scores[2], similarity / std::sqrt(2.0F));
}

TEST(HistoryNeighbours, look_at_the_newest_histories_of_a_frequent_item) {
  const Owned rows = Owned{3}.add({0, 1}).add({0, 2});
  HistoryNeighboursOptions options;
  options.max_histories = 1;
  const std::vector<float> scores = scores_of(HistoryNeighbours(rows.view(), options), {0}, 3);
  EXPECT_EQ(scores[1], 0);
  EXPECT_GT(scores[2], 0);
}

TEST(HistoryNeighbours, count_a_repeated_item_once_where_it_is_newest) {
  const Owned rows = Owned{2}.add({0, 1, 0});
  HistoryNeighboursOptions options;
  options.decay = 0.5;
  const HistoryNeighbours model(rows.view(), options);
  EXPECT_EQ(scores_of(model, {0, 1, 0}, 2), scores_of(model, {1, 0}, 2));
}

TEST(HistoryNeighbours, say_nothing_for_an_empty_or_unknown_history) {
  const Owned rows = Owned{2}.add({0, 1});
  const HistoryNeighbours model(rows.view(), {});
  EXPECT_THAT(scores_of(model, {}, 2), Each(0.0F));
  EXPECT_THAT(scores_of(model, {7, -1}, 2), Each(0.0F));
  EXPECT_THAT(scores_of(HistoryNeighbours(Owned{2}.view(), {}), {0}, 2), ElementsAre(0, 0));
}

}  // namespace
}  // namespace lodestone::models
