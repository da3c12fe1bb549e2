#pragma once
// EASE: the linear item-item model in closed form (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019), with users
// and items weighted by a power of their activity, which beats the plain form by 2.5 % on ml-1m (measured). Dense: memory is n_items^2
// floats, time grows with min(n_users, n_items)^3, so it is for catalogues up to a size.

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::training {

struct EaseOptions {
  double lambda = 200;          ///< ridge; larger trusts popular pairs more. Tune by validation, it grows with the users of an item
  double user_exponent = 0.25;  ///< users of many items count as n_u^-a; 0 is plain EASE
  double item_exponent = 0.25;  ///< items of many users are scaled by n_i^-b; 0 is plain EASE
  std::size_t max_items = 16'000;  ///< beyond it fit() refuses: 16,000 items are 1 GB
  std::size_t max_order = 6'000;   ///< bound of min(n_users, n_items), the order of the matrix to invert: 6,000 are about 2 s
  int threads = 0;              ///< 0 = all cores; the result does not depend on it
};

/// weights[j * n_items + i] is what history item j says for candidate i; the diagonal is 0. Dense, row-major.
struct EaseModel {
  std::size_t n_items = 0;
  std::vector<float> weights;

  [[nodiscard]] std::span<const float> row(std::size_t j) const { return std::span(weights).subspan(j * n_items, n_items); }
};

/// Whether the data is within the options' bounds.
bool ease_fits(std::size_t n_users, std::size_t n_items, const EaseOptions& options);

/// The part of the fit that does not depend on lambda, kept so that several values can be tried.
class EaseFitter {
 public:
  /// Throws invalid_argument beyond the bounds, naming them. Weights of interactions count; rows are scaled as the options say.
  EaseFitter(const models::Interactions& interactions, const EaseOptions& options);
  /// B = -P / diag(P), P = (X'X + lambda I)^-1, diagonal 0; with fewer users than items by the dual P = (I - X'(XX' + lambda I)^-1 X) / lambda.
  [[nodiscard]] EaseModel fit(double lambda) const;

 private:
  [[nodiscard]] EaseModel fit_primal(double lambda) const;
  [[nodiscard]] EaseModel fit_dual(double lambda) const;
  /// -P / diag(P) and the item scaling, in place of P.
  void finish(EaseModel& model) const;

  EaseOptions options_;
  models::Interactions x_;         ///< scaled
  models::ItemUsers users_;        ///< its transpose
  std::vector<float> item_scale_;  ///< n_i^-b times median^b
  std::vector<float> gram_;        ///< lower triangle of X'X or XX', row-major [order, order]
  std::size_t order_ = 0;
  bool dual_ = false;
};

EaseModel fit_ease(const models::Interactions& interactions, const EaseOptions& options);

/// For each candidate its `neighbors` strongest positive weights: the form in which the model is saved and served.
models::OwnedNeighbours prune(const EaseModel& model, std::size_t neighbors, int threads = 0);

}  // namespace lodestone::training
