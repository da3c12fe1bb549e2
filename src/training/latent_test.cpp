#include "training/latent.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/rng.hpp"

namespace lodestone::training {
namespace {

/// Users of `n_tastes` tastes: most of what one meets is of the taste that the user's number leaves.
models::Interactions tastes(std::size_t n_users, std::size_t n_items, std::size_t n_tastes, std::size_t per_user) {
  models::Interactions x;
  x.n_items = n_items;
  Rng rng(3);
  for (std::size_t u = 0; u < n_users; ++u) {
    std::vector<ItemIndex> row;
    while (row.size() < per_user) {
      const std::size_t any = rng.below(n_items);
      const std::size_t liked = any / n_tastes * n_tastes + u % n_tastes;
      const auto item = static_cast<ItemIndex>(rng.chance(0.9) && liked < n_items ? liked : any);
      if (std::find(row.begin(), row.end(), item) == row.end()) row.push_back(item);
    }
    std::sort(row.begin(), row.end());
    x.items.insert(x.items.end(), row.begin(), row.end());
    for (std::size_t k = 0; k < row.size(); ++k) x.weights.push_back(static_cast<float>(0.2 + rng.uniform()));
    x.offsets.push_back(x.items.size());
  }
  return x;
}

LatentOptions small() {
  LatentOptions options;
  options.als.factors = 24;  // no multiple of the lanes: rows have a coordinate of the index behind the factors, and filling
  options.als.regularization = 10;
  options.als.iterations = 6;
  options.neighbors = 10;
  options.threads = 2;
  return options;
}

models::LatentVectors open(const models::OwnedLatentVectors& owned) {
  return {models::VectorIndex(owned.index.view(), "index"), owned.gram, owned.parameters, "vectors"};
}

TEST(Latent, a_history_is_folded_in_nearly_as_the_exact_solution) {
  const models::Interactions x = tastes(300, 120, 4, 12);
  const LatentOptions options = small();
  AlsOptions als = options.als;
  als.threads = 2;
  const AlsModel exact = fit_als(x, als);
  const models::OwnedLatentVectors owned = fit_latent(x, options);
  const models::LatentVectors vectors = open(owned);
  models::LatentVectors::Scratch scratch;
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    const models::InteractionRow row = x.row(u);
    vectors.fold_in(row.items, row.weights, scratch);
    const std::vector<float> wanted = exact.fold_in(row.items, row.weights);
    double difference = 0;
    double length = 0;
    for (std::size_t j = 0; j < wanted.size(); ++j) {
      difference += std::pow(static_cast<double>(wanted[j] - scratch.user[j]), 2);
      length += std::pow(static_cast<double>(wanted[j]), 2);
    }
    ASSERT_LT(std::sqrt(difference), 0.01 * std::sqrt(length)) << "user " << u;
    EXPECT_TRUE(std::all_of(scratch.user.begin() + 24, scratch.user.end(), [](float v) { return v == 0; }));
  }
}

TEST(Latent, recall_gives_the_largest_products_best_first) {
  const models::Interactions x = tastes(300, 120, 4, 12);
  const models::OwnedLatentVectors owned = fit_latent(x, small());
  const models::LatentVectors vectors = open(owned);
  models::LatentVectors::Scratch scratch;
  vectors.fold_in(x.row(5).items, x.row(5).weights, scratch);
  std::vector<ItemIndex> items;
  std::vector<float> scores;
  models::VectorSearchOptions search;
  search.k = 7;
  vectors.recall(search, scratch, items, scores);
  std::vector<float> all(120);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = std::inner_product(scratch.user.begin(), scratch.user.begin() + 24,
                                owned.index.vectors.begin() + static_cast<std::ptrdiff_t>(i * owned.index.stride), 0.0F);
  ASSERT_EQ(items.size(), 7U);
  for (std::size_t k = 0; k < items.size(); ++k) {
    EXPECT_NEAR(scores[k], all[static_cast<std::size_t>(items[k])], 1e-5);
    EXPECT_EQ(static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](float v) { return v > scores[k] + 1e-6F; })), k);
    EXPECT_LE(scores[k], scores[k > 0 ? k - 1 : 0]);
  }
  EXPECT_GE(std::count_if(items.begin(), items.end(), [](ItemIndex i) { return i % 4 == 1; }), 6) << "the taste of user 5";
}

TEST(Latent, neighbours_are_of_the_same_taste_and_never_the_item_itself) {
  const models::OwnedLatentVectors owned = fit_latent(tastes(400, 120, 4, 12), small());
  const models::Neighbours lists = owned.neighbours.view();
  std::size_t same = 0;
  std::size_t all = 0;
  for (ItemIndex i = 0; i < 120; ++i) {
    for (const ItemIndex j : lists.row(i).items) {
      EXPECT_NE(i, j);
      same += static_cast<std::size_t>(i % 4 == j % 4);
      ++all;
    }
  }
  EXPECT_GT(all, 500U);
  EXPECT_GT(static_cast<double>(same), 0.9 * static_cast<double>(all));
}

TEST(Latent, items_that_nobody_met_are_on_no_list) {
  models::Interactions x = tastes(100, 40, 2, 6);
  x.n_items = 45;
  const models::OwnedLatentVectors owned = fit_latent(x, small());
  const models::Neighbours lists = owned.neighbours.view();
  EXPECT_TRUE(lists.row(44).items.empty());
  EXPECT_EQ(std::count_if(owned.neighbours.items.begin(), owned.neighbours.items.end(), [](ItemIndex i) { return i >= 40; }), 0);
  const models::LatentVectors vectors = open(owned);
  models::LatentVectors::Scratch scratch;
  vectors.fold_in(x.row(0).items, x.row(0).weights, scratch);
  std::vector<ItemIndex> items;
  std::vector<float> scores;
  models::VectorSearchOptions search;
  search.k = 45;
  vectors.recall(search, scratch, items, scores);
  EXPECT_EQ(std::count_if(items.begin(), items.end(), [](ItemIndex i) { return i >= 40; }), 0);
}

TEST(Latent, where_nobody_met_two_items_there_are_no_vectors) {
  models::Interactions none;
  none.n_items = 3;
  EXPECT_TRUE(fit_latent(none, small()).index.vectors.empty());
  models::Interactions one;
  one.n_items = 1;
  one.items = {0};
  one.weights = {1};
  one.offsets = {0, 1};
  EXPECT_TRUE(fit_latent(one, small()).index.vectors.empty());
}

TEST(Latent, rows_of_one_item_change_nothing) {
  models::Interactions x = tastes(100, 40, 2, 6);
  const models::OwnedLatentVectors without = fit_latent(x, small());
  x.items.push_back(7);
  x.weights.push_back(1);
  x.offsets.push_back(x.items.size());
  EXPECT_EQ(fit_latent(x, small()).index.vectors, without.index.vectors);
}

TEST(Latent, an_empty_history_is_a_vector_of_zeros) {
  const models::OwnedLatentVectors owned = fit_latent(tastes(100, 40, 2, 6), small());
  models::LatentVectors::Scratch scratch;
  open(owned).fold_in({}, {}, scratch);
  EXPECT_TRUE(std::all_of(scratch.user.begin(), scratch.user.end(), [](float v) { return v == 0; }));
}

}  // namespace
}  // namespace lodestone::training
