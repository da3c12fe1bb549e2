#pragma once
// Nearest vectors: a graph of small worlds (HNSW: Malkov and Yashunin, IEEE TPAMI 2018) and a scan over all, whichever is faster for the size
// of the index and for what a filter leaves. Everything is squared L2 inside: cosine on vectors of length 1, inner product by one more
// coordinate sqrt(max |x|^2 - |x|^2), 0 in the query (Bachrach et al., RecSys 2014), because a graph over raw inner products loses
// answers where norms differ widely.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "models/recall/vector_kernels.hpp"

namespace lodestone::models {

enum class VectorDistance : std::uint8_t { kL2, kCosine, kInnerProduct };
/// "l2", "cosine", "ip".
std::string_view name_of(VectorDistance distance);

/// Views of the arrays of an index; they may lie in a mapped file.
struct VectorArrays {
  VectorDistance distance = VectorDistance::kL2;
  std::size_t dimension = 0;       ///< of the vectors that were given
  std::size_t stride = 0;          ///< floats of a stored vector, a multiple of kVectorLanes
  std::size_t m = 0;               ///< links of a node on an upper level; 2 m on level 0. 0 = no graph, every search is a scan
  std::int32_t entry = -1;         ///< node where a search begins, one of the highest level
  std::span<const float> vectors;  ///< [n, stride]
  std::span<const std::uint8_t> levels;          ///< [n]; empty without a graph
  std::span<const std::int32_t> links;           ///< [n, 2 m] of level 0, -1 behind the last
  std::span<const std::uint64_t> upper_offsets;  ///< [n + 1]: rows of upper_links; node i has levels[i] of them, level 1 first
  std::span<const std::int32_t> upper_links;     ///< [rows, m]
};

/// The arrays with their memory.
struct OwnedVectorIndex {
  VectorDistance distance = VectorDistance::kL2;
  std::size_t dimension = 0;
  std::size_t stride = 0;
  std::size_t m = 0;
  std::size_t ef_construction = 0;
  std::int32_t entry = -1;
  std::vector<float> vectors;
  std::vector<std::uint8_t> levels;
  std::vector<std::int32_t> links;
  std::vector<std::uint64_t> upper_offsets;
  std::vector<std::int32_t> upper_links;

  [[nodiscard]] VectorArrays view() const {
    return {distance, dimension, stride, m, entry, vectors, levels, links, upper_offsets, upper_links};
  }
};

struct VectorHit {
  ItemIndex item = 0;
  float distance = 0;  ///< squared, of the form that is stored
  friend bool operator==(const VectorHit&, const VectorHit&) = default;
};

/// Bit i of word i / 64 set = item i may be found. `count` = bits set.
struct AllowedItems {
  std::span<const std::uint64_t> bits;
  std::size_t count = 0;
  [[nodiscard]] bool contains(std::size_t item) const { return (bits[item / 64] >> item % 64 & 1U) != 0; }
};

/// kAuto: the scan below kScanItems items, or where a filter allows less than kScanShare of them.
enum class VectorSearchWay : std::uint8_t { kAuto, kScan, kGraph };
/// Measured with 64 to 128 dimensions: a scan of 20,000 costs about what a graph search at ef 64 does with a cold cache, and has no misses.
inline constexpr std::size_t kScanItems = 20'000;
inline constexpr double kScanShare = 0.5;

struct VectorSearchOptions {
  std::size_t k = 10;
  std::size_t ef = 64;  ///< nodes kept while the graph is walked; at least k are. More finds more and costs in proportion
  VectorSearchWay way = VectorSearchWay::kAuto;
  const AllowedItems* allowed = nullptr;  ///< nullptr = all
};

/// Const, safe from many threads; each needs a scratch of its own.
class VectorIndex {
 public:
  /// Memory of a search, kept between searches so that they allocate nothing.
  struct Scratch {
    std::vector<float> query;
    std::vector<std::uint32_t> visited;  ///< [n], the number of the search that saw the node
    std::uint32_t search = 0;
    std::vector<VectorHit> open;   ///< heap, nearest first
    std::vector<VectorHit> found;  ///< heap, farthest first
  };

  VectorIndex() = default;
  /// Throws corrupt, naming `name`, when the arrays do not fit each other, so that no search leaves them. Cost linear.
  VectorIndex(const VectorArrays& arrays, std::string_view name);

  [[nodiscard]] std::size_t size() const { return n_; }
  [[nodiscard]] const VectorArrays& arrays() const { return arrays_; }

  /// Replaces `out` by the nearest allowed items, nearest first, of equal ones the lower number. `query` has the given dimension and is finite;
  /// a query of length 0 under cosine is as far from everything. A filter never makes the list shorter than what is allowed under a
  /// scan; a graph search may then miss some.
  void search(std::span<const float> query, const VectorSearchOptions& options, Scratch& scratch,
              std::vector<VectorHit>& out) const;

 private:
  void prepare(std::span<const float> query, std::vector<float>& out) const;
  void scan(const float* query, const VectorSearchOptions& options, Scratch& scratch) const;
  void walk(const float* query, const VectorSearchOptions& options, Scratch& scratch) const;
  [[nodiscard]] VectorHit descend(const float* query) const;
  [[nodiscard]] const float* vector(std::size_t i) const { return arrays_.vectors.data() + i * arrays_.stride; }

  VectorArrays arrays_;
  std::size_t n_ = 0;
  SquaredDistance distance_ = find_squared_distance();
};

/// Keeps `found` (a heap, farthest first) at the nearest `n`. True when the hit came in.
bool offer(std::vector<VectorHit>& found, std::size_t n, const VectorHit& hit);
/// Order of answers: nearer first, then the lower number.
inline bool nearer(const VectorHit& a, const VectorHit& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.item < b.item;
}

}  // namespace lodestone::models
