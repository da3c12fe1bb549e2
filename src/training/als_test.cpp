#include "training/als.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "models/recall/latent_kernels.hpp"
#include "training/als_exact.hpp"

namespace lodestone::training {
namespace {

using models::Interactions;

/// Two tastes: users of the first half meet mostly items of the first half.
Interactions two_tastes(std::size_t n_users, std::size_t n_items) {
  Rng rng(3);
  Interactions x;
  x.n_items = n_items;
  for (std::size_t u = 0; u < n_users; ++u) {
    for (std::size_t i = 0; i < n_items; ++i) {
      const bool same = (u < n_users / 2) == (i < n_items / 2);
      if (!rng.chance(same ? 0.3 : 0.02)) continue;
      x.items.push_back(static_cast<ItemIndex>(i));
      x.weights.push_back(static_cast<float>(0.5 + rng.uniform()));
    }
    x.offsets.push_back(x.items.size());
  }
  return x;
}

AlsOptions small(AlsSolver solver) {
  AlsOptions options;
  options.factors = 5;
  options.regularization = 2;
  options.alpha = 3;
  options.iterations = 10;
  options.solver = solver;
  options.threads = 1;
  options.keep_users = true;
  return options;
}

/// The loss of the header, summed over every pair.
double loss(const Interactions& x, std::span<const float> users, std::span<const float> items, const AlsOptions& o) {
  const std::size_t f = o.factors;
  std::vector<double> user_frequency(x.n_users(), static_cast<double>(x.n_items));
  std::vector<double> item_frequency(x.n_items, static_cast<double>(x.n_users()));
  std::vector<double> counts(x.n_users());
  for (std::size_t u = 0; u < x.n_users(); ++u) counts[u] = static_cast<double>(x.row(u).items.size());
  std::sort(counts.begin(), counts.end());
  const double median = counts[counts.size() / 2];
  double sum = 0;
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    std::vector<double> weight(x.n_items, -1);
    const models::InteractionRow row = x.row(u);
    const double scale = std::pow(static_cast<double>(row.items.size()) / median, -o.user_exponent);
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      const auto i = static_cast<std::size_t>(row.items[k]);
      weight[i] = static_cast<double>(row.weights[k]) * scale;
      user_frequency[u] += o.alpha * weight[i];
      item_frequency[i] += o.alpha * weight[i];
    }
    for (std::size_t i = 0; i < x.n_items; ++i) {
      double score = 0;
      for (std::size_t j = 0; j < f; ++j) score += static_cast<double>(users[u * f + j]) * static_cast<double>(items[i * f + j]);
      sum += weight[i] > 0 ? (1 + o.alpha * weight[i]) * (1 - score) * (1 - score) : score * score;
    }
  }
  const auto add_ridge = [&](const std::vector<double>& frequency, std::span<const float> factors) {
    double mean = 0;
    for (const double n : frequency) mean += n / static_cast<double>(frequency.size());
    for (std::size_t at = 0; at < factors.size(); ++at) {
      sum += o.regularization * std::pow(frequency[at / f] / mean, o.exponent) * static_cast<double>(factors[at]) *
             static_cast<double>(factors[at]);
    }
  };
  add_ridge(user_frequency, users);
  add_ridge(item_frequency, items);
  return sum;
}

double loss(const Interactions& x, const AlsModel& model, const AlsOptions& o) {
  return loss(x, model.user_factors(), model.item_factors(), o);
}

std::vector<float> fold_in_row(const Interactions& x, const AlsModel& model, std::size_t u) {
  return model.fold_in(x.row(u).items, x.row(u).weights);
}

TEST(Als, solves_a_case_by_hand) {
  // One user, one item, one factor, alpha 3: c = 4, and with x = y at the end of the sweeps (4 x^2 + 2) x = 4 x, so x^2 = 1 / 2.
  const Interactions x{1, {0, 1}, {0}, {1}};
  AlsOptions options = small(AlsSolver::kCholesky);
  options.factors = 1;
  options.iterations = 200;
  const AlsModel model = fit_als(x, options);
  const float score = model.user_factors()[0] * model.item_factors()[0];
  EXPECT_NEAR(score, 0.5, 1e-5);
  EXPECT_NEAR(model.fold_in(x.items, x.weights)[0] * model.item_factors()[0], 0.5, 1e-5);
}

