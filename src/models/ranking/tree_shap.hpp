#pragma once
// Why a row got its score: contributions of its features by TreeSHAP (Lundberg et al., "From local explanations to global understanding with
// explainable AI for trees", Nature Machine Intelligence 2020), path-dependent: what a tree does not know about a feature it takes from the
// shares of training rows at its splits.

#include <cstddef>
#include <span>
#include <vector>

#include "models/ranking/tree_ensemble.hpp"

namespace lodestone::models {

/// Const after construction and safe from many threads, each with its own Scratch. A row costs O(trees x leaves x depth^2).
class TreeShap {
 public:
  struct PathElement {
    std::int32_t feature = -1;
    double zero = 0;    ///< share of the training rows that go this way
    double one = 0;     ///< 1 where the row goes this way, else 0
    double weight = 0;  ///< of the permutations in which as many features as the element's place are known
  };
  /// Room that a thread keeps between calls.
  using Scratch = std::vector<PathElement>;

  /// Throws invalid_argument where a split or leaf of a tree has no training rows to take shares from, and for trees deeper than 1,000.
  explicit TreeShap(TreeEnsemble model);

  /// Mean raw score over the training rows, by the trees' counts: the score of a row of which nothing is known.
  [[nodiscard]] double expected_value() const { return expected_value_; }

  /// Contributions [n_features] of a row [n_features], NaN for missing; with expected_value() they sum to the raw score, but for rounding.
  void explain(std::span<const float> row, std::span<double> contributions, Scratch& scratch) const;

 private:
  TreeEnsemble model_;
  double expected_value_ = 0;
  std::size_t path_room_ = 0;  ///< elements of the longest chain of paths
};

}  // namespace lodestone::models
