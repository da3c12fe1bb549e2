#pragma once
// Memory of one thread that requests reuse, so that a warm request allocates nothing.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.hpp"
#include "engine/channel.hpp"
#include "engine/filter.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::engine {

/// A number by item that empties in constant time: a place counts only when its stamp is the current round.
class ItemMap {
 public:
  /// Empties it and makes room for items below `n_items`.
  void begin(std::size_t n_items);
  [[nodiscard]] bool contains(ItemIndex item) const { return places_[static_cast<std::size_t>(item)].stamp == round_; }
  /// Requires contains().
  [[nodiscard]] std::uint32_t at(ItemIndex item) const { return places_[static_cast<std::size_t>(item)].value; }
  void set(ItemIndex item, std::uint32_t value) { places_[static_cast<std::size_t>(item)] = {round_, value}; }

 private:
  struct Place {
    std::uint32_t stamp = 0;
    std::uint32_t value = 0;
  };
  std::vector<Place> places_;
  std::uint32_t round_ = 0;
};

/// Sorts by score, then by item: higher is better. The bits of floats from 0 on rise with their value.
inline std::uint64_t score_key(float score, ItemIndex item) {
  return (static_cast<std::uint64_t>(std::bit_cast<std::uint32_t>(score)) << 32U) | ~static_cast<std::uint32_t>(item);
}
inline float key_score(std::uint64_t key) { return std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32U)); }
inline ItemIndex key_item(std::uint64_t key) { return static_cast<ItemIndex>(~static_cast<std::uint32_t>(key)); }

/// Sums by item, of positive amounts, and the best of them. Between two uses every sum is 0.
class ItemSums {
 public:
  void begin(std::size_t n_items);
  /// Adds scale * score for each item of a list; `scale` is not negative.
  void add(const models::NeighbourRow& row, float scale);
  [[nodiscard]] std::size_t size() const { return n_touched_; }

  /// Takes the best `n` sums of items for which `wanted(item)` holds, best first, equal ones by item, and empties the sums. `wanted` is
  /// asked only of items that may still be among the best. The row lies in `items` and `scores`.
  template <typename Wanted>
  models::NeighbourRow take_best(std::size_t n, std::vector<ItemIndex>& items, std::vector<float>& scores, const Wanted& wanted) {
    keys_.clear();
    std::uint64_t least = 0;
    for (const ItemIndex item : std::span(touched_).first(n_touched_)) {
      float& sum = sums_[static_cast<std::size_t>(item)];
      const std::uint64_t key = score_key(sum, item);
      sum = 0;
      if (key <= least || !wanted(item)) continue;
      keys_.push_back(key);
      if (keys_.size() == 2 * n) least = keep_best(n);
    }
    n_touched_ = 0;
    return unpack(n, items, scores);
  }

 private:
  std::uint64_t keep_best(std::size_t n);
  models::NeighbourRow unpack(std::size_t n, std::vector<ItemIndex>& items, std::vector<float>& scores);

  std::vector<float> sums_;
  std::vector<ItemIndex> touched_;
  std::size_t n_touched_ = 0;
  std::vector<std::uint64_t> keys_;
};

/// A list that a page is fused from.
struct Source {
  Channel channel = Channel::kBehavior;
  float weight = 0;
  models::NeighbourRow list;
};
inline constexpr std::size_t kMaxSources = 5;

struct Candidate {
  ItemIndex item = 0;
  float score = 0;
  std::array<std::uint16_t, kMaxSources> ranks{};  ///< rank in each source, 0 = not in it
};

/// It grows to the largest release it has seen. One thread.
struct Scratch {
  ItemMap places;   ///< item -> its place in candidates
  ItemMap blocked;  ///< items that may not be shown, or stand on the page already
  ItemSums sums;    ///< of one channel while it is summed
  BoundFilter filter;
  std::vector<Candidate> candidates;
  std::array<Source, kMaxSources> sources;
  std::array<std::vector<ItemIndex>, kMaxSources> list_items;  ///< lists that no file holds, by source
  std::array<std::vector<float>, kMaxSources> list_scores;
  std::vector<std::uint64_t> best;  ///< keys of the page while it is chosen
};

}  // namespace lodestone::engine
