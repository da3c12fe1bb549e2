#pragma once
// SLIM for catalogues that dense EASE cannot hold: each item is predicted from its own few nearest items by ridge regression in closed form. That
// is feature selection for SLIM (Ning and Karypis, "SLIM: Sparse linear methods for top-n recommender systems", ICDM 2011, fsSLIM) with the
// squared loss and the weighted rows and columns of EASE (training/ease.hpp), whose solution it is when every item may speak.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::training {

struct SlimOptions {
  double lambda = 100;          ///< ridge; larger trusts popular pairs more
  double user_exponent = 0.25;  ///< as in EaseOptions
  double item_exponent = 0.25;
  std::size_t support = 100;      ///< nearest items by cosine that may speak for an item; time grows with the square to cube
  std::size_t neighbors = 100;    ///< kept for each item
  std::size_t max_history = 500;  ///< items of one user that count: the heaviest
  std::uint64_t max_pairs = 4'000'000'000;  ///< as in ItemKnnOptions
  std::size_t max_products =
      30'000'000;   ///< of two items that are held, 8 bytes each; a large catalogue keeps fewer for each item
  int threads = 0;  ///< 0 = all cores; the result does not depend on it
};

/// What does not depend on lambda and support: for each item its products with the items nearest to it. Const, safe from many threads.
class SlimFitter {
 public:
  /// Throws invalid_argument when a weight is negative or not finite.
  SlimFitter(const models::Interactions& interactions, const SlimOptions& options);

  /// Row i of the answer: the items that count for candidate i, best first, weights above 0. Items whose weight comes out negative are left
  /// out and the rest is solved again, as lists hold no negative scores. Time n_items support^3 / 3.
  [[nodiscard]] models::OwnedNeighbours fit(double lambda, std::size_t support) const;

 private:
  struct Solver;
  SlimOptions options_;
  std::vector<float> item_scale_;
  std::vector<float> squares_;          ///< of items: the diagonal of X'X
  std::vector<std::uint64_t> offsets_;  ///< [n_items + 1]: rows of the off-diagonal products that are held
  std::vector<ItemIndex> items_;        ///< of each row, the nearest by cosine first
  std::vector<float> products_;         ///< beside items_
};

/// Products that are held of each item of so many.
std::size_t slim_products(std::size_t n_items, std::size_t max_products);

models::OwnedNeighbours fit_slim(const models::Interactions& interactions, const SlimOptions& options);

}  // namespace lodestone::training
