#pragma once
// Item-to-item lists, the form in which item-item models are saved and served: for each item its neighbours, best first.
// A view over arrays that a mapped bundle (or an OwnedNeighbours) keeps alive; const, safe from many threads.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.hpp"

namespace lodestone::models {

/// Sorts by score, then by item: higher is better. The bits of floats from 0 on rise with their value.
inline std::uint64_t score_key(float score, ItemIndex item) {
  return (static_cast<std::uint64_t>(std::bit_cast<std::uint32_t>(score)) << 32U) | ~static_cast<std::uint32_t>(item);
}
inline float key_score(std::uint64_t key) { return std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32U)); }
inline ItemIndex key_item(std::uint64_t key) { return static_cast<ItemIndex>(~static_cast<std::uint32_t>(key)); }

struct NeighbourRow {
  std::span<const ItemIndex> items;
  std::span<const float> scores;  ///< positive, never rising along the row
};

class Neighbours {
 public:
  Neighbours() = default;
  Neighbours(std::span<const std::uint64_t> offsets, std::span<const ItemIndex> items, std::span<const float> scores)
      : offsets_(offsets), items_(items), scores_(scores) {}

  [[nodiscard]] std::size_t n_items() const { return offsets_.empty() ? 0 : offsets_.size() - 1; }
  [[nodiscard]] NeighbourRow row(ItemIndex item) const {
    const auto i = static_cast<std::size_t>(item);
    if (i >= n_items()) return {};
    const std::size_t begin = offsets_[i];
    const std::size_t n = offsets_[i + 1] - begin;
    return {items_.subspan(begin, n), scores_.subspan(begin, n)};
  }
  [[nodiscard]] std::span<const std::uint64_t> offsets() const { return offsets_; }
  [[nodiscard]] std::span<const ItemIndex> items() const { return items_; }
  [[nodiscard]] std::span<const float> scores() const { return scores_; }

 private:
  std::span<const std::uint64_t> offsets_;
  std::span<const ItemIndex> items_;
  std::span<const float> scores_;
};

/// The same with its own memory, as fitting makes it.
struct OwnedNeighbours {
  std::vector<std::uint64_t> offsets{0};
  std::vector<ItemIndex> items;
  std::vector<float> scores;

  [[nodiscard]] Neighbours view() const { return {offsets, items, scores}; }
};

/// Turns lists kept per candidate (row i: the items that count for candidate i) into lists per history item (row j: the candidates that
/// j speaks for), best first; that is the direction in which a history is scored.
OwnedNeighbours invert(const Neighbours& lists);

/// score[i] += sum over the history of weight_j * s(j, i), for all candidates i; `influence` is invert()ed. `scores` [n_items].
void add_history_scores(const Neighbours& influence, std::span<const ItemIndex> history, std::span<const float> weights,
                        std::span<float> scores);

}  // namespace lodestone::models
