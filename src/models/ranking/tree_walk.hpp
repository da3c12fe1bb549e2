#pragma once
// Trees that are too large for a bit mask: several rows walk down in step. Leaves are nodes that lead to themselves, so that a step needs no
// branch.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/ranking/tree_ensemble.hpp"

namespace lodestone::models {

/// A tree over the columns of TreeScorer. Const after construction.
class WalkTree {
 public:
  /// columns[i] is the column of the tree's node i.
  WalkTree(const Tree& tree, const std::vector<std::uint32_t>& columns);

  /// Adds the leaf of each lane to sums[lanes]; values [n_columns, lanes] as TreeKernels::load leaves them; lanes 1, 8 or 16.
  void add(const float* values, std::size_t lanes, double* sums) const;

 private:
  struct Node {
    float threshold = 0;
    std::uint32_t column = 0;
    std::uint32_t next[2] = {};  ///< left, right
    std::uint32_t words_begin = 0;
    std::uint32_t n_words = 0;
  };

  template <std::size_t kLanes, bool kCategories>
  void add_lanes(const float* values, double* sums) const;
  template <bool kCategories>
  [[nodiscard]] bool goes_right(const Node& node, float value) const;

  std::vector<Node> nodes_;  ///< splits, then leaves
  std::vector<std::uint8_t> is_category_;
  std::vector<std::uint32_t> words_;
  std::vector<double> leaf_values_;
  std::size_t n_splits_ = 0;
  std::size_t depth_ = 0;
  bool has_categories_ = false;
};

/// Splits on the longest way from the root to a leaf.
[[nodiscard]] std::size_t depth_of(const Tree& tree);

/// The largest float that is no larger: a float goes left of the one exactly when it goes left of the other.
[[nodiscard]] float round_threshold(double threshold);

}  // namespace lodestone::models
