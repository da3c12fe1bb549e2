#pragma once
// Who touched what, as a sparse matrix [n_users, n_items] in compressed rows: what every behaviour model is fitted on.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.hpp"

namespace lodestone::models {

/// One user's row: the items, ascending, and the weight of each.
struct InteractionRow {
  std::span<const ItemIndex> items;
  std::span<const float> weights;
};

/// Row u is items[offsets[u] .. offsets[u + 1]), ascending and without repeats; weights run beside it. Users may be guests.
struct Interactions {
  std::size_t n_items = 0;
  std::vector<std::uint64_t> offsets{0};
  std::vector<ItemIndex> items;
  std::vector<float> weights;

  [[nodiscard]] std::size_t n_users() const { return offsets.size() - 1; }
  [[nodiscard]] InteractionRow row(std::size_t user) const {
    const std::size_t begin = offsets[user];
    const std::size_t n = offsets[user + 1] - begin;
    return {std::span(items).subspan(begin, n), std::span(weights).subspan(begin, n)};
  }
};

/// Histories in order, oldest first, repeats kept: row r is items[offsets[r] .. offsets[r + 1]). A view, the arrays live elsewhere.
struct Sequences {
  std::size_t n_items = 0;
  std::span<const std::uint64_t> offsets;
  std::span<const ItemIndex> items;

  [[nodiscard]] std::size_t size() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  [[nodiscard]] std::span<const ItemIndex> operator[](std::size_t r) const {
    return items.subspan(offsets[r], offsets[r + 1] - offsets[r]);
  }
};

/// The transpose: row i holds the users of item i, ascending. Cost linear.
struct ItemUsers {
  std::vector<std::uint64_t> offsets;
  std::vector<std::int32_t> users;
  std::vector<float> weights;
};
ItemUsers transpose(const Interactions& interactions);

}  // namespace lodestone::models