TEST(Als, ends_where_no_user_or_item_can_lower_the_loss) {
  const Interactions x = two_tastes(40, 30);
  for (const AlsSolver solver : {AlsSolver::kCholesky, AlsSolver::kConjugateGradient}) {
    for (const double exponent : {0.0, 1.0}) {
      AlsOptions options = small(solver);
      options.exponent = exponent;
      options.user_exponent = exponent / 2;
      options.iterations = 300;
      const AlsModel model = fit_als(x, options);
      std::vector<float> users(model.user_factors().begin(), model.user_factors().end());
      std::vector<float> items(model.item_factors().begin(), model.item_factors().end());
      const double reached = loss(x, users, items, options);
      for (const float step : {0.02F, -0.02F}) {
        for (std::size_t at = 0; at < 35; at += 7) {
          for (float* value : {&users[at], &items[at]}) {
            *value += step;
            EXPECT_GT(loss(x, users, items, options), reached);
            *value -= step;
          }
        }
      }
    }
  }
}

TEST(Als, lowers_the_loss_with_each_iteration) {
  const Interactions x = two_tastes(40, 30);
  AlsOptions options = small(AlsSolver::kConjugateGradient);
  double last = std::numeric_limits<double>::infinity();
  for (int n = 1; n < 8; ++n) {
    options.iterations = n;
    const double reached = loss(x, fit_als(x, options), options);
    EXPECT_LT(reached, last) << n;
    last = reached;
  }
}

TEST(Als, three_steps_of_conjugate_gradients_end_near_the_exact_solution) {
  const Interactions x = two_tastes(60, 50);
  AlsOptions exact = small(AlsSolver::kCholesky);
  exact.iterations = 30;
  AlsOptions steps = exact;
  steps.solver = AlsSolver::kConjugateGradient;
  const double exact_loss = loss(x, fit_als(x, exact), exact);
  EXPECT_NEAR(loss(x, fit_als(x, steps), steps) / exact_loss, 1, 1e-3);
}

TEST(Als, fold_in_is_the_exact_vector_of_a_user_of_training) {
  const Interactions x = two_tastes(40, 30);
  AlsOptions options = small(AlsSolver::kCholesky);
  options.exponent = 0.5;
  options.iterations = 200;  // until the last half sweep moves nothing
  const AlsModel model = fit_als(x, options);
  for (const std::size_t u : {std::size_t{0}, std::size_t{39}}) {
    const std::vector<float> vector = fold_in_row(x, model, u);
    for (std::size_t j = 0; j < options.factors; ++j)
      EXPECT_NEAR(vector[j], model.user_factors()[u * options.factors + j], 1e-3) << u << " " << j;
  }
}

TEST(Als, scores_what_people_of_the_same_taste_met) {
  const Interactions x = two_tastes(200, 60);
  AlsOptions options = small(AlsSolver::kConjugateGradient);
  options.factors = 17;  // no multiple of the lanes
  const AlsModel model = fit_als(x, options);
  const std::vector<ItemIndex> history{1, 7};
  const std::vector<float> weights{1, 1};
  std::vector<float> scores(60, 0);
  model.add_scores(model.fold_in(history, weights), scores);
  const auto mean = [&](std::size_t begin) {
    float sum = 0;
    for (std::size_t i = begin; i < begin + 30; ++i) sum += scores[i] / 30;
    return sum;
  };
  EXPECT_GT(mean(0), 3 * mean(30));
}

TEST(Als, adds_to_the_scores_that_are_there) {
  const Interactions x = two_tastes(40, 30);
  const AlsModel model = fit_als(x, small(AlsSolver::kConjugateGradient));
  const std::vector<float> user = fold_in_row(x, model, 0);
  std::vector<float> zero(30, 0);
  std::vector<float> five(30, 5);
  model.add_scores(user, zero);
  model.add_scores(user, five);
  for (std::size_t i = 0; i < 30; ++i) EXPECT_NEAR(five[i], 5 + zero[i], 1e-5);
}

TEST(Als, gives_the_same_bits_for_any_number_of_threads_and_another_model_for_another_seed) {
  const Interactions x = two_tastes(150, 90);
  for (const AlsSolver solver : {AlsSolver::kCholesky, AlsSolver::kConjugateGradient}) {
    AlsOptions options = small(solver);
    options.factors = 20;
    const auto factors = [&] {
      const AlsModel model = fit_als(x, options);
      return std::vector<float>(model.item_factors().begin(), model.item_factors().end());
    };
    const std::vector<float> one = factors();
    options.threads = 4;
    EXPECT_EQ(factors(), one);
    options.seed = 2;
    EXPECT_NE(factors(), one);
  }
}

