#include "training/ease.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "training/dense.hpp"

namespace lodestone::training {
namespace {

using models::Interactions;

EaseOptions plain(double lambda) {
  EaseOptions options;
  options.lambda = lambda;
  options.user_exponent = 0;
  options.item_exponent = 0;
  return options;
}

Interactions random_matrix(std::size_t n_users, std::size_t n_items, std::uint64_t seed) {
  Rng rng(seed);
  Interactions x;
  x.n_items = n_items;
  for (std::size_t u = 0; u < n_users; ++u) {
    for (std::size_t i = 0; i < n_items; ++i) {
      if (!rng.chance(0.2)) continue;
      x.items.push_back(static_cast<ItemIndex>(i));
      x.weights.push_back(1);
    }
    x.offsets.push_back(x.items.size());
  }
  return x;
}

/// What item j alone says for every item.
std::vector<float> row_of(const EaseModel& model, ItemIndex j) {
  std::vector<float> out(model.n_items(), 0);
  const float one = 1;
  model.add_scores(std::span(&j, 1), std::span(&one, 1), out);
  return out;
}

TEST(Ease, equals_a_case_inverted_by_hand) {
  // Users {0,1}, {0,1}, {0}: X'X = [[3,2],[2,2]]. With lambda 1: [[4,2],[2,3]], inverse 1/8 [[3,-2],[-2,4]].
  // B(0,1) = -P01 / P11 = 2/4, B(1,0) = -P10 / P00 = 2/3.
  const Interactions x{2, {0, 2, 4, 5}, {0, 1, 0, 1, 0}, {1, 1, 1, 1, 1}};
  const EaseModel model = fit_ease(x, plain(1));
  ASSERT_EQ(model.n_items(), 2U);
  EXPECT_FLOAT_EQ(row_of(model, 0)[0], 0);
  EXPECT_FLOAT_EQ(row_of(model, 0)[1], 0.5F);
  EXPECT_FLOAT_EQ(row_of(model, 1)[0], 2.0F / 3.0F);
  EXPECT_FLOAT_EQ(row_of(model, 1)[1], 0);
}

TEST(Ease, weights_by_activity_as_the_formula_says) {
  // Counts: users 2, 2, 1; items 3, 2. Medians 2 and 3 (upper of two). a = b = 1/2, so row scale (n/2)^-1/2, column scale (n/3)^-1/2.
  const Interactions x{2, {0, 2, 4, 5}, {0, 1, 0, 1, 0}, {1, 1, 1, 1, 1}};
  EaseOptions options = plain(1);
  options.user_exponent = 0.5;
  options.item_exponent = 0.5;
  const double s1 = std::sqrt(3.0 / 2.0);
  const double u2 = std::sqrt(2.0);  // scale of the user with one item
  const double g00 = 2 + u2 * u2 + 1;
  const double g01 = 2 * s1;
  const double g11 = 2 * s1 * s1 + 1;
  // P = [[g11, -g01], [-g01, g00]] / det: B01 = g01 / g00 and B10 = g01 / g11.
  const EaseModel model = fit_ease(x, options);
  EXPECT_NEAR(row_of(model, 0)[1], g01 / g00 / s1, 1e-6);
  EXPECT_NEAR(row_of(model, 1)[0], s1 * g01 / g11, 1e-6);
}

TEST(Ease, the_dual_form_gives_the_dense_weights_and_lists) {
  // 30 users and 50 items take the dual form unless it is not allowed.
  const Interactions x = random_matrix(30, 50, 3);
  for (const double exponent : {0.0, 0.25}) {
    EaseOptions options = plain(5);
    options.user_exponent = exponent;
    options.item_exponent = exponent;
    const EaseModel dual = fit_ease(x, options);
    options.max_users = 0;
    const EaseModel dense = fit_ease(x, options);
    for (ItemIndex j = 0; j < 50; ++j)
      EXPECT_THAT(row_of(dual, j), ::testing::Pointwise(::testing::FloatNear(2e-5F), row_of(dense, j))) << j;
    const models::OwnedNeighbours a = dual.prune(5, 2);
    const models::OwnedNeighbours b = dense.prune(5, 1);
    ASSERT_EQ(a.offsets, b.offsets);
    EXPECT_THAT(a.scores, ::testing::Pointwise(::testing::FloatNear(2e-5F), b.scores));
    const std::vector<ItemIndex> history{3, 7, 3};
    const std::vector<float> weights{1, 0.5F, 0.25F};
    std::vector<float> from_dual(50, 1);
    std::vector<float> from_dense(50, 1);
    dual.add_scores(history, weights, from_dual);
    dense.add_scores(history, weights, from_dense);
    EXPECT_THAT(from_dual, ::testing::Pointwise(::testing::FloatNear(4e-5F), from_dense));
  }
}

TEST(Ease, is_the_same_for_any_number_of_threads) {
  for (const std::size_t n_items : {std::size_t{600}, std::size_t{1200}}) {  // several tiles; dense, then dual
    const Interactions x = random_matrix(700, n_items, 4);
    EaseOptions options = plain(50);
    options.threads = 1;
    const models::OwnedNeighbours one = fit_ease(x, options).prune(50, 1);
    options.threads = 3;
    const models::OwnedNeighbours three = fit_ease(x, options).prune(50, 3);
    EXPECT_EQ(one.items, three.items);
    EXPECT_EQ(one.scores, three.scores);
  }
}

TEST(Ease, an_item_that_nobody_touched_neither_speaks_nor_is_spoken_for) {
  const Interactions x{3, {0, 2, 4, 5}, {0, 2, 0, 2, 0}, {1, 1, 1, 1, 1}};
  const EaseModel model = fit_ease(x, {});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(row_of(model, 1)[i], 0);
    EXPECT_EQ(row_of(model, static_cast<ItemIndex>(i))[1], 0);
  }
  EXPECT_GT(row_of(model, 0)[2], 0);
}

TEST(Ease, pruned_lists_keep_the_strongest_positive_weights_of_each_candidate) {
  const EaseModel model{3, {0, 0.2F, -1, 0.5F, 0, 0.3F, 0.7F, -0.1F, 0}};
  const models::OwnedNeighbours lists = prune(model, 1);
  EXPECT_THAT(lists.view().row(0).items, ::testing::ElementsAre(2));
  EXPECT_THAT(lists.view().row(0).scores, ::testing::ElementsAre(0.7F));
  EXPECT_THAT(lists.view().row(1).items, ::testing::ElementsAre(0));
  EXPECT_THAT(lists.view().row(2).items, ::testing::ElementsAre(1));
}

TEST(Ease, refuses_a_catalogue_beyond_its_bounds) {
  EaseOptions options;
  options.max_items = 2;
  options.max_users = 0;
  try {
    (void)fit_ease(Interactions{3, {0, 1}, {0}, {1}}, options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(),
              "the linear model takes up to 2 items, or up to 0 users; here are 3 items and 1 users: use item-kNN");
  }
}

TEST(Ease, refuses_a_lambda_that_is_not_above_0) {
  try {
    (void)fit_ease(Interactions{1, {0, 1}, {0}, {1}}, plain(0));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "lambda is 0, expected a number above 0");
  }
}

TEST(Dense, the_inverse_times_the_matrix_is_one) {
  const std::size_t n = 600;
  Rng rng(9);
  std::vector<float> matrix(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) matrix[i * n + j] = matrix[j * n + i] = static_cast<float>(rng.normal()) * 0.1F;
    matrix[i * n + i] = 10;
  }
  std::vector<float> inverse = matrix;
  invert_spd(inverse, n, 2);
  for (std::size_t i = 0; i < n; i += 37) {
    for (std::size_t j = 0; j < n; j += 11) {
      double sum = 0;
      for (std::size_t k = 0; k < n; ++k) sum += static_cast<double>(matrix[i * n + k]) * static_cast<double>(inverse[k * n + j]);
      EXPECT_NEAR(sum, i == j ? 1 : 0, 1e-4);
    }
  }
}

TEST(Dense, a_matrix_that_is_not_positive_definite_is_refused) {
  std::vector<float> matrix{1, 2, 2, 1};
  try {
    invert_spd(matrix, 2, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "the item matrix is not positive definite at row 2; a larger lambda makes it so");
  }
}

}  // namespace
}  // namespace lodestone::training
