#pragma once
// One question of an evaluation: what a method is fitted on, what it then sees, and what it should have put first. Splits make problems
// from data; methods see only TrainPart.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "models/interactions.hpp"
#include "models/release.hpp"

namespace lodestone::evaluation {

/// Row r is items[offsets[r] .. offsets[r + 1]).
struct Rows {
  std::vector<std::uint64_t> offsets{0};
  std::vector<ItemIndex> items;

  [[nodiscard]] std::size_t size() const { return offsets.size() - 1; }
  [[nodiscard]] std::span<const ItemIndex> operator[](std::size_t r) const {
    return std::span(items).subspan(offsets[r], offsets[r + 1] - offsets[r]);
  }
  void add(std::span<const ItemIndex> row) {
    items.insert(items.end(), row.begin(), row.end());
    offsets.push_back(items.size());
  }
};

/// kNone: a history is a set; kTime: the newest item is the last and counts most.
enum class HistoryOrder : std::uint8_t { kNone, kTime };

struct Problem;

/// What a method may look at.
struct TrainPart {
  std::size_t n_items = 0;
  Rows histories;  ///< one row a user or session; oldest first where there is an order, repeats kept then
  HistoryOrder order = HistoryOrder::kNone;
  std::span<const models::Item> texts;  ///< one an item number; empty when the data set has no texts
  std::shared_ptr<const Problem>
      tuning;  ///< a smaller problem of the same kind made without the test part; null when there is none
};

/// Row c of inputs, hidden and targets belong to case c; every case has a target.
struct Problem {
  TrainPart train;
  Rows inputs;                         ///< what the method sees of the case, ordered as the histories
  Rows hidden;                         ///< items that cannot be listed, ascending
  Rows targets;                        ///< ascending, no repeats
  std::vector<std::int32_t> subjects;  ///< user, session or query of each case
  std::vector<ItemIndex> candidates;   ///< ascending; empty = every item
};

/// Histories as a matrix: each item once a row, weight 1.
models::Interactions to_interactions(const Rows& histories, std::size_t n_items);

}  // namespace lodestone::evaluation
