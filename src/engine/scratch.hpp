#pragma once
// Memory of one thread that requests reuse, so that a warm request allocates nothing.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "base/key_order.hpp"
#include "engine/channel.hpp"
#include "engine/filter.hpp"
#include "engine/item_rows.hpp"
#include "models/ranking/tree_scorer.hpp"
#include "models/recall/latent_vectors.hpp"
#include "models/recall/neighbours.hpp"
#include "models/recall/vector_columns.hpp"

namespace lodestone::engine {

using models::key_item;
using models::key_score;
using models::score_key;

/// A set of items that empties in the time of its size: one bit an item, so that the bits of a large catalogue stay in the cache.
class ItemSet {
 public:
  /// Empties it and makes room for items below `n_items`.
  void begin(std::size_t n_items);
  /// Memory for that many items in it.
  void reserve(std::size_t n) { items_.reserve(n); }
  [[nodiscard]] bool contains(ItemIndex item) const {
    const auto i = static_cast<std::size_t>(item);
    return (bits_[i / 64] >> i % 64 & 1U) != 0;
  }
  void insert(ItemIndex item) {
    if (contains(item)) return;
    const auto i = static_cast<std::size_t>(item);
    bits_[i / 64] |= std::uint64_t{1} << i % 64;
    items_.push_back(item);
  }

 private:
  std::vector<std::uint64_t> bits_;
  std::vector<ItemIndex> items_;
};

/// A list that a page is fused from.
struct Source {
  Channel channel = Channel::kBehavior;
  float weight = 0;
  models::NeighbourRow list;
};
inline constexpr std::size_t kOwnSources = 13;
inline constexpr std::size_t kMaxSources = kOwnSources + kExternalChannels;
/// Items of one list that take part in the fusion.
inline constexpr std::size_t kListDepth = 300;

/// Items that all rules together may pin: they can be candidates that no list has.
inline constexpr std::size_t kMaxPins = 100;

struct Candidate {
  ItemIndex item = 0;
  float score = 0;
  std::uint16_t slot = 0;                          ///< where Candidates finds it
  std::array<std::uint16_t, kMaxSources> ranks{};  ///< rank in each source, 0 = not in it
};

/// The candidates of a page, each item once. An item is found by a hash table of 16 KiB that every request uses again, so it is in the
/// cache, where an array over the catalogue would not be. A slot holds a place in the list and counts only when the candidate there
/// points back (Briggs and Torczon, "An efficient representation for sparse sets", 1993): nothing has to be cleared.
class Candidates {
 public:
  void begin() {
    if (slots_.empty()) {
      slots_.resize(kSlots, 0);
      all_.resize(kMost);
    }
    n_ = 0;
  }
  /// The candidate of that item, new if need be. Requires at most kMost items between two begin().
  static constexpr std::size_t kMost = kOwnSources * kListDepth + kExternalChannels * kExternalDepth + kMaxPins;
  Candidate& at(ItemIndex item) {
    std::uint32_t slot = (static_cast<std::uint32_t>(item) * 0x9e3779b1U) >> (32U - kSlotBits);
    for (;;) {
      const std::size_t place = slots_[slot];
      if (place >= n_ || all_[place].slot != slot) break;
      if (all_[place].item == item) return all_[place];
      slot = (slot + 1) % kSlots;
    }
    slots_[slot] = static_cast<std::uint16_t>(n_);
    return all_[n_++] = Candidate{item, 0, static_cast<std::uint16_t>(slot), {}};
  }
  [[nodiscard]] std::span<const Candidate> all() const { return std::span(all_).first(n_); }

 private:
  static constexpr std::uint32_t kSlotBits = 13;
  static constexpr std::uint32_t kSlots = 1U << kSlotBits;
  static_assert(3 * kMost <= 2 * kSlots, "a third of the slots stays free");

  std::vector<std::uint16_t> slots_;
  std::vector<Candidate> all_;
  std::size_t n_ = 0;
};

/// Sums by item, of positive amounts, and the best of them. Between two uses every sum is 0.
class ItemSums {
 public:
  void begin(std::size_t n_items);
  /// Memory for take_best(n).
  void reserve(std::size_t n) { keys_.reserve(kKept + 2 * n); }
  /// Adds scale * score for each item of a list; `scale` is not negative.
  void add(const models::NeighbourRow& row, float scale);
  [[nodiscard]] std::size_t size() const { return n_touched_; }

  /// Where an item stands among the sums of items for which `wanted(item)` holds, from 1, and its sum; rank 0 when it has none.
  template <typename Wanted>
  [[nodiscard]] Contribution place_of(ItemIndex item, const Wanted& wanted) const {
    const float sum = sums_[static_cast<std::size_t>(item)];
    if (!(sum > 0)) return {};
    std::int32_t rank = 1;
    for (const ItemIndex other : std::span(touched_).first(n_touched_)) {
      const float theirs = sums_[static_cast<std::size_t>(other)];
      if (score_key(theirs, other) > score_key(sum, item) && wanted(other)) ++rank;
    }
    return {rank, sum};
  }

