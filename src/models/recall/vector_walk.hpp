#pragma once
// The walk through a graph of vectors that search and building share: from a node to the nearest of its neighbours, until the nearest
// `ef` nodes that were seen have all been left.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "models/recall/vector_kernels.hpp"

namespace lodestone::models {

struct VectorHit {
  ItemIndex item = 0;
  float distance = 0;  ///< squared, of the form that is stored
  friend bool operator==(const VectorHit&, const VectorHit&) = default;
};
/// Order of answers: nearer first, then the lower number.
inline bool nearer(const VectorHit& a, const VectorHit& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.item < b.item;
}
/// The same for algorithms, which call a function by its address and inline this.
struct Nearer {
  bool operator()(const VectorHit& a, const VectorHit& b) const { return nearer(a, b); }
};
/// And as a number, larger for the nearer of two: squares have no sign, and the bits of such floats rise with their value.
inline std::uint64_t near_key(float distance, ItemIndex item) {
  return ~(std::uint64_t{std::bit_cast<std::uint32_t>(distance)} << 32U | static_cast<std::uint32_t>(item));
}
inline VectorHit near_hit(std::uint64_t key) {
  return {static_cast<ItemIndex>(~key & UINT32_MAX), std::bit_cast<float>(static_cast<std::uint32_t>(~key >> 32U))};
}

/// A set of node numbers: a bit a node, so that it stays in the nearest cache, and emptied in the time that filling it took.
class VisitedNodes {
 public:
  /// Empties it, for numbers below n.
  void reset(std::size_t n) {
    for (const std::int32_t node : nodes_) words_[static_cast<std::size_t>(node) / 64] = 0;
    nodes_.clear();
    words_.resize(std::max(words_.size(), (n + 63) / 64), 0);
  }
  /// True when it was not there.
  bool add(std::int32_t node) {
    std::uint64_t& word = words_[static_cast<std::size_t>(node) / 64];
    const std::uint64_t bit = std::uint64_t{1} << static_cast<std::uint32_t>(node) % 64;
    if ((word & bit) != 0) return false;
    word |= bit;
    nodes_.push_back(node);
    return true;
  }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<std::int32_t> nodes_;
};

/// The nearest n nodes in order, each with a mark once it was left. A sorted array, not two heaps: n is small, and moving a few hundred bytes costs
/// less than the mispredicted steps of a heap.
class NearestNodes {
 public:
  void reset(std::size_t n) {
    hits_.clear();
    hits_.reserve(n);
    n_ = n;
    next_ = 0;
  }
  /// A node at this distance or farther need not be offered.
  [[nodiscard]] float reach() const { return hits_.size() < n_ ? std::numeric_limits<float>::infinity() : hits_.back().distance; }
  /// Takes the hit in its place, the farthest falls out. True when it is now the next one to be left.
  bool offer(const VectorHit& hit) {
    const auto at = std::upper_bound(hits_.begin(), hits_.end(), hit, [](const VectorHit& a, const VectorHit& b) {
      return a.distance != b.distance ? a.distance < b.distance : a.item < number(b);
    });
    if (hits_.size() == n_) {
      if (at == hits_.end()) return false;
      std::move_backward(at, hits_.end() - 1, hits_.end());
      *at = hit;
    } else {
      hits_.insert(at, hit);
    }
    const auto place = static_cast<std::size_t>(at - hits_.begin());
    if (place > next_) return false;
    next_ = place;
    return true;
  }
  /// The nearest node that was not left yet, which is left by this; -1 when there is none.
  std::int32_t leave_next() {
    if (next_ == hits_.size()) return -1;
    const std::int32_t node = hits_[next_].item;
    hits_[next_].item = ~node;
    while (next_ < hits_.size() && hits_[next_].item < 0) ++next_;
    return node;
  }
  /// Replaces `out`, nearest first.
  void copy_to(std::vector<VectorHit>& out) const {
    out.assign(hits_.begin(), hits_.end());
    for (VectorHit& hit : out) hit.item = number(hit);
  }

