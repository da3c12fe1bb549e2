#include "models/recall/vector_index.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/key_order.hpp"

namespace lodestone::models {
namespace {

[[noreturn]] void bad(std::string_view name, std::string_view what) {
  fail(ErrorCode::kCorrupt, "{}: {}; roll back or publish again", name, what);
}

bool in_range(std::span<const std::int32_t> links, std::size_t n) {
  return std::all_of(links.begin(), links.end(),
                     [n](std::int32_t link) { return link >= -1 && (link < 0 || static_cast<std::size_t>(link) < n); });
}

/// Vectors of less than this lie in the caches of a processor and are walked as they are. Measured at two sizes only: 10,000 x 64 was a tenth
/// faster by floats, 100,000 x 128 1.6 times faster by codes.
constexpr std::size_t kCodedBytes = std::size_t{16} << 20U;
/// Codes whose distances between neighbours are farther off than this, in the mean, would cost answers.
constexpr double kMostCodeError = 0.02;
/// Vectors that a scan measures before it looks at the distances.
constexpr std::size_t kScanBlock = 256;
/// Above it the nearest nodes are kept in a heap: a sorted array moves half of them for each that comes in.
constexpr std::size_t kMostSorted = 1024;

bool farther(const VectorHit& a, const VectorHit& b) { return nearer(b, a); }

/// The nearest k of a scan: gathered as numbers, and cut to k whenever there are twice as many, which costs each a few comparisons where a heap
/// costs log k.
class NearestKeys {
 public:
  NearestKeys(std::size_t k, std::vector<std::uint64_t>& keys) : k_(k), keys_(keys) { keys_.clear(); }

  template <typename ItemOf>
  void add(std::size_t n, const float* distances, const ItemOf& item_of) {
    for (std::size_t i = 0; i < n; ++i) {
      if (distances[i] > reach_) continue;
      keys_.push_back(near_key(distances[i], static_cast<ItemIndex>(item_of(i))));
      if (keys_.size() == 2 * k_) cut();
    }
  }

 private:
  void cut() {
    select_largest(keys_, k_);
    keys_.resize(k_);
    reach_ = near_hit(*std::min_element(keys_.begin(), keys_.end())).distance;
  }

  std::size_t k_;
  std::vector<std::uint64_t>& keys_;
  float reach_ = std::numeric_limits<float>::infinity();
};

}  // namespace

std::string_view name_of(VectorDistance distance) {
  switch (distance) {
    case VectorDistance::kL2: return "l2";
    case VectorDistance::kCosine: return "cosine";
    case VectorDistance::kInnerProduct: return "ip";
  }
  return "";
}

std::size_t stride_of(VectorDistance distance, std::size_t dimension) {
  const std::size_t stored = dimension + (distance == VectorDistance::kInnerProduct ? 1 : 0);
  return (stored + kVectorLanes - 1) / kVectorLanes * kVectorLanes;
}

bool has_scan_codes(VectorDistance distance, std::size_t n, std::size_t stride) {
  return distance != VectorDistance::kL2 && n * stride * sizeof(float) < kCodedBytes;
}

bool is_walk_faster(std::size_t n, std::size_t allowed, std::size_t ef, bool has_codes) {
  const auto left = static_cast<double>(allowed);
  const auto all = static_cast<double>(n);
  const double wider = static_cast<double>(ef) / static_cast<double>(kScanEf);
  const double times = wider * std::sqrt(wider);
  if (has_codes && allowed >= n / kScanCodesShare) return left > static_cast<double>(kScanCodesItems) * times;
  return left * left > static_cast<double>(kScanItems) * times * all;
}

bool offer(std::vector<VectorHit>& found, std::size_t n, const VectorHit& hit) {
  if (found.size() < n) {
    found.push_back(hit);
    std::push_heap(found.begin(), found.end(), Nearer());
    return true;
  }
  if (n == 0 || !nearer(hit, found.front())) return false;
  std::pop_heap(found.begin(), found.end(), Nearer());
  found.back() = hit;
  std::push_heap(found.begin(), found.end(), Nearer());
  return true;
}

VectorIndex::VectorIndex(const VectorArrays& arrays, std::string_view name) : arrays_(arrays) {
  const std::size_t needed = arrays.dimension + (arrays.distance == VectorDistance::kInnerProduct ? 1 : 0);
  if (arrays.stride % kVectorLanes != 0 || arrays.stride < needed || arrays.dimension == 0)
    bad(name, "a vector has fewer floats than its dimension");
  if (arrays.vectors.size() % arrays.stride != 0) bad(name, "the vectors are cut short");
  n_ = arrays.vectors.size() / arrays.stride;
  ground_.vectors = arrays.vectors.data();
  ground_.stride = arrays.stride;
  ground_.n = n_;
  if (!std::all_of(arrays.vectors.begin(), arrays.vectors.end(), [](float v) { return std::isfinite(v); }))
    bad(name, "a vector is no number");
  // Under the inner product vectors have a coordinate behind their dimension that makes their lengths equal.
  if (has_scan_codes(arrays.distance, n_, arrays.stride)) {
    auto codes = std::make_shared<ScanCodes>(arrays.vectors, arrays.stride, arrays.dimension);
    if (!codes->empty()) scan_codes_ = std::move(codes);
  }
  if (arrays.m == 0 || n_ == 0) {
    arrays_.m = 0;
    return;
  }
  if (arrays.levels.size() != n_ || arrays.links.size() != n_ * 2 * arrays.m || arrays.upper_offsets.size() != n_ + 1)
    bad(name, "the graph is not that of the vectors");
  if (!in_range(arrays.links, n_) || !in_range(arrays.upper_links, n_)) bad(name, "a link leads beyond the vectors");
  if (arrays.upper_offsets.front() != 0 || arrays.upper_offsets.back() * arrays.m != arrays.upper_links.size())
    bad(name, "the upper levels are cut short");
  for (std::size_t i = 0; i < n_; ++i) {
    if (arrays.upper_offsets[i] + arrays.levels[i] != arrays.upper_offsets[i + 1])
      bad(name, "the upper levels do not fit the nodes");
  }
  // A link of an upper level leads to a node that reaches it, or a walk would leave that node's rows.
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t row = arrays.upper_offsets[i]; row < arrays.upper_offsets[i + 1]; ++row) {
      const std::size_t level = row - arrays.upper_offsets[i] + 1;
      for (const std::int32_t link : arrays.upper_links.subspan(row * arrays.m, arrays.m)) {
        if (link >= 0 && arrays.levels[static_cast<std::size_t>(link)] < level)
          bad(name, "a link leads to a node that is not on its level");
      }
    }
  }
  if (arrays.entry < 0 || static_cast<std::size_t>(arrays.entry) >= n_) bad(name, "the entry is no node");
  if (arrays.vectors.size_bytes() < kCodedBytes) return;
  auto codes = std::make_shared<VectorCodes>(arrays.vectors, arrays.stride);
  if (codes->empty() || codes->link_error(arrays.vectors, arrays.stride, arrays.links, 2 * arrays.m) > kMostCodeError) return;
  ground_.codes = codes->rows();
  ground_.row_bytes = codes->row_bytes();
  codes_ = std::move(codes);
}

