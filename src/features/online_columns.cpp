#include "features/online_columns.hpp"

#include <algorithm>

#include "features/online_state.hpp"

namespace lodestone::features {

OnlineColumns::OnlineColumns(Group group, std::span<const std::string> stored) {
  const std::span<const std::string_view> online = online_columns(group);
  for (std::size_t to = 0; to < stored.size(); ++to) {
    if (std::find(online.begin(), online.end(), stored[to]) == online.end()) continue;
    const std::size_t from = find_feature(group, stored[to]).value();
    places_.push_back({static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(to), features_of(group)[from].fallback});
  }
}

}  // namespace lodestone::features