TEST(Als, frequent_rows_are_held_back_by_the_exponent) {
  const Interactions x = two_tastes(40, 30);
  AlsOptions options = small(AlsSolver::kCholesky);
  const auto length_of_busiest = [&] {
    std::size_t busiest = 0;
    for (std::size_t u = 0; u < x.n_users(); ++u) {
      if (x.row(u).items.size() > x.row(busiest).items.size()) busiest = u;
    }
    float sum = 0;
    for (const float v : fold_in_row(x, fit_als(x, options), busiest)) sum += v * v;
    return sum;
  };
  const float plain = length_of_busiest();
  options.exponent = 1;
  EXPECT_LT(length_of_busiest(), plain);
}

TEST(Als, tells_each_iteration_once_in_order) {
  const Interactions x = two_tastes(10, 10);
  AlsOptions options = small(AlsSolver::kConjugateGradient);
  options.iterations = 3;
  std::vector<int> told;
  options.progress = [&](int done) { told.push_back(done); };
  (void)fit_als(x, options);
  EXPECT_THAT(told, testing::ElementsAre(1, 2, 3));
}

TEST(Als, keeps_users_only_when_asked) {
  const Interactions x = two_tastes(10, 12);
  AlsOptions options = small(AlsSolver::kConjugateGradient);
  EXPECT_EQ(fit_als(x, options).user_factors().size(), 50U);
  options.keep_users = false;
  const AlsModel model = fit_als(x, options);
  EXPECT_TRUE(model.user_factors().empty());
  EXPECT_EQ(model.item_factors().size(), 60U);
}

TEST(Als, an_interaction_of_weight_0_did_not_happen) {
  const Interactions x{3, {0, 2, 3}, {0, 1, 0}, {1, 0, 1}};
  for (const AlsSolver solver : {AlsSolver::kCholesky, AlsSolver::kConjugateGradient}) {
    const AlsModel model = fit_als(x, small(solver));
    for (std::size_t j = 5; j < 15; ++j) EXPECT_EQ(model.item_factors()[j], 0) << j;
    const std::vector<ItemIndex> history{1, 2};
    EXPECT_THAT(model.fold_in(history, std::vector<float>{0, 0}), testing::Each(0));
    EXPECT_THAT(model.fold_in(history, std::vector<float>{1, 1}), testing::Each(0));
  }
}

TEST(Als, takes_no_data_one_item_and_one_user) {
  for (const AlsSolver solver : {AlsSolver::kCholesky, AlsSolver::kConjugateGradient}) {
    for (const Interactions& x : {Interactions{}, Interactions{4, {0}, {}, {}}, Interactions{0, {0, 0, 0}, {}, {}},
                                  Interactions{1, {0, 0, 1}, {0}, {1}}, Interactions{2, {0, 2}, {0, 1}, {1, 1}}}) {
      const AlsModel model = fit_als(x, small(solver));
      EXPECT_EQ(model.n_items(), x.n_items);
      std::vector<float> scores(x.n_items, 0);
      model.add_scores(model.fold_in(x.items, x.weights), scores);
      for (const float s : scores) EXPECT_TRUE(std::isfinite(s));
    }
  }
  std::vector<float> none;
  AlsModel().add_scores({}, none);
}

TEST(Als, stays_finite_over_weights_of_very_different_size) {
  Interactions x = two_tastes(40, 30);
  for (std::size_t k = 0; k < x.weights.size(); ++k) x.weights[k] = k % 3 == 0 ? 1e-20F : 1e6F;
  for (const AlsSolver solver : {AlsSolver::kCholesky, AlsSolver::kConjugateGradient}) {
    const AlsModel model = fit_als(x, small(solver));
    for (const float v : model.item_factors()) ASSERT_TRUE(std::isfinite(v));
    for (const float v : fold_in_row(x, model, 0)) ASSERT_TRUE(std::isfinite(v));
  }
}

TEST(Als, refuses_weights_that_are_no_confidence) {
  const AlsModel model = fit_als(two_tastes(10, 10), small(AlsSolver::kConjugateGradient));
  const ItemIndex item = 0;
  for (const float bad : {-1.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 1e9F}) {
    const Interactions x{1, {0, 1}, {0}, {bad}};
    EXPECT_THAT([&] { fit_als(x, small(AlsSolver::kConjugateGradient)); },
                testing::ThrowsMessage<Error>(testing::HasSubstr("expected a number from 0 to 3.33333e+08")));
    EXPECT_THROW((void)model.fold_in(std::span(&item, 1), std::span(&bad, 1)), Error);
  }
}

