#include "engine/scratch.hpp"

#include <algorithm>

#include "base/key_order.hpp"

namespace lodestone::engine {

void ItemSet::begin(std::size_t n_items) {
  for (const ItemIndex item : items_) bits_[static_cast<std::size_t>(item) / 64] = 0;
  items_.clear();
  if (bits_.size() * 64 < n_items) bits_.resize((n_items + 63) / 64, 0);
}

void ItemSums::begin(std::size_t n_items) {
  if (sums_.size() >= n_items) return;
  sums_.resize(n_items, 0);
  touched_.resize(n_items + 1);  // add() writes one place ahead before it knows whether the item is new
}

void ItemSums::add(const models::NeighbourRow& row, float scale) {
  const ItemIndex* items = row.items.data();
  const float* scores = row.scores.data();
  float* sums = sums_.data();
  ItemIndex* touched = touched_.data();
  std::size_t n = n_touched_;
  for (std::size_t k = 0; k < row.items.size(); ++k) {
    float& sum = sums[items[k]];
    const float before = sum;
    sum = before + scale * scores[k];
    // Without a branch: whether an item is new is as good as random. A sum that is still 0 is not counted, so that each counts once.
    touched[n] = items[k];
    n += static_cast<std::size_t>((before == 0) & (sum > 0));
  }
  n_touched_ = n;
}

void ItemSums::take_keys(std::span<const ItemIndex> items, std::uint64_t least) {
  std::size_t n = keys_.size();
  keys_.resize(n + items.size());
  for (const ItemIndex item : items) {
    float& sum = sums_[static_cast<std::size_t>(item)];
    const std::uint64_t key = score_key(sum, item);
    sum = 0;
    keys_[n] = key;
    n += static_cast<std::size_t>(key > least);
  }
  keys_.resize(n);
}

models::NeighbourRow ItemSums::unpack(std::vector<ItemIndex>& items, std::vector<float>& scores) {
  sort_largest_first(keys_);
  items.resize(keys_.size());
  scores.resize(keys_.size());
  for (std::size_t k = 0; k < keys_.size(); ++k) {
    items[k] = key_item(keys_[k]);
    scores[k] = key_score(keys_[k]);
  }
  return {items, scores};
}

void Scratch::reserve(std::size_t depth, std::size_t n_blocked) {
  blocked.reserve(depth + n_blocked);
  sums.reserve(depth);
  user_sums.reserve(depth);
  best.reserve(depth + 1);
  seen.reserve(2 * depth);
  order.reserve(depth);
  ordered.reserve(depth);
  chosen.reserve(depth + 1);
  place_scores.reserve(depth);
  for (auto& list : list_items) list.reserve(4 * depth);
  for (auto& list : list_scores) list.reserve(4 * depth);
}

}  // namespace lodestone::engine
