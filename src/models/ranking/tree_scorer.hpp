#pragma once
// Scores of a tree ensemble for the candidates of a request, in process. Bit masks (QuickScorer, see tree_kernels.hpp) for trees of up to 64
// leaves, a walk of several rows in step for larger ones.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/stop_check.hpp"
#include "models/ranking/tree_ensemble.hpp"
#include "models/ranking/tree_kernels.hpp"

namespace lodestone::models {

/// Const after construction and safe from many threads, each with its own Scratch. Scores equal the library's raw scores of the same float
/// values to the last bit, whichever kernel and however many rows at once.
class TreeScorer {
 public:
  /// Room that a thread keeps between calls; once it has grown to the model's size, scoring allocates nothing.
  class Scratch;

  explicit TreeScorer(const TreeEnsemble& model) : TreeScorer(model, best_tree_kernel()) {}
  /// A given kernel, which the processor must have.
  TreeScorer(const TreeEnsemble& model, TreeKernel kernel);
  ~TreeScorer();
  TreeScorer(TreeScorer&& other) noexcept;
  TreeScorer& operator=(TreeScorer&& other) noexcept;
  TreeScorer(const TreeScorer&) = delete;
  TreeScorer& operator=(const TreeScorer&) = delete;

  [[nodiscard]] std::size_t n_features() const { return n_features_; }

  /// Raw scores out[n_rows] of rows [n_rows, n_features], row-major; NaN is missing.
  void score(std::span<const float> rows, std::size_t n_rows, std::span<double> out, Scratch& scratch) const;

  /// The same where the features with constant[f] != 0, [n_features], have one value in all rows (the user's and the request's own): row 0
  /// tells it, and their splits are decided once for all rows. `stop` is asked between one kRowsBetweenAsks and the next; false when it ended the
  /// scoring, and only some of the scores are there.
  bool score(std::span<const float> rows, std::size_t n_rows, std::span<const std::uint8_t> constant, std::span<double> out,
             Scratch& scratch, StopCheck stop = {}) const;
  static constexpr std::size_t kRowsBetweenAsks = 64;

 private:
  struct Tables;
  template <typename Mask>
  struct MaskTables;

  std::unique_ptr<const Tables> tables_;
  std::size_t n_features_ = 0;
};

class TreeScorer::Scratch {
 public:
  /// At least `bytes` bytes, aligned to 64; what was there is lost.
  std::byte* reserve(std::size_t bytes);

 private:
  std::unique_ptr<std::byte[]> block_;
  std::size_t size_ = 0;
};

}  // namespace lodestone::models