TEST(Als, refuses_options_out_of_range_in_a_sentence) {
  const Interactions x = two_tastes(4, 4);
  const auto expect = [&](auto set, const char* sentence) {
    AlsOptions options = small(AlsSolver::kConjugateGradient);
    set(options);
    EXPECT_THAT([&] { fit_als(x, options); }, testing::ThrowsMessage<Error>(testing::HasSubstr(sentence)));
  };
  expect([](AlsOptions& o) { o.factors = 0; }, "factors is 0, expected 1 to 2048");
  expect([](AlsOptions& o) { o.factors = 2049; }, "factors is 2049, expected 1 to 2048");
  expect([](AlsOptions& o) { o.regularization = 0; }, "regularization is 0, expected a number above 0");
  expect([](AlsOptions& o) { o.regularization = NAN; }, "regularization is nan");
  expect([](AlsOptions& o) { o.exponent = 1.5; }, "exponent is 1.5, expected 0 to 1");
  expect([](AlsOptions& o) { o.user_exponent = -0.1; }, "user_exponent is -0.1, expected 0 to 1");
  expect([](AlsOptions& o) { o.alpha = -1; }, "alpha is -1, expected a number from 0");
  expect([](AlsOptions& o) { o.iterations = 0; }, "iterations is 0, expected at least 1");
  expect([](AlsOptions& o) { o.cg_steps = 0; }, "cg_steps is 0, expected at least 1");
}

TEST(AlsExact, a_matrix_without_a_solution_is_refused) {
  const std::vector<float> factors{0, 0};
  const std::vector<std::int32_t> at{0};
  const std::vector<float> confidences{1};
  std::vector<float> matrix{1, 2, 2, 1};
  std::vector<float> scratch;
  std::vector<float> out(2);
  EXPECT_THAT(
      [&] {
        solve_observed({factors.data(), 2}, at, confidences, matrix, scratch, out);
      },
      testing::ThrowsMessage<Error>(testing::HasSubstr("is not positive definite in floats; a larger regularization")));
}

TEST(AlsKernels, sum_as_the_formula_says_for_any_width_and_count) {
  Rng rng(5);
  for (const std::size_t width : {1UL, 16UL, 32UL, 40UL, 64UL, 96UL, 128UL, 200UL}) {
    models::PaddedRows factors(9, width);
    models::PaddedRows vectors(2, width);
    for (std::size_t r = 0; r < 9; ++r) {
      for (std::size_t j = 0; j < width; ++j) factors.row(r)[j] = static_cast<float>(rng.normal());
    }
    for (std::size_t j = 0; j < width; ++j) vectors.row(0)[j] = static_cast<float>(rng.normal());
    for (const std::size_t count : {0UL, 1UL, 3UL, 4UL, 5UL, 8UL, 11UL}) {
      std::vector<std::int32_t> at;
      std::vector<float> weights;
      for (std::size_t k = 0; k < count; ++k) {
        at.push_back(static_cast<std::int32_t>(rng.below(9)));
        weights.push_back(static_cast<float>(rng.uniform()));
      }
      for (const float t : {0.0F, 1.0F}) {
        std::vector<double> expected(width, 0.5);
        for (std::size_t k = 0; k < count; ++k) {
          const float* y = factors.row(static_cast<std::size_t>(at[k]));
          double product = 0;
          for (std::size_t j = 0; j < width; ++j) product += static_cast<double>(y[j] * vectors.row(0)[j]);
          const double t64 = static_cast<double>(t);
          for (std::size_t j = 0; j < width; ++j)
            expected[j] += (t64 + static_cast<double>(weights[k]) * (t64 - product)) * static_cast<double>(y[j]);
        }
        std::fill_n(vectors.row(1), width, 0.5F);
        models::add_meetings({factors.row(0), factors.stride(), at, weights}, t, vectors.row(0), vectors.row(1));
        for (std::size_t j = 0; j < width; ++j)
          ASSERT_NEAR(vectors.row(1)[j], expected[j], 1e-3) << width << " " << count << " " << t << " " << j;
      }
    }
  }
}

}  // namespace
}  // namespace lodestone::training