 private:
  /// One that was left is kept as ~number.
  static ItemIndex number(const VectorHit& hit) { return hit.item < 0 ? ~hit.item : hit.item; }

  std::vector<VectorHit> hits_;
  std::size_t n_ = 0;
  std::size_t next_ = 0;  ///< the first that was not left, or the size
};

/// What a walk measures by: stored vectors [n, stride], or where there are codes of them (vector_codes.hpp) by those, with a query of their scale.
struct WalkGround {
  const float* vectors = nullptr;
  std::size_t stride = 0;
  std::size_t n = 0;
  const std::int8_t* codes = nullptr;
  std::size_t row_bytes = 0;
  VectorKernels kernels = find_vector_kernels();

  [[nodiscard]] const float* vector(std::size_t i) const { return vectors + i * stride; }
  void measure(const float* query, std::span<const std::int32_t> nodes, float* out) const {
    if (codes != nullptr) {
      kernels.code_distances(query, codes, row_bytes, stride, nodes.data(), nodes.size(), out);
    } else {
      kernels.distances(query, vectors, stride, nodes.data(), nodes.size(), out);
    }
  }
};

/// Memory of a walk, kept between walks.
struct WalkScratch {
  VisitedNodes visited;
  NearestNodes nearest;
  std::vector<std::int32_t> fresh;
  std::vector<float> distances;

  /// Sets `fresh` to those of `links` that were not visited, and `distances` to theirs from the query.
  void measure_fresh(const WalkGround& ground, const float* query, std::span<const std::int32_t> links) {
    fresh.clear();
    for (const std::int32_t link : links) {
      if (visited.add(link)) fresh.push_back(link);
    }
    measure(ground, query, fresh);
  }
  void measure(const WalkGround& ground, const float* query, std::span<const std::int32_t> nodes) {
    distances.resize(std::max(distances.size(), nodes.size()));
    ground.measure(query, nodes, distances.data());
  }
};

/// The links of a row before the first -1.
inline std::span<const std::int32_t> filled(std::span<const std::int32_t> row) {
  return row.first(static_cast<std::size_t>(std::find(row.begin(), row.end(), -1) - row.begin()));
}

/// Moves `best` to the nearest of its links as long as one is nearer. `links_of(node)` gives a span that holds until the next call.
template <typename LinksOf>
void walk_down(const WalkGround& ground, const float* query, VectorHit& best, WalkScratch& scratch, LinksOf links_of) {
  for (bool moved = true; moved;) {
    moved = false;
    const std::span<const std::int32_t> links = links_of(static_cast<std::size_t>(best.item));
    scratch.measure(ground, query, links);
    for (std::size_t k = 0; k < links.size(); ++k) {
      const VectorHit next{links[k], scratch.distances[k]};
      if (!nearer(next, best)) continue;
      best = next;
      moved = true;
    }
  }
}

/// Fills scratch.nearest with the `ef` nearest nodes that a walk from `start` finds; the visited ones are those that were marked since
/// scratch.visited.reset(). `call(node)` is told of the node that will probably be left next, so that its links can be on their way.
template <typename LinksOf, typename Call>
void walk_near(const WalkGround& ground, const float* query, const VectorHit& start, std::size_t ef, WalkScratch& scratch,
               LinksOf links_of, Call call) {
  NearestNodes& nearest = scratch.nearest;
  nearest.reset(ef);
  nearest.offer(start);
  scratch.visited.add(start.item);
  for (std::int32_t node = nearest.leave_next(); node >= 0; node = nearest.leave_next()) {
    scratch.measure_fresh(ground, query, links_of(static_cast<std::size_t>(node)));
    float reach = nearest.reach();
    for (std::size_t k = 0; k < scratch.fresh.size(); ++k) {
      if (scratch.distances[k] > reach) continue;
      if (nearest.offer({scratch.fresh[k], scratch.distances[k]})) call(static_cast<std::size_t>(scratch.fresh[k]));
      reach = nearest.reach();
    }
  }
}

}  // namespace lodestone::models
