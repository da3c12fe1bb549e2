#include "models/recall/vector_index.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace lodestone::models {
namespace {

[[noreturn]] void bad(std::string_view name, std::string_view what) {
  fail(ErrorCode::kCorrupt, "{}: {}; roll back or publish again", name, what);
}

bool in_range(std::span<const std::int32_t> links, std::size_t n) {
  return std::all_of(links.begin(), links.end(),
                     [n](std::int32_t link) { return link >= -1 && (link < 0 || static_cast<std::size_t>(link) < n); });
}

bool farther(const VectorHit& a, const VectorHit& b) { return nearer(b, a); }

}  // namespace

std::string_view name_of(VectorDistance distance) {
  switch (distance) {
    case VectorDistance::kL2: return "l2";
    case VectorDistance::kCosine: return "cosine";
    case VectorDistance::kInnerProduct: return "ip";
  }
  return "";
}

bool offer(std::vector<VectorHit>& found, std::size_t n, const VectorHit& hit) {
  if (found.size() < n) {
    found.push_back(hit);
    std::push_heap(found.begin(), found.end(), nearer);
    return true;
  }
  if (n == 0 || !nearer(hit, found.front())) return false;
  std::pop_heap(found.begin(), found.end(), nearer);
  found.back() = hit;
  std::push_heap(found.begin(), found.end(), nearer);
  return true;
}

VectorIndex::VectorIndex(const VectorArrays& arrays, std::string_view name) : arrays_(arrays) {
  const std::size_t needed = arrays.dimension + (arrays.distance == VectorDistance::kInnerProduct ? 1 : 0);
  if (arrays.stride % kVectorLanes != 0 || arrays.stride < needed || arrays.dimension == 0)
    bad(name, "a vector has fewer floats than its dimension");
  if (arrays.vectors.size() % arrays.stride != 0) bad(name, "the vectors are cut short");
  n_ = arrays.vectors.size() / arrays.stride;
  if (!std::all_of(arrays.vectors.begin(), arrays.vectors.end(), [](float v) { return std::isfinite(v); }))
    bad(name, "a vector is no number");
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
  const auto scale = static_cast<float>(1 / std::sqrt(squares));
  for (float& v : out) v *= scale;
}

void VectorIndex::search(std::span<const float> query, const VectorSearchOptions& options, Scratch& scratch,
                         std::vector<VectorHit>& out) const {
  out.clear();
  if (options.k == 0 || n_ == 0) return;
  prepare(query, scratch.query);
  scratch.found.clear();
  bool graph = options.way == VectorSearchWay::kGraph;
  if (options.way == VectorSearchWay::kAuto) {
    const bool few =
        options.allowed != nullptr && static_cast<double>(options.allowed->count) < kScanShare * static_cast<double>(n_);
    graph = n_ >= kScanItems && !few;
  }
  if (graph && arrays_.m > 0) {
    walk(scratch.query.data(), options, scratch);
  } else {
    scan(scratch.query.data(), options, scratch);
  }
  std::sort(scratch.found.begin(), scratch.found.end(), nearer);
  const std::size_t n = std::min(options.k, scratch.found.size());
  out.assign(scratch.found.begin(), scratch.found.begin() + static_cast<std::ptrdiff_t>(n));
}

void VectorIndex::scan(const float* query, const VectorSearchOptions& options, Scratch& scratch) const {
  for (std::size_t i = 0; i < n_; ++i) {
    if (options.allowed != nullptr && !options.allowed->contains(i)) continue;
    offer(scratch.found, options.k, {static_cast<ItemIndex>(i), distance_(query, vector(i), arrays_.stride)});
  }
}

VectorHit VectorIndex::descend(const float* query) const {
  auto at = static_cast<std::size_t>(arrays_.entry);
  VectorHit best{arrays_.entry, distance_(query, vector(at), arrays_.stride)};
  for (std::size_t level = arrays_.levels[at]; level > 0; --level) {
    for (bool moved = true; moved;) {
      moved = false;
      const std::size_t row = arrays_.upper_offsets[static_cast<std::size_t>(best.item)] + level - 1;
      for (const std::int32_t link : arrays_.upper_links.subspan(row * arrays_.m, arrays_.m)) {
        if (link < 0) break;
        const VectorHit next{link, distance_(query, vector(static_cast<std::size_t>(link)), arrays_.stride)};
        if (!nearer(next, best)) continue;
        best = next;
        moved = true;
      }
    }
  }
  return best;
}

void VectorIndex::walk(const float* query, const VectorSearchOptions& options, Scratch& scratch) const {
  const std::size_t ef = std::max(options.ef, options.k);
  scratch.visited.resize(std::max(scratch.visited.size(), n_), 0);
  if (++scratch.search == 0) {  // the numbers have gone round
    std::fill(scratch.visited.begin(), scratch.visited.end(), 0U);
    scratch.search = 1;
  }
  // Nodes that a filter forbids are walked through and not kept, so the way is bounded by the nodes seen, not by the nodes found.
  float reach = std::numeric_limits<float>::infinity();
  const auto take = [&](const VectorHit& hit) {
    if (options.allowed == nullptr || options.allowed->contains(static_cast<std::size_t>(hit.item))) {
      offer(scratch.found, ef, hit);
      if (scratch.found.size() == ef) reach = scratch.found.front().distance;
    }
    scratch.open.push_back(hit);
    std::push_heap(scratch.open.begin(), scratch.open.end(), farther);
  };
  const VectorHit start = descend(query);
  scratch.open.clear();
  scratch.visited[static_cast<std::size_t>(start.item)] = scratch.search;
  take(start);
  const std::size_t width = 2 * arrays_.m;
  while (!scratch.open.empty() && scratch.open.front().distance <= reach) {
    const auto node = static_cast<std::size_t>(scratch.open.front().item);
    std::pop_heap(scratch.open.begin(), scratch.open.end(), farther);
    scratch.open.pop_back();
    const std::int32_t* links = arrays_.links.data() + node * width;
    std::size_t n_links = 0;
    while (n_links < width && links[n_links] >= 0) ++n_links;
    for (std::size_t k = 0; k < n_links; ++k) __builtin_prefetch(scratch.visited.data() + links[k]);
    for (std::size_t k = 0; k < n_links; ++k) {
      const auto link = static_cast<std::size_t>(links[k]);
      if (k + 1 < n_links) {
        const float* next = vector(static_cast<std::size_t>(links[k + 1]));
        for (std::size_t line = 0; line < arrays_.stride; line += kVectorLanes) __builtin_prefetch(next + line);
      }
      if (scratch.visited[link] == scratch.search) continue;
      scratch.visited[link] = scratch.search;
      const float distance = distance_(query, vector(link), arrays_.stride);
      if (distance <= reach) take({links[k], distance});
    }
  }
}

}  // namespace lodestone::models
