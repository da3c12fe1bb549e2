#pragma once
// The body of POST /recommend/page.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "engine/filter.hpp"
#include "engine/page.hpp"

namespace lodestone::serving {

inline constexpr std::size_t kMaxSlots = 10;

struct SlotOrder {
  std::string name;
  engine::PageKind kind = engine::PageKind::kSimilar;  ///< similar, user or trending
  std::optional<ItemId> item;                          ///< of similar
  std::size_t limit = 10;
  std::optional<engine::Filter> filter;
};

struct PageOrder {
  std::optional<UserId> user;
  std::string visitor_id;  ///< "" = not given
  std::vector<SlotOrder> slots;

  /// What is made for a slot: related items for somebody who is known are those of a detail page, on which nothing stands that he has.
  [[nodiscard]] engine::PageKind kind_of(const SlotOrder& slot) const {
    return slot.kind == engine::PageKind::kSimilar && user ? engine::PageKind::kDetail : slot.kind;
  }
};

/// Throws Error (corrupt) when the body is no JSON, and ParameterError, which names the member as in `slots[1].limit`, for everything else: a
/// member that is unknown, missing, of another type or out of its range, no slot or more than kMaxSlots, a name that is there twice.
PageOrder parse_page_order(std::string_view body);

}  // namespace lodestone::serving