void VectorIndex::prepare(std::span<const float> query, std::vector<float>& out) const {
  LODESTONE_ASSERT(query.size() == arrays_.dimension, "query of {} dimensions, the index has {}", query.size(),
                   arrays_.dimension);
  out.assign(arrays_.stride, 0);
  std::copy(query.begin(), query.end(), out.begin());
  if (arrays_.distance == VectorDistance::kL2) return;
  // Under cosine and inner product a query's length changes no order. Length 1 keeps distances in one range.
  double squares = 0;
  for (const float v : query) squares += static_cast<double>(v) * static_cast<double>(v);
  if (!(squares > 0) || arrays_.distance == VectorDistance::kInnerProduct) return;
  const double scale = 1 / std::sqrt(squares);
  for (float& v : out) v = static_cast<float>(static_cast<double>(v) * scale);
}

VectorSearchWay VectorIndex::way_of(const VectorSearchOptions& options) const {
  if (arrays_.m == 0) return VectorSearchWay::kScan;
  if (options.way != VectorSearchWay::kAuto) return options.way;
  const std::size_t allowed = options.allowed == nullptr ? n_ : options.allowed->count;
  const bool walks = is_walk_faster(n_, allowed, std::max(options.ef, options.k), scan_codes_ != nullptr);
  return walks ? VectorSearchWay::kGraph : VectorSearchWay::kScan;
}

void VectorIndex::search(std::span<const float> query, const VectorSearchOptions& options, Scratch& scratch,
                         std::vector<VectorHit>& out) const {
  out.clear();
  if (options.k == 0 || n_ == 0) return;
  prepare(query, scratch.query);
  if (way_of(options) == VectorSearchWay::kGraph) {
    scratch.found.clear();
    walk(options, scratch);
    scratch.keys.clear();
    for (const VectorHit& hit : scratch.found) scratch.keys.push_back(near_key(hit.distance, hit.item));
  } else {
    scan(scratch.query.data(), options, scratch);
  }
  const std::size_t n = std::min(options.k, scratch.keys.size());
  select_largest(scratch.keys, n);
  const auto nearest = std::span(scratch.keys).first(n);
  sort_largest_first(nearest);
  for (const std::uint64_t key : nearest) out.push_back(near_hit(key));
}

