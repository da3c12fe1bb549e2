#pragma once
// The products of one item's column with all others, by the rows of its users: the inner loop of item-kNN and SLIM.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "models/interactions.hpp"

namespace lodestone::training {

/// Memory of one thread: one float an item, kept at 0 between two uses.
class ItemProducts {
 public:
  /// Adds w_ui w_uj over the users u of item i, for every item j; with `count` also how many users those are. `users` is x transposed.
  void add(const models::Interactions& x, const models::ItemUsers& users, std::size_t i, bool count) {
    sums_.resize(x.n_items, 0);
    if (count) counts_.resize(x.n_items, 0);
    for (std::uint64_t at = users.offsets[i]; at < users.offsets[i + 1]; ++at) {
      const float w = users.weights[at];
      if (w == 0) continue;
      const models::InteractionRow row = x.row(static_cast<std::size_t>(users.users[at]));
      for (std::size_t k = 0; k < row.items.size(); ++k) {
        const auto item = static_cast<std::size_t>(row.items[k]);
        if (sums_[item] == 0) touched_.push_back(row.items[k]);
        sums_[item] += w * row.weights[k];
        if (count) ++counts_[item];
      }
    }
  }
  /// Calls use(j, product, users in common or 0) for each item with a product, in the order in which they were met, and empties it.
  template <typename Use>
  void take(Use use) {
    for (const ItemIndex item : touched_) {
      const auto j = static_cast<std::size_t>(item);
      const float sum = sums_[j];
      const std::int32_t common = counts_.empty() ? 0 : counts_[j];
      sums_[j] = 0;
      if (!counts_.empty()) counts_[j] = 0;
      use(item, sum, common);
    }
    touched_.clear();
  }

 private:
  std::vector<float> sums_;
  std::vector<std::int32_t> counts_;
  std::vector<ItemIndex> touched_;
};

}  // namespace lodestone::training
