#include "models/release.hpp"

#include <algorithm>
#include <unordered_map>

namespace lodestone::models {

std::optional<std::size_t> Users::find(UserId id) const {
  const auto it = std::lower_bound(ids_.begin(), ids_.end(), raw(id));
  if (it == ids_.end() || *it != raw(id)) return std::nullopt;
  return static_cast<std::size_t>(it - ids_.begin());
}

std::vector<std::int32_t> number_categories(std::span<const Item> items) {
  std::unordered_map<std::string_view, std::int32_t> numbers;
  std::vector<std::int32_t> out;
  out.reserve(items.size());
  for (const Item& item : items)
    out.push_back(numbers.emplace(item.category, static_cast<std::int32_t>(numbers.size())).first->second);
  return out;
}

}  // namespace lodestone::models
