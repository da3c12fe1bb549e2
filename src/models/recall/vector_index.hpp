#pragma once
// Nearest vectors: a graph of small worlds (HNSW: Malkov and Yashunin, IEEE TPAMI 2018) and a scan over all, whichever is faster for the size
// of the index and for what a filter leaves. Everything is squared L2 inside: cosine on vectors of length 1, inner product by one more
// coordinate sqrt(max |x|^2 - |x|^2), 0 in the query (Bachrach et al., RecSys 2014), because a graph over raw inner products loses
// answers where norms differ widely.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "models/recall/scan_codes.hpp"
#include "models/recall/vector_codes.hpp"
#include "models/recall/vector_kernels.hpp"
#include "models/recall/vector_walk.hpp"

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

/// Bit i of word i / 64 set = item i may be found. `count` = bits set.
struct AllowedItems {
  std::span<const std::uint64_t> bits;
  std::size_t count = 0;
  [[nodiscard]] bool contains(std::size_t item) const { return (bits[item / 64] >> item % 64 & 1U) != 0; }
};

/// kAuto: whichever is faster.
enum class VectorSearchWay : std::uint8_t { kAuto, kScan, kGraph };

/// Floats of a stored vector: under the inner product one more than its dimension, rounded up to kVectorLanes.
std::size_t stride_of(VectorDistance distance, std::size_t dimension);
/// Whether an index of n vectors has ScanCodes, on a processor that can use them: under L2 lengths differ, and of what does not fit the caches a scan is
/// slow either way.
bool has_scan_codes(VectorDistance distance, std::size_t n, std::size_t stride);
/// ScanCodes look at every item, which pays where a filter leaves at least one in so many.
inline constexpr std::size_t kScanCodesShare = 4;

/// Sizes at which a scan takes as long as a walk at ef 64, by floats and by ScanCodes (`./run bench vectors`: k 50, one thread, in the caches).
inline constexpr std::size_t kScanItems = 3'000;
inline constexpr std::size_t kScanCodesItems = 10'000;
inline constexpr std::size_t kScanEf = 64;
/// A scan by floats takes time by the number `allowed` of items that a filter leaves, one by codes by n; a walk by n / allowed, as it goes through what is
/// forbidden too, by ef, and slowly by n. So they meet where allowed^2 / n = kScanItems (ef / kScanEf)^1.5, and with codes where allowed =
/// kScanCodesItems (ef / kScanEf)^1.5; without a filter allowed is n. The bench's rows by share and at ef 256 bear it out. The scan, being exact, has a tie.
bool is_walk_faster(std::size_t n, std::size_t allowed, std::size_t ef, bool has_codes);

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
    std::vector<float> coded_query;
    WalkScratch walk;
    std::vector<VectorHit> open;      ///< heap, nearest first
    std::vector<VectorHit> found;     ///< of a walk a heap, farthest first
    std::vector<std::uint64_t> keys;  ///< near_key()s of what was found
    ScanCodes::Scratch scan;
  };

  VectorIndex() = default;
  /// Throws corrupt, naming `name`, when the arrays do not fit each other, so that no search leaves them. Cost linear.
  /// A graph gets codes of its vectors, n * stride bytes, unless they are too coarse for how near its nodes lie.
  VectorIndex(const VectorArrays& arrays, std::string_view name);

  [[nodiscard]] std::size_t size() const { return n_; }
  [[nodiscard]] const VectorArrays& arrays() const { return arrays_; }

  /// Replaces `out` by the nearest allowed items, nearest first, of equal ones the lower number. `query` has the given dimension and is finite;
  /// a query of length 0 under cosine is as far from everything. A filter never makes the list shorter than what is allowed under a
  /// scan; a graph search may then miss some.
  void search(std::span<const float> query, const VectorSearchOptions& options, Scratch& scratch,
              std::vector<VectorHit>& out) const;

 private:
  /// The way that a search takes: kScan or kGraph.
  [[nodiscard]] VectorSearchWay way_of(const VectorSearchOptions& options) const;
  void prepare(std::span<const float> query, std::vector<float>& out) const;
  void scan(const float* query, const VectorSearchOptions& options, Scratch& scratch) const;
  void walk(const VectorSearchOptions& options, Scratch& scratch) const;
  void measure_found(Scratch& scratch) const;
  void walk_filtered(const float* query, const VectorHit& start, std::size_t ef, const AllowedItems* allowed,
                     Scratch& scratch) const;
  [[nodiscard]] VectorHit descend(const float* query, WalkScratch& scratch) const;
  [[nodiscard]] std::span<const std::int32_t> links_of(std::size_t node) const {
    return filled(arrays_.links.subspan(node * 2 * arrays_.m, 2 * arrays_.m));
  }

  VectorArrays arrays_;
  std::size_t n_ = 0;
  std::shared_ptr<const VectorCodes> codes_;  ///< shared by copies of the index
  std::shared_ptr<const ScanCodes> scan_codes_;
  WalkGround ground_;
};

/// Keeps `found` (a heap, farthest first) at the nearest `n`. True when the hit came in.
bool offer(std::vector<VectorHit>& found, std::size_t n, const VectorHit& hit);

}  // namespace lodestone::models
