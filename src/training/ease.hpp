#pragma once
// EASE: the linear item-item model in closed form (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019), with users
// and items weighted by a power of their activity, which beats the plain form by 2 % on ml-1m (measured). With few items the weights
// are dense, [n_items, n_items]; with few users the dual form keeps a matrix [n_users, n_users] and takes catalogues of any size.

#include <cstddef>
#include <span>
#include <vector>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::training {

struct EaseOptions {
  double lambda = 200;  ///< ridge; larger trusts popular pairs more. Tune by validation, it grows with the users of an item
  double user_exponent = 0.25;    ///< users of many items count as n_u^-a; 0 is plain EASE
  double item_exponent = 0.25;    ///< items of many users are scaled by n_i^-b; 0 is plain EASE
  std::size_t max_items = 6'000;  ///< for the dense form: memory is n_items^2 floats (6,000: 144 MB), time n_items^3 (about 2 s)
  std::size_t max_users = 3'000;  ///< for the dual form, taken when users are fewer than items; a score then costs n_users^2
  int threads = 0;                ///< 0 = all cores; the result does not depend on it
};

/// Whether the data is within the bounds of one of the forms.
bool ease_fits(std::size_t n_users, std::size_t n_items, const EaseOptions& options);

/// W(j, i) is what history item j says for candidate i; W(i, i) = 0. Const after the fit, safe from many threads.
class EaseModel {
 public:
  EaseModel() = default;
  /// Dense weights, row-major: weights[j * n_items + i] = W(j, i).
  EaseModel(std::size_t n_items, std::vector<float> weights) : n_items_(n_items), weights_(std::move(weights)) {}

  [[nodiscard]] std::size_t n_items() const { return n_items_; }
  /// scores[i] += sum over the history of weights[k] * W(history[k], i), for all items.
  void add_scores(std::span<const ItemIndex> history, std::span<const float> weights, std::span<float> scores) const;
  /// For each candidate its `neighbors` strongest positive weights: the form in which the model is saved and served.
  [[nodiscard]] models::OwnedNeighbours prune(std::size_t neighbors, int threads) const;

 private:
  friend class EaseFitter;
  /// What the dual form keeps: W(j, i) = scale_j * (1(i = j) - x_j' K^-1 x_i) / lambda * factor_i off the diagonal.
  struct Dual {
    models::Interactions x;      ///< scaled, [n_users, n_items]
    models::ItemUsers users;     ///< its transpose
    std::vector<float> inverse;  ///< K^-1 = (X X' + lambda I)^-1, [n_users, n_users]
    std::vector<float> scale;    ///< of items
    std::vector<float> factor;   ///< -1 / (P_ii scale_i)
    float ridge = 0;             ///< 1 / lambda
  };
  void add_dual_scores(std::span<const ItemIndex> history, std::span<const float> weights, std::span<float> scores) const;

  std::size_t n_items_ = 0;
  std::vector<float> weights_;
  Dual dual_;
};

/// The part of the fit that does not depend on lambda, kept so that several values can be tried.
class EaseFitter {
 public:
  /// Throws invalid_argument beyond the bounds, naming them. Weights of interactions count; rows and columns are scaled as the options say.
  EaseFitter(const models::Interactions& interactions, const EaseOptions& options);
  /// B = -P / diag(P), P = (X'X + lambda I)^-1, diagonal 0; dual: P = (I - X'(X X' + lambda I)^-1 X) / lambda.
  [[nodiscard]] EaseModel fit(double lambda) const;

 private:
  void fill_gram();
  [[nodiscard]] EaseModel fit_dense(double lambda) const;
  [[nodiscard]] EaseModel fit_dual(double lambda) const;

  EaseOptions options_;
  models::Interactions x_;         ///< scaled
  models::ItemUsers users_;        ///< its transpose
  std::vector<float> item_scale_;  ///< (n_i / median)^-b
  std::vector<float> gram_;        ///< lower triangle of X'X or X X', row-major [order, order]
  std::size_t order_ = 0;
  bool dual_ = false;
};

EaseModel fit_ease(const models::Interactions& interactions, const EaseOptions& options);

inline models::OwnedNeighbours prune(const EaseModel& model, std::size_t neighbors, int threads = 0) {
  return model.prune(neighbors, threads);
}

}  // namespace lodestone::training
