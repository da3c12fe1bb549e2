#include "models/interactions.hpp"

namespace lodestone::models {

ItemUsers transpose(const Interactions& interactions) {
  ItemUsers out;
  out.offsets.assign(interactions.n_items + 1, 0);
  for (const ItemIndex item : interactions.items) ++out.offsets[static_cast<std::size_t>(item) + 1];
  for (std::size_t i = 0; i < interactions.n_items; ++i) out.offsets[i + 1] += out.offsets[i];
  out.users.resize(interactions.items.size());
  out.weights.resize(interactions.items.size());
  std::vector<std::uint64_t> next(out.offsets.begin(), out.offsets.end() - 1);
  for (std::size_t user = 0; user < interactions.n_users(); ++user) {
    const InteractionRow row = interactions.row(user);
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      const std::size_t at = next[static_cast<std::size_t>(row.items[k])]++;
      out.users[at] = static_cast<std::int32_t>(user);
      out.weights[at] = row.weights[k];
    }
  }
  return out;
}

}  // namespace lodestone::models