  /// Takes the best `n` sums of items for which `wanted(item)` holds, best first, equal ones by item, and empties the sums. `wanted` is
  /// asked only of items that may still be among the best. The row lies in `items` and `scores`.
  template <typename Wanted>
  models::NeighbourRow take_best(std::size_t n, std::vector<ItemIndex>& items, std::vector<float>& scores, const Wanted& wanted) {
    keys_.clear();
    for (std::span<const ItemIndex> rest = std::span(touched_).first(n_touched_); !rest.empty();) {
      const std::size_t n_next = std::min(rest.size(), kKept);
      const std::uint64_t least = keys_.empty() ? 0 : *std::min_element(keys_.begin(), keys_.end());
      take_keys(rest.first(n_next), keys_.size() < n ? 0 : least);
      keep_best(n, wanted);
      rest = rest.subspan(n_next);
    }
    n_touched_ = 0;
    return unpack(items, scores);
  }

 private:
  /// Sums that are looked at together.
  static constexpr std::size_t kKept = 1536;

  /// Appends the keys above `least` of some items and sets their sums to 0.
  void take_keys(std::span<const ItemIndex> items, std::uint64_t least);

  /// Keeps the best `n` keys of what is wanted. They are looked for among the best 2 n, then among all.
  template <typename Wanted>
  void keep_best(std::size_t n, const Wanted& wanted) {
    std::size_t kept = 0;
    std::size_t from = 0;
    for (std::size_t most = 2 * n; kept < n && from < keys_.size(); most = keys_.size()) {
      const std::size_t to = std::min(most, keys_.size());
      select_largest(std::span(keys_).subspan(from), to - from);
      for (; from < to; ++from) {
        const std::uint64_t key = keys_[from];
        keys_[kept] = key;
        kept += static_cast<std::size_t>(wanted(key_item(key)));
      }
    }
    keys_.resize(kept);
    if (kept <= n) return;
    select_largest(keys_, n);
    keys_.resize(n);
  }

  models::NeighbourRow unpack(std::vector<ItemIndex>& items, std::vector<float>& scores);

  std::vector<float> sums_;
  std::vector<ItemIndex> touched_;
  std::size_t n_touched_ = 0;
  std::vector<std::uint64_t> keys_;
};

/// A candidate on its way to a page, in the order of whoever ranked it.
struct Ordered {
  static constexpr std::uint32_t kNoRow = UINT32_MAX;
  ItemIndex item = 0;
  float score = 0;
  std::uint32_t row = kNoRow;  ///< place in the pool of the ranker
  float propensity = 1;        ///< chance that it stands where it stands
  float nearness = 0;          ///< largest similarity to what was taken before it
  bool is_taken = false;
  bool is_pinned = false;
  bool is_explored = false;
};

/// It grows to the largest release it has seen. One thread.
struct Scratch {
  ItemSet blocked;                 ///< items that may not be shown, or stand on the page already
  ItemSums sums;                   ///< of one channel while it is summed
  ItemSums user_sums;              ///< nearness of users while it is summed; its "items" are numbers of users
  std::vector<ItemIndex> history;  ///< of a visitor, when the request brings a part of it
  std::vector<float> history_weights;
  ItemSet seen;  ///< items of the visitor's history, for channels that would give them again
  models::LatentVectors::Scratch vectors;
  std::vector<std::uint64_t> allowed;  ///< bits of the items that a filter leaves
  std::vector<ItemIndex> near_users;
  std::vector<float> nearness;
  BoundFilter filter;
  Candidates candidates;
  std::array<Source, kMaxSources> sources;
  std::array<std::vector<ItemIndex>, kMaxSources> list_items;  ///< lists that no file holds, by source
  std::array<std::vector<float>, kMaxSources> list_scores;
  std::vector<std::uint64_t> best;   ///< keys of the page while it is chosen
  std::vector<std::uint64_t> pool;   ///< keys of the candidates that a ranker sees, best first
  std::vector<float> rows;           ///< their features, row by row
  std::vector<float> whole_row;      ///< all features of one user or item, while they are brought up to date
  std::vector<float> user_row;       ///< stored features of the user, brought up to date
  std::vector<float> page_row;       ///< the same of the page's item
  ItemRows item_rows;                ///< and of candidates
  std::vector<float> item_vector;    ///< the vector of a candidate, without what the index keeps behind it
  models::VectorColumns likeness;    ///< what its vector is compared with
  std::vector<double> scores;        ///< of the ranker, by place in the pool
  std::vector<std::uint32_t> order;  ///< places in the pool, best first
  std::vector<Ordered> ordered;      ///< what rules, diversity and exploration choose from
  std::vector<Ordered> chosen;
  std::vector<float> place_scores;
  models::TreeScorer::Scratch trees;

  /// Memory for lists of `depth` sums and pages of as many items that leave out `n_blocked` others.
  void reserve(std::size_t depth, std::size_t n_blocked);
};

}  // namespace lodestone::engine
