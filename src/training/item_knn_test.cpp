#include "training/item_knn.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "training/top_items.hpp"

namespace lodestone::training {
namespace {

using models::Interactions;
using models::ScoredItem;

/// A skewed random matrix with weights 1..4.
Interactions random_matrix(std::size_t n_users, std::size_t n_items, std::uint64_t seed) {
  Rng rng(seed);
  Interactions x;
  x.n_items = n_items;
  for (std::size_t u = 0; u < n_users; ++u) {
    std::map<ItemIndex, float> row;
    const std::uint64_t n = rng.below(12);
    for (std::uint64_t k = 0; k < n; ++k) {
      const double r = rng.uniform();
      row[static_cast<ItemIndex>(r * r * static_cast<double>(n_items))] = static_cast<float>(1 + rng.below(4));
    }
    for (const auto& [item, weight] : row) {
      x.items.push_back(item);
      x.weights.push_back(weight);
    }
    x.offsets.push_back(x.items.size());
  }
  return x;
}

/// The definition, with a dense matrix and a double loop over items.
std::vector<std::vector<ScoredItem>> brute_force(const Interactions& x, const ItemKnnOptions& options) {
  const std::size_t n = x.n_items;
  const std::size_t m = x.n_users();
  std::vector<std::vector<double>> w(m, std::vector<double>(n, 0));
  std::vector<double> users_of(n, 0);
  for (std::size_t u = 0; u < m; ++u) {
    for (std::size_t k = 0; k < x.row(u).items.size(); ++k) {
      w[u][static_cast<std::size_t>(x.row(u).items[k])] = static_cast<double>(x.row(u).weights[k]);
      ++users_of[static_cast<std::size_t>(x.row(u).items[k])];
    }
  }
  double mean = 0;
  for (const double c : users_of) mean += c / static_cast<double>(n);
  for (std::size_t u = 0; u < m; ++u) {
    const double idf =
        std::max(0.0, std::log(static_cast<double>(n)) - std::log(1.0 + static_cast<double>(x.row(u).items.size())));
    for (std::size_t i = 0; i < n; ++i) {
      if (w[u][i] == 0) continue;
      if (options.weighting == Weighting::kTfIdf) w[u][i] = std::sqrt(w[u][i]) * idf;
      if (options.weighting == Weighting::kBm25) {
        w[u][i] = w[u][i] * 2.2 / (w[u][i] + 1.2 * (0.25 + 0.75 * users_of[i] / mean)) * idf;
      }
    }
  }
  std::vector<std::vector<ScoredItem>> lists(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      double dot = 0;
      double norm_i = 0;
      double norm_j = 0;
      double common = 0;
      for (std::size_t u = 0; u < m; ++u) {
        dot += w[u][i] * w[u][j];
        norm_i += w[u][i] * w[u][i];
        norm_j += w[u][j] * w[u][j];
        common += w[u][i] != 0 && w[u][j] != 0 ? 1 : 0;
      }
      if (i == j || dot <= 0) continue;
      if (options.weighting != Weighting::kBm25) dot /= std::sqrt(norm_i * norm_j);
      dot *= common / (common + options.shrinkage);
      lists[i].push_back({static_cast<ItemIndex>(j), static_cast<float>(dot)});
    }
    keep_top(lists[i], options.neighbors);
  }
  return lists;
}

class ItemKnnWeighting : public ::testing::TestWithParam<Weighting> {};

TEST_P(ItemKnnWeighting, equals_a_double_loop_over_all_pairs) {
  const Interactions x = random_matrix(150, 60, 7);
  for (const double shrinkage : {0.0, 3.5}) {
    ItemKnnOptions options;
    options.weighting = GetParam();
    options.shrinkage = shrinkage;
    options.neighbors = 15;
    options.threads = 2;
    const models::OwnedNeighbours fitted = fit_item_knn(x, options);
    const auto expected = brute_force(x, options);
    ASSERT_EQ(fitted.view().n_items(), x.n_items);
    for (std::size_t i = 0; i < x.n_items; ++i) {
      const models::NeighbourRow row = fitted.view().row(static_cast<ItemIndex>(i));
      ASSERT_EQ(row.items.size(), expected[i].size());
      for (std::size_t k = 0; k < row.items.size(); ++k) {
        EXPECT_NEAR(row.scores[k], expected[i][k].score, 1e-5F * std::max(1.0F, expected[i][k].score));
        // Near ties may swap between float and double sums; the item must then be as good.
        if (row.items[k] == expected[i][k].item) continue;
        const auto same =
            std::find_if(expected[i].begin(), expected[i].end(), [&](const ScoredItem& s) { return s.item == row.items[k]; });
        EXPECT_NEAR(same == expected[i].end() ? expected[i].back().score : same->score, row.scores[k],
                    1e-5F * std::max(1.0F, row.scores[k]));
      }
    }
  }
}

TEST_P(ItemKnnWeighting, is_the_same_for_any_number_of_threads) {
  const Interactions x = random_matrix(400, 300, 8);
  ItemKnnOptions options;
  options.weighting = GetParam();
  options.threads = 1;
  const models::OwnedNeighbours one = fit_item_knn(x, options);
  options.threads = 5;
  const models::OwnedNeighbours five = fit_item_knn(x, options);
  EXPECT_EQ(one.offsets, five.offsets);
  EXPECT_EQ(one.items, five.items);
  EXPECT_EQ(one.scores, five.scores);
}

INSTANTIATE_TEST_SUITE_P(all, ItemKnnWeighting, ::testing::Values(Weighting::kCosine, Weighting::kTfIdf, Weighting::kBm25),
                         [](const auto& param_info) { return std::string(weighting_name(param_info.param)); });

TEST(ItemKnn, counts_what_two_users_say) {
  // User 0 has items 0 and 1, user 1 has 0, user 2 has 1 and 2: cos(0, 1) = 1 / (sqrt 2 sqrt 2), cos(1, 2) = 1 / sqrt 2.
  const Interactions x{4, {0, 2, 3, 5}, {0, 1, 0, 1, 2}, {1, 1, 1, 1, 1}};
  ItemKnnOptions options;
  options.weighting = Weighting::kCosine;
  const models::OwnedNeighbours fitted = fit_item_knn(x, options);
  EXPECT_THAT(fitted.view().row(1).items, ::testing::ElementsAre(2, 0));
  EXPECT_THAT(fitted.view().row(1).scores, ::testing::Pointwise(::testing::FloatEq(), {std::sqrt(0.5F), 0.5F}));
  EXPECT_TRUE(fitted.view().row(3).items.empty());
}

TEST(ItemKnn, takes_empty_input) {
  EXPECT_EQ(fit_item_knn(Interactions{}, {}).view().n_items(), 0U);
  EXPECT_EQ(fit_item_knn(Interactions{3, {0, 0}, {}, {}}, {}).view().n_items(), 3U);
}

TEST(ItemKnn, histories_keep_their_heaviest_items) {
  const Interactions x{4, {0, 4, 5}, {0, 1, 2, 3, 3}, {1, 4, 2, 3, 1}};
  const Interactions capped = cap_histories(x, 2);
  EXPECT_THAT(capped.offsets, ::testing::ElementsAre(0, 2, 3));
  EXPECT_THAT(capped.items, ::testing::ElementsAre(1, 3, 3));
  EXPECT_THAT(capped.weights, ::testing::ElementsAre(4, 3, 1));
}

TEST(ItemKnn, equal_weights_are_cut_without_favour_for_low_items) {
  Interactions x;
  x.n_items = 100;
  for (int u = 0; u < 50; ++u) {
    for (ItemIndex i = 0; i < 100; ++i) {
      x.items.push_back(i);
      x.weights.push_back(1);
    }
    x.offsets.push_back(x.items.size());
  }
  const Interactions capped = cap_histories(x, 10);
  std::size_t low = 0;
  for (const ItemIndex item : capped.items) low += item < 50 ? 1 : 0;
  EXPECT_EQ(capped.items.size(), 500U);
  EXPECT_GT(low, 200U);
  EXPECT_LT(low, 300U);
}

TEST(ItemKnn, a_budget_of_pairs_shortens_long_histories_alone) {
  const Interactions x{6, {0, 6, 8}, {0, 1, 2, 3, 4, 5, 4, 5}, {9, 8, 7, 6, 5, 4, 1, 1}};
  ItemKnnOptions options;
  options.weighting = Weighting::kCosine;
  options.max_pairs = 9 + 4;  // histories of 3 and 2 items
  const models::OwnedNeighbours fitted = fit_item_knn(x, options);
  EXPECT_THAT(fitted.view().row(0).items, ::testing::UnorderedElementsAre(1, 2));
  EXPECT_TRUE(fitted.view().row(3).items.empty());
  EXPECT_THAT(fitted.view().row(4).items, ::testing::ElementsAre(5));
}

TEST(ItemKnn, a_weight_that_is_no_number_is_named) {
  for (const float bad : {-1.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Interactions x{2, {0, 2}, {0, 1}, {1, bad}};
    try {
      (void)fit_item_knn(x, {});
      FAIL() << "took " << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      EXPECT_THAT(error.message(), ::testing::StartsWith("interaction 1 (item 1) has the weight "));
    }
  }
}

}  // namespace
}  // namespace lodestone::training
