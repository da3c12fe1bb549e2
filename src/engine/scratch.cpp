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

std::uint64_t ItemSums::keep_best(std::size_t n) {
  select_largest(keys_, n);
  keys_.resize(n);
  return *std::min_element(keys_.begin(), keys_.end());
}

models::NeighbourRow ItemSums::unpack(std::size_t n, std::vector<ItemIndex>& items, std::vector<float>& scores) {
  if (keys_.size() > n) keep_best(n);
  sort_largest_first(keys_);
  items.clear();
  scores.clear();
  for (const std::uint64_t key : keys_) {
    items.push_back(key_item(key));
    scores.push_back(key_score(key));
  }
  return {items, scores};
}

void Scratch::reserve(std::size_t depth, std::size_t n_blocked) {
  blocked.reserve(depth + n_blocked);
  sums.reserve(depth);
  best.reserve(depth + 1);
  seen.reserve(2 * depth);
  ordered.reserve(depth);
  chosen.reserve(depth + 1);
  place_scores.reserve(depth);
  for (auto& list : list_items) list.reserve(4 * depth);
  for (auto& list : list_scores) list.reserve(4 * depth);
}

}  // namespace lodestone::engine