void VectorIndex::scan(const float* query, const VectorSearchOptions& options, Scratch& scratch) const {
  float distances[kScanBlock];
  std::int32_t rows[kScanBlock] = {};
  NearestKeys nearest(options.k, scratch.keys);
  const std::size_t n_allowed = options.allowed == nullptr ? n_ : options.allowed->count;
  if (scan_codes_ != nullptr && options.k < n_allowed && n_allowed >= n_ / kScanCodesShare) {
    const auto allowed = options.allowed == nullptr ? std::span<const std::uint64_t>() : options.allowed->bits;
    const auto found = scan_codes_->candidates(std::span(query, arrays_.stride), options.k, allowed, scratch.scan);
    for (std::size_t begin = 0; begin < found.size(); begin += kScanBlock) {
      const auto block = found.subspan(begin, std::min(kScanBlock, found.size() - begin));
      ground_.kernels.distances(query, ground_.vectors, arrays_.stride, block.data(), block.size(), distances);
      nearest.add(block.size(), distances, [block](std::size_t k) { return block[k]; });
    }
    return;
  }
  if (options.allowed == nullptr) {
    for (std::size_t begin = 0; begin < n_; begin += kScanBlock) {
      const std::size_t n = std::min(kScanBlock, n_ - begin);
      ground_.kernels.distances(query, ground_.vector(begin), arrays_.stride, nullptr, n, distances);
      nearest.add(n, distances, [begin](std::size_t k) { return begin + k; });
    }
    return;
  }
  std::size_t n = 0;
  const auto measure = [&] {
    ground_.kernels.distances(query, ground_.vectors, arrays_.stride, rows, n, distances);
    nearest.add(n, distances, [&rows](std::size_t k) { return rows[k]; });
    n = 0;
  };
  for (std::size_t word = 0; word * 64 < n_; ++word) {
    for (std::uint64_t bits = options.allowed->bits[word]; bits != 0; bits &= bits - 1) {
      const std::size_t item = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (item >= n_) break;
      rows[n++] = static_cast<std::int32_t>(item);
      if (n == kScanBlock) measure();
    }
  }
  measure();
}

VectorHit VectorIndex::descend(const float* query, WalkScratch& scratch) const {
  VectorHit best{arrays_.entry, 0};
  ground_.measure(query, {&best.item, 1}, &best.distance);
  for (std::size_t level = arrays_.levels[static_cast<std::size_t>(best.item)]; level > 0; --level) {
    walk_down(ground_, query, best, scratch, [&](std::size_t node) {
      return filled(arrays_.upper_links.subspan((arrays_.upper_offsets[node] + level - 1) * arrays_.m, arrays_.m));
    });
  }
  return best;
}

void VectorIndex::walk(const VectorSearchOptions& options, Scratch& scratch) const {
  const std::size_t ef = std::max(options.ef, options.k);
  const float* query = scratch.query.data();
  if (codes_ != nullptr) {
    scratch.coded_query = scratch.query;
    codes_->scale(scratch.coded_query);
    query = scratch.coded_query.data();
  }
  const VectorHit start = descend(query, scratch.walk);
  scratch.walk.visited.reset(n_);
  if (options.allowed != nullptr || ef > kMostSorted) {
    walk_filtered(query, start, ef, options.allowed, scratch);
  } else {
    walk_near(
        ground_, query, start, ef, scratch.walk, [this](std::size_t node) { return links_of(node); },
        [this](std::size_t node) {
          const std::int32_t* links = arrays_.links.data() + node * 2 * arrays_.m;
          for (std::size_t k = 0; k < 2 * arrays_.m; k += kVectorLanes) __builtin_prefetch(links + k);
        });
    scratch.walk.nearest.copy_to(scratch.found);
  }
  if (codes_ != nullptr) measure_found(scratch);
}

void VectorIndex::measure_found(Scratch& scratch) const {
  WalkScratch& w = scratch.walk;
  w.fresh.clear();
  for (const VectorHit& hit : scratch.found) w.fresh.push_back(hit.item);
  w.distances.resize(std::max(w.distances.size(), w.fresh.size()));
  ground_.kernels.distances(scratch.query.data(), ground_.vectors, arrays_.stride, w.fresh.data(), w.fresh.size(),
                            w.distances.data());
  for (std::size_t k = 0; k < w.fresh.size(); ++k) scratch.found[k].distance = w.distances[k];
}

void VectorIndex::walk_filtered(const float* query, const VectorHit& start, std::size_t ef, const AllowedItems* allowed,
                                Scratch& scratch) const {
  // Nodes that a filter forbids are walked through and not kept, so the way is bounded by the nodes seen, not by the nodes found.
  float reach = std::numeric_limits<float>::infinity();
  const auto take = [&](const VectorHit& hit) {
    if (allowed == nullptr || allowed->contains(static_cast<std::size_t>(hit.item))) {
      offer(scratch.found, ef, hit);
      if (scratch.found.size() == ef) reach = scratch.found.front().distance;
    }
    scratch.open.push_back(hit);
    std::push_heap(scratch.open.begin(), scratch.open.end(), farther);
  };
  WalkScratch& w = scratch.walk;
  scratch.open.clear();
  w.visited.add(start.item);
  take(start);
  while (!scratch.open.empty() && scratch.open.front().distance <= reach) {
    const auto node = static_cast<std::size_t>(scratch.open.front().item);
    std::pop_heap(scratch.open.begin(), scratch.open.end(), farther);
    scratch.open.pop_back();
    w.measure_fresh(ground_, query, links_of(node));
    for (std::size_t k = 0; k < w.fresh.size(); ++k) {
      if (w.distances[k] <= reach) take({w.fresh[k], w.distances[k]});
    }
  }
}

}  // namespace lodestone::models
