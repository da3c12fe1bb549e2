#pragma once
// Implicit ALS (Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", ICDM 2008): every user and item
// is a vector, a score their product. Solved by a few warm-started steps of conjugate gradients (Takacs, Pilaszy and Tikk, RecSys
// 2011) or exactly; regularisation scaled by frequency after Rendle et al., "Revisiting the performance of iALS", RecSys 2022.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "models/interactions.hpp"
#include "models/recall/latent_vectors.hpp"

namespace lodestone::training {

/// kConjugateGradient costs n_u f a step and is near exact after a few sweeps; kCholesky is exact and costs n_u f^2 + f^3 / 3. On
/// ml-1m the first is the faster one with any number of factors, by a tenth with 2, 1.5 times with 8, 10 times with 64
/// (measured).
enum class AlsSolver : std::uint8_t { kConjugateGradient, kCholesky };

/// Minimises  sum over all u, i of c_ui (p_ui - x_u . y_i)^2  +  sum_u lambda_u |x_u|^2  +  sum_i lambda_i |y_i|^2  with p = 1
/// and c = 1 + alpha w a_u where u met i with weight w > 0, and p = 0, c = 1 elsewhere (an unobserved weight alpha0 in the papers
/// is our 1 / alpha, all weights divided by alpha). a_u = (n_u / median n)^-user_exponent, n_u items that u met. lambda_u =
/// regularization (f_u / mean f)^exponent, f_u = sum_i c_ui: what u weighs in the loss, unobserved items counted, as the second
/// paper has it; items alike. Divided by the mean, so that the exponent moves strength between rows and leaves its size.
struct AlsOptions {
  std::size_t factors = 64;    ///< more remember finer tastes; time grows linearly, a fold-in with the square to cube
  double regularization = 60;  ///< above 0; larger trusts the crowd more. It grows with interactions a row: tune it
  double exponent = 0.5;       ///< in [0, 1]; 0 treats all rows alike, 1 holds frequent ones back
  double alpha = 7;            ///< at least 0; how much more a meeting says than its absence
  double user_exponent = 0.5;  ///< in [0, 1]; how far the meetings of busy users say less. 0.5 beats 0 by 1.3 % NDCG@10 on ml-1m
  int iterations = 15;         ///< sweeps over users, then items
  AlsSolver solver = AlsSolver::kConjugateGradient;
  int cg_steps = 3;         ///< of conjugate gradients a row and sweep
  std::uint64_t seed = 1;   ///< of the items' first vectors
  int threads = 0;          ///< 0 = all cores; the result does not depend on it
  bool keep_users = false;  ///< whether the model holds the users' vectors too; a fold-in needs none
  /// Called on the fitting thread after each iteration with the number done; empty = not called.
  std::function<void(int iterations_done)> progress;
};

/// Const after the fit, safe from many threads.
class AlsModel {
 public:
  AlsModel() = default;

  [[nodiscard]] std::size_t n_items() const { return n_items_; }
  [[nodiscard]] std::size_t n_factors() const { return n_factors_; }
  /// [n_items, n_factors], row-major. Items that nobody met are zero.
  [[nodiscard]] std::span<const float> item_factors() const { return item_factors_; }
  /// [n_users, n_factors], row-major; empty unless keep_users was set. They lag the items' by half a sweep and, from conjugate
  /// gradients, are not exact: fold_in is the better vector of the same history.
  [[nodiscard]] std::span<const float> user_factors() const { return user_factors_; }

  /// Y'Y, [n_factors, n_factors], whole.
  [[nodiscard]] std::span<const float> gram() const { return gram_; }
  [[nodiscard]] const models::FoldInParameters& fold_in_parameters() const { return fold_in_; }

  /// The exact vector [n_factors] of a user with this history, who need not have been in training; zero for an empty one.
  /// `history` holds item numbers, each once, `weights` run beside it, as in training. Cost: history f^2 + f^3 / 3. Throws
  /// invalid_argument for a weight that is negative, not finite or beyond 1e9 / alpha.
  [[nodiscard]] std::vector<float> fold_in(std::span<const ItemIndex> history, std::span<const float> weights) const;

  /// scores[i] += user . item i for all items; `user` is [n_factors].
  void add_scores(std::span<const float> user, std::span<float> scores) const;

 private:
  friend class AlsFit;
  std::size_t n_items_ = 0;
  std::size_t n_factors_ = 0;
  std::vector<float> item_factors_;
  std::vector<float> user_factors_;
  std::vector<float> gram_;
  models::FoldInParameters fold_in_;
};

/// Memory: the interactions twice (by user and by item), both factor matrices, f^2 floats a thread. A row without a positive
/// weight is zero. Throws invalid_argument for options out of their range and for a weight that is negative, not finite or beyond
/// 1e9 / alpha, naming it.
AlsModel fit_als(const models::Interactions& interactions, const AlsOptions& options);

}  // namespace lodestone::training
