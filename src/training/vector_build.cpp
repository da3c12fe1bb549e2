#include "training/vector_build.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <thread>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "base/thread_pool.hpp"

namespace lodestone::training {
namespace {

using models::VectorHit;
using models::walk_down;
using models::walk_near;

constexpr std::size_t kMaxDimension = 65'536;
constexpr std::size_t kMaxLevel = 32;
constexpr std::size_t kBlock = 16;
/// Distances that differ by rounding alone count as equal where links are chosen.
constexpr float kTie = 0.99999F;
/// Copies of a direction that were scaled to length 1 differ by half a unit in the last place of each coordinate, 6e-8 of it.
constexpr float kCosineCopy = 1e-13F;
/// Longest vector: the square of twice the length must be a float.
constexpr double kMostLength = 9e18;

/// One byte a node: it is held for the time of copying or writing a few dozen links.
class NodeLocks {
 public:
  explicit NodeLocks(std::size_t n) : flags_(n) {}
  void lock(std::size_t i) {
    while (flags_[i].test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock(std::size_t i) { flags_[i].clear(std::memory_order_release); }

 private:
  std::vector<std::atomic_flag> flags_;
};

/// What one thread needs to place a node.
struct Workspace {
  models::WalkScratch walk;
  std::vector<VectorHit> rivals;
  std::vector<VectorHit> candidates;
  std::vector<std::int32_t> links;
  std::vector<std::vector<std::int32_t>> chosen;  ///< by level
};

class Builder {
 public:
  Builder(models::OwnedVectorIndex& index, const VectorIndexOptions& options)
      : index_(index), options_(options), n_(index.levels.size()), locks_(n_) {
    ground_.vectors = index.vectors.data();
    ground_.stride = index.stride;
    ground_.n = n_;
    copy_distance_ = index.distance == models::VectorDistance::kCosine ? kCosineCopy : 0;
  }

  void run() {
    index_.entry = 0;
    const auto threads = static_cast<std::size_t>(options_.threads > 0 ? options_.threads : usable_cores());
    std::vector<Workspace> spaces(threads);
    parallel_for(n_ - 1, kBlock, static_cast<int>(threads), [&](std::size_t begin, std::size_t end, int thread) {
      for (std::size_t i = begin; i < end; ++i) insert(i + 1, spaces[static_cast<std::size_t>(thread)]);
    });
  }

 private:
  [[nodiscard]] float between(std::size_t a, std::size_t b) const {
    return ground_.kernels.distance(ground_.vector(a), ground_.vector(b), index_.stride);
  }
  [[nodiscard]] std::size_t width(std::size_t level) const { return level == 0 ? 2 * index_.m : index_.m; }

  [[nodiscard]] std::span<std::int32_t> links_of(std::size_t node, std::size_t level) {
    if (level == 0) return std::span(index_.links).subspan(node * 2 * index_.m, 2 * index_.m);
    return std::span(index_.upper_links).subspan((index_.upper_offsets[node] + level - 1) * index_.m, index_.m);
  }

  /// A copy, as others write meanwhile.
  void copy_links(std::size_t node, std::size_t level, std::vector<std::int32_t>& out) {
    const std::span<std::int32_t> links = links_of(node, level);
    out.clear();
    locks_.lock(node);
    for (const std::int32_t link : links) {
      if (link < 0) break;
      out.push_back(link);
    }
    locks_.unlock(node);
  }

  void insert(std::size_t node, Workspace& w) {
    const std::size_t level = index_.levels[node];
    // A node that raises the top holds the entry until it is linked; the others only read it.
    std::unique_lock<std::mutex> top(entry_mutex_);
    const auto entry = static_cast<std::size_t>(index_.entry);
    const std::size_t top_level = index_.levels[entry];
    if (level <= top_level) top.unlock();
    VectorHit best{static_cast<ItemIndex>(entry), between(node, entry)};
    for (std::size_t l = top_level; l > level; --l)
      walk_down(ground_, ground_.vector(node), best, w.walk, [&](std::size_t at) { return copied_links(at, l, w); });
    // Nobody may come upon a node that lacks its own links on a lower level: a walk would end there. So links to it come after all
    // from it.
    const std::size_t n_levels = std::min(level, top_level) + 1;
    if (w.chosen.size() < n_levels) w.chosen.resize(n_levels);
    for (std::size_t l = n_levels; l-- > 0;) {
      collect(node, l, best, w);
      best = w.candidates.front();
      choose(w.candidates, index_.m, w.chosen[l]);
      locks_.lock(node);
      std::copy(w.chosen[l].begin(), w.chosen[l].end(), links_of(node, l).begin());
      locks_.unlock(node);
    }
    for (std::size_t l = n_levels; l-- > 0;) link_back(node, l, w);
    if (level > top_level) index_.entry = static_cast<std::int32_t>(node);
  }

  std::span<const std::int32_t> copied_links(std::size_t node, std::size_t level, Workspace& w) {
    copy_links(node, level, w.links);
    return w.links;
  }

  /// The ef_construction nearest nodes of a level that a walk from `start` finds, nearest first.
  void collect(std::size_t node, std::size_t level, const VectorHit& start, Workspace& w) {
    w.walk.visited.reset(n_);
    w.walk.visited.add(static_cast<std::int32_t>(node));
    walk_near(
        ground_, ground_.vector(node), start, options_.ef_construction, w.walk,
        [&](std::size_t at) { return copied_links(at, level, w); },
        [&](std::size_t at) { __builtin_prefetch(links_of(at, level).data()); });
    w.walk.nearest.copy_to(w.candidates);
  }

  /// Algorithm 4 of the paper: a candidate is taken if it is nearer to the node than to any that was taken, so that links lead in different
  /// directions. `candidates` nearest first. Of copies of the node at most half the places: a group of more copies than there are places would
  /// else lead nowhere but to itself.
  void choose(const std::vector<VectorHit>& candidates, std::size_t n, std::vector<std::int32_t>& chosen) const {
    chosen.clear();
    for (const VectorHit& candidate : candidates) {
      if (chosen.size() == n) return;
      if (candidate.distance <= copy_distance_ && chosen.size() >= n / 2) continue;
      const float least = kTie * candidate.distance;
      const bool apart = std::all_of(chosen.begin(), chosen.end(), [&](std::int32_t other) {
        return between(static_cast<std::size_t>(candidate.item), static_cast<std::size_t>(other)) >= least;
      });
      if (apart) chosen.push_back(candidate.item);
    }
  }

  /// Links the nodes that were chosen on a level to the node; a list that is full is chosen anew.
  void link_back(std::size_t node, std::size_t level, Workspace& w) {
    for (const std::int32_t other : w.chosen[level]) {
      const auto o = static_cast<std::size_t>(other);
      const std::span<std::int32_t> links = links_of(o, level);
      locks_.lock(o);
      const auto free = std::find(links.begin(), links.end(), -1);
      if (free != links.end()) {
        *free = static_cast<std::int32_t>(node);
      } else {
        w.rivals.clear();
        w.rivals.push_back({static_cast<ItemIndex>(node), between(o, node)});
        for (const std::int32_t l : links) w.rivals.push_back({l, between(o, static_cast<std::size_t>(l))});
        std::sort(w.rivals.begin(), w.rivals.end(), models::nearer);
        choose(w.rivals, width(level), w.links);
        std::fill(links.begin(), links.end(), -1);
        std::copy(w.links.begin(), w.links.end(), links.begin());
      }
      locks_.unlock(o);
    }
  }

  models::OwnedVectorIndex& index_;
  const VectorIndexOptions& options_;
  std::size_t n_;
  NodeLocks locks_;
  std::mutex entry_mutex_;
  models::WalkGround ground_;
  float copy_distance_ = 0;
};

/// Levels by the exponential law of the paper, 1 / ln(m) a level.
void draw_levels(models::OwnedVectorIndex& index, std::size_t n, std::uint64_t seed) {
  const double scale = 1 / std::log(static_cast<double>(std::max<std::size_t>(2, index.m)));
  index.levels.resize(n);
  index.upper_offsets.assign(n + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    Rng rng(seed, i);
    const double level = -std::log(1 - rng.uniform()) * scale;
    index.levels[i] = static_cast<std::uint8_t>(std::min(static_cast<double>(kMaxLevel), level));
    index.upper_offsets[i + 1] = index.upper_offsets[i] + index.levels[i];
  }
  index.links.assign(n * 2 * index.m, -1);
  index.upper_links.assign(index.upper_offsets.back() * index.m, -1);
}

void store_vectors(models::OwnedVectorIndex& index, std::span<const float> vectors, std::size_t n) {
  const std::size_t d = index.dimension;
  index.vectors.assign(n * index.stride, 0);
  std::vector<double> squares(n, 0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < d; ++j) {
      const float v = vectors[i * d + j];
      if (!std::isfinite(v))
        fail(ErrorCode::kInvalidArgument, "vector {} has the value {} at {}, expected a finite number; check what made it", i, v,
             j);
      squares[i] += static_cast<double>(v) * static_cast<double>(v);
      index.vectors[i * index.stride + j] = v;
    }
    if (index.distance != models::VectorDistance::kCosine && std::sqrt(squares[i]) > kMostLength)
      fail(ErrorCode::kInvalidArgument,
           "vector {} has the length {:.3g}, expected at most {:.0e}, or its distances are no numbers; divide all vectors by one "
           "number",
           i, std::sqrt(squares[i]), kMostLength);
  }
  if (index.distance == models::VectorDistance::kCosine) {
    for (std::size_t i = 0; i < n; ++i) {
      if (squares[i] == 0) continue;
      const double scale = 1 / std::sqrt(squares[i]);
      for (std::size_t j = 0; j < d; ++j) {
        float& v = index.vectors[i * index.stride + j];
        v = static_cast<float>(static_cast<double>(v) * scale);
      }
    }
  } else if (index.distance == models::VectorDistance::kInnerProduct) {
    const double largest = n == 0 ? 0 : *std::max_element(squares.begin(), squares.end());
    for (std::size_t i = 0; i < n; ++i) index.vectors[i * index.stride + d] = static_cast<float>(std::sqrt(largest - squares[i]));
  }
}

}  // namespace

models::OwnedVectorIndex build_vector_index(std::span<const float> vectors, std::size_t dimension,
                                            models::VectorDistance distance, const VectorIndexOptions& options) {
  if (dimension == 0 || dimension > kMaxDimension)
    fail(ErrorCode::kInvalidArgument, "vectors of {} dimensions, expected 1 to {}", dimension, kMaxDimension);
  if (vectors.size() % dimension != 0)
    fail(ErrorCode::kInvalidArgument, "{} values are no whole number of vectors of {} dimensions", vectors.size(), dimension);
  const std::size_t n = vectors.size() / dimension;
  models::OwnedVectorIndex index;
  index.distance = distance;
  index.dimension = dimension;
  index.stride = models::stride_of(distance, dimension);
  index.m = n > 0 ? options.m : 0;
  index.ef_construction = std::max(options.ef_construction, options.m);
  store_vectors(index, vectors, n);
  if (index.m == 0) return index;
  VectorIndexOptions used = options;
  used.ef_construction = index.ef_construction;
  draw_levels(index, n, options.seed);
  if (n == 1) {
    index.entry = 0;
    return index;
  }
  Builder(index, used).run();
  return index;
}

}  // namespace lodestone::training
