#pragma once
// The inner loops of TreeScorer, compiled for several instruction sets and chosen at run time. QuickScorer (Lucchese et al., SIGIR 2015)
// and its form over several rows at once (Lucchese et al., "Exploiting CPU SIMD extensions to speed-up document scoring with tree
// ensembles", SIGIR 2016): a tree is a mask of the leaves that are still open, from the leftmost at bit 0; a split that a row passes to the
// right closes the leaves of its left subtree, and the first open leaf is the one that a walk would end in.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace lodestone::models {

enum class TreeKernel { kScalar, kAvx2, kAvx512 };

/// The widest that the processor has.
TreeKernel best_tree_kernel();
bool has_tree_kernel(TreeKernel kernel);

/// Rows that one call works on, side by side; a block's arrays are [..][lanes], 64-byte aligned.
inline constexpr std::size_t kTreeLanes = 16;
/// Leaves that two vector registers hold: trees of up to so many are looked up there.
inline constexpr std::size_t kRegisterLeaves = 16;

/// A feature as the splits of one missing rule see it. Missing values become `fill`: -infinity where they go left, +infinity where right, 0
/// where they count as 0; then "goes right" is "value > threshold" for every split of the column. A categorical column holds whole
/// categories, -1 for none.
struct TreeColumn {
  std::uint32_t feature = 0;
  float fill = 0;
  bool zero_is_missing = false;
  bool categorical = false;
  std::uint32_t cuts_begin = 0;  ///< of the cuts, or of the category cuts, [begin, end)
  std::uint32_t cuts_end = 0;
};

/// What a numeric split closes. Cuts of a column lie by rising threshold, rounded down to float: no float is between the two.
template <typename Mask>
struct TreeCut {
  float threshold = 0;
  std::uint32_t tree = 0;
  Mask closed = 0;  ///< leaves of the left subtree
};

template <typename Mask>
struct TreeCategoryCut {
  std::uint32_t words_begin = 0;  ///< of the categories that go left
  std::uint32_t n_words = 0;
  std::uint32_t tree = 0;
  Mask closed = 0;
};

/// What the kernels read, owned by the scorer.
template <typename Mask>
struct TreeTables {
  const TreeColumn* columns = nullptr;
  const TreeCut<Mask>* cuts = nullptr;
  const TreeCategoryCut<Mask>* category_cuts = nullptr;
  const std::uint32_t* category_words = nullptr;
  const double* leaf_values = nullptr;  ///< leaf l of tree t at t * leaf_stride + l
  std::size_t leaf_stride = 0;
};

/// The loops of one instruction set; all give the same bits. The scalar ones take one row and have no sum: rows alone are walked
/// (tree_steps.hpp), and cut() is for what a request's rows have in common.
template <typename Mask>
struct TreeKernels {
  std::size_t lanes = 1;  ///< rows at once; 1, 8 or 16
  /// values[c][lanes] of the columns in `active`, from `lanes` rows, row i at rows + i * stride for i < n_rows; lanes beyond repeat the last.
  void (*load)(const TreeTables<Mask>& tables, std::span<const std::uint32_t> active, const float* rows, std::size_t stride,
               std::size_t n_rows, float* values) = nullptr;
  /// Closes leaves in open[tree][lanes].
  void (*cut)(const TreeTables<Mask>& tables, std::span<const std::uint32_t> active, const float* values, Mask* open) = nullptr;
  /// Adds the leaf of each tree in [begin, end) to sums[lanes], one tree after the other.
  void (*sum)(const TreeTables<Mask>& tables, const Mask* open, std::size_t begin, std::size_t end, double* sums) = nullptr;
};

template <typename Mask>
TreeKernels<Mask> find_tree_kernels(TreeKernel kernel);

}  // namespace lodestone::models
