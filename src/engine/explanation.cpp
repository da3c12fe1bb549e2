#include "engine/explanation.hpp"

#include <algorithm>

namespace lodestone::engine {

std::optional<Fate> find_obstacle(const models::Release& release, const PageRequest& request, ItemIndex target) {
  if (!release.catalog.is_available(target)) return Fate::kUnavailable;
  if (request.rules != nullptr && request.rules->is_hidden(target)) return Fate::kHidden;
  if (request.item == target) return Fate::kPageItem;
  if (const auto user = request.user ? release.users.find(*request.user) : std::nullopt) {
    const auto owned = release.users.owned(*user);
    if (std::find(owned.begin(), owned.end(), target) != owned.end()) return Fate::kOwned;
  }
  if (std::find(request.owned.begin(), request.owned.end(), target) != request.owned.end()) return Fate::kOwned;
  const ItemId id = release.catalog.id(target);
  if (std::find(request.exclude.begin(), request.exclude.end(), id) != request.exclude.end()) return Fate::kExcluded;
  if (request.filter == nullptr) return std::nullopt;
  BoundFilter filter;
  filter.bind(*request.filter, release.catalog);
  return filter.matches(target) ? std::nullopt : std::optional(Fate::kFiltered);
}

}  // namespace lodestone::engine
