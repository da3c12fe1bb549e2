#include "training/slim.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "training/ease.hpp"

namespace lodestone::training {
namespace {

models::Interactions random_interactions(std::size_t n_users, std::size_t n_items, std::size_t per_user, std::uint64_t seed) {
  models::Interactions x;
  x.n_items = n_items;
  Rng rng(seed);
  for (std::size_t u = 0; u < n_users; ++u) {
    std::vector<ItemIndex> row;
    while (row.size() < per_user) {
      const std::size_t taste = u % 3;
      const auto item = static_cast<ItemIndex>(rng.chance(0.7) ? taste + 3 * rng.below(n_items / 3) : rng.below(n_items));
      if (std::find(row.begin(), row.end(), item) == row.end()) row.push_back(item);
    }
    std::sort(row.begin(), row.end());
    x.items.insert(x.items.end(), row.begin(), row.end());
    for (std::size_t k = 0; k < row.size(); ++k) x.weights.push_back(static_cast<float>(0.5 + rng.uniform()));
    x.offsets.push_back(x.items.size());
  }
  return x;
}

float weight_in(const models::OwnedNeighbours& lists, std::size_t row, ItemIndex item) {
  for (std::uint64_t at = lists.offsets[row]; at < lists.offsets[row + 1]; ++at) {
    if (lists.items[at] == item) return lists.scores[at];
  }
  return 0;
}

TEST(Slim, equals_ease_when_every_item_may_speak_and_nothing_is_negative) {
  // With so large a ridge weights follow the products, which are not negative; the few that are change little.
  const models::Interactions x = random_interactions(200, 30, 8, 1);
  EaseOptions ease;
  ease.lambda = 5000;
  ease.threads = 2;
  SlimOptions slim;
  slim.lambda = 5000;
  slim.threads = 2;
  const models::OwnedNeighbours wanted = prune(fit_ease(x, ease), 100);
  const models::OwnedNeighbours found = fit_slim(x, slim);
  ASSERT_EQ(found.offsets, wanted.offsets);
  for (std::size_t i = 0; i < 30; ++i) {
    for (ItemIndex j = 0; j < 30; ++j)
      EXPECT_NEAR(weight_in(found, i, j), weight_in(wanted, i, j), 2e-3 * std::abs(weight_in(wanted, i, j)) + 1e-9)
          << i << " " << j;
  }
}

TEST(Slim, solves_the_ridge_problem_of_the_items_that_are_left) {
  const models::Interactions x = random_interactions(100, 12, 4, 2);
  SlimOptions options;
  options.lambda = 3;
  options.user_exponent = 0;
  options.item_exponent = 0;
  options.support = 5;
  const models::OwnedNeighbours lists = fit_slim(x, options);
  std::vector<std::vector<double>> dense(100, std::vector<double>(12, 0));
  for (std::size_t u = 0; u < 100; ++u) {
    const models::InteractionRow row = x.row(u);
    for (std::size_t k = 0; k < row.items.size(); ++k)
      dense[u][static_cast<std::size_t>(row.items[k])] = static_cast<double>(row.weights[k]);
  }
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_LE(lists.offsets[i + 1] - lists.offsets[i], 5U);
    for (std::uint64_t a = lists.offsets[i]; a < lists.offsets[i + 1]; ++a) {
      // The gradient is 0 at the solution: x_j . (x_i - sum of w_k x_k) = lambda w_j.
      double gradient = -options.lambda * static_cast<double>(lists.scores[a]);
      for (std::size_t u = 0; u < 100; ++u) {
        double rest = dense[u][i];
        for (std::uint64_t b = lists.offsets[i]; b < lists.offsets[i + 1]; ++b)
          rest -= static_cast<double>(lists.scores[b]) * dense[u][static_cast<std::size_t>(lists.items[b])];
        gradient += rest * dense[u][static_cast<std::size_t>(lists.items[a])];
      }
      EXPECT_NEAR(gradient, 0, 0.02) << "item " << i << " from " << lists.items[a];
      EXPECT_GT(lists.scores[a], 0);
      EXPECT_NE(static_cast<std::size_t>(lists.items[a]), i);
    }
  }
}

TEST(Slim, does_not_depend_on_the_number_of_threads) {
  const models::Interactions x = random_interactions(300, 60, 10, 3);
  SlimOptions options;
  options.support = 20;
  options.threads = 1;
  const models::OwnedNeighbours one = fit_slim(x, options);
  options.threads = 3;
  const models::OwnedNeighbours three = fit_slim(x, options);
  EXPECT_EQ(one.items, three.items);
  EXPECT_EQ(one.scores, three.scores);
}

TEST(Slim, lists_hold_as_many_as_asked_for_best_first) {
  SlimOptions options;
  options.neighbors = 3;
  const models::OwnedNeighbours lists = fit_slim(random_interactions(300, 60, 10, 4), options);
  for (std::size_t i = 0; i < 60; ++i) {
    EXPECT_LE(lists.offsets[i + 1] - lists.offsets[i], 3U);
    EXPECT_TRUE(std::is_sorted(lists.scores.begin() + static_cast<std::ptrdiff_t>(lists.offsets[i]),
                               lists.scores.begin() + static_cast<std::ptrdiff_t>(lists.offsets[i + 1]), std::greater<>()));
  }
}

TEST(Slim, takes_data_of_which_little_can_be_learned) {
  models::Interactions one;
  one.n_items = 1;
  one.items = {0};
  one.weights = {1};
  one.offsets = {0, 1};
  EXPECT_TRUE(fit_slim(one, {}).items.empty());
  models::Interactions none;
  none.n_items = 4;
  EXPECT_EQ(fit_slim(none, {}).offsets.size(), 5U);
  // Everybody has the same three items: they speak for each other alike.
  models::Interactions same;
  same.n_items = 4;
  for (int u = 0; u < 50; ++u) {
    same.items.insert(same.items.end(), {0, 1, 2});
    same.weights.insert(same.weights.end(), {1, 1, 1});
    same.offsets.push_back(same.items.size());
  }
  const models::OwnedNeighbours lists = fit_slim(same, {});
  EXPECT_EQ(lists.offsets, (std::vector<std::uint64_t>{0, 2, 4, 6, 6}));
  EXPECT_NEAR(lists.scores[0], lists.scores[1], 1e-6);
}

TEST(Slim, names_what_it_cannot_take) {
  models::Interactions x = random_interactions(10, 6, 2, 5);
  SlimOptions options;
  options.lambda = 0;
  EXPECT_THAT([&] { fit_slim(x, options); }, testing::ThrowsMessage<Error>(testing::HasSubstr("lambda is 0")));
  x.weights[3] = -1;
  EXPECT_THAT([&] { fit_slim(x, {}); }, testing::ThrowsMessage<Error>(testing::HasSubstr("weight -1")));
}

}  // namespace
}  // namespace lodestone::training
