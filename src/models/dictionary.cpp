#include "models/dictionary.hpp"

#include <algorithm>

namespace lodestone::models {

Dictionary::Dictionary(const TensorFile& file, const std::string& name)
    : texts_(file.texts(name, std::max<std::size_t>(1, file.array<std::uint64_t>(name + ".offsets").size()) - 1)),
      order_(file.array<std::int32_t>(name + ".order", texts_.size())) {
  // Numbers in range whose texts rise are all different, so they are a permutation.
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const bool in_range = order_[i] >= 0 && static_cast<std::size_t>(order_[i]) < texts_.size();
    if (!in_range || (i > 0 && (*this)[order_[i - 1]] >= (*this)[order_[i]])) {
      fail(ErrorCode::kCorrupt, "{}: array {}.order does not sort its {} names at {}", file.file().path().string(), name,
           texts_.size(), i);
    }
  }
}

std::optional<std::int32_t> Dictionary::find(std::string_view text) const {
  const auto it = std::lower_bound(order_.begin(), order_.end(), text,
                                   [&](std::int32_t number, std::string_view wanted) { return (*this)[number] < wanted; });
  if (it == order_.end() || (*this)[*it] != text) return std::nullopt;
  return *it;
}

}  // namespace lodestone::models
