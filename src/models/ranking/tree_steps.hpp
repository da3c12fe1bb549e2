#pragma once
// One row through many small trees: trees are walked side by side, without branches, so that the row waits neither for memory nor for a
// mispredicted turn.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "models/ranking/tree_ensemble.hpp"

namespace lodestone::models {

/// Trees of up to 64 leaves over the columns of TreeScorer. Const once all trees are there.
class StepTrees {
 public:
  static constexpr std::size_t kMostColumns = std::size_t{1} << 16U;
  /// find() reads this many values even where there are fewer columns.
  static constexpr std::size_t kLeastValues = 64;

  /// The next tree: columns[i] is the column of its node i, places[l] the number below 64 that its leaf l goes by.
  void add(const Tree& tree, const std::vector<std::uint32_t>& columns, const std::vector<std::size_t>& places);
  /// Groups what was added; once, before the first find.
  void finish();

  /// Leaf places[n_trees] of the row with values [n_columns], as TreeKernels::load leaves them.
  void find(const float* values, std::uint8_t* places) const;

 private:
  /// As many as keep their positions in registers.
  static constexpr std::size_t kGroup = 12;

  /// A split: its right child is the one behind its left. A leaf leads to itself, because no value is over its threshold of infinity, and its
  /// column is its place.
  struct Node {
    float threshold = 0;
    std::uint16_t column = 0;
    std::uint16_t left = 0;  ///< counted from the first node of the tree, or of the tree's group
  };
  struct Set {
    std::uint32_t words_begin = 0;
    std::uint32_t n_words = 0;
    bool is_category = false;
  };
  struct Member {
    std::uint32_t tree = 0;
    std::uint32_t first_node = 0;
    std::uint32_t n_nodes = 0;
    std::uint32_t depth = 0;
    bool categorical = false;
  };

  void find_group(const float* values, const Member* members, std::uint8_t* places) const;
  [[nodiscard]] std::uint8_t find_alone(const float* values, const Member& member) const;

  std::vector<Node> nodes_;
  std::vector<Set> sets_;  ///< beside nodes_
  std::vector<std::uint32_t> words_;
  std::vector<Member> members_;  ///< whole groups of numeric trees by depth, then the others one by one
  std::size_t n_grouped_ = 0;
};

}  // namespace lodestone::models
