#pragma once
// The kinds of the lake's table events, and what each counts.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lodestone::features {

enum class EventKind : std::uint8_t { kExposure, kView, kClick, kCart, kOrder, kApiOrder, kRefund };
inline constexpr std::size_t kEventKinds = 7;

/// By its name in the lake, "api_order"; nothing when there is no such kind. Quick: it is asked for every event.
std::optional<EventKind> find_event_kind(std::string_view name);
/// "api_order".
std::string_view event_kind_name(EventKind kind);

/// API orders are orders.
constexpr bool is_order(EventKind kind) { return kind == EventKind::kOrder || kind == EventKind::kApiOrder; }
/// Something that somebody did with an item: an event other than an exposure or a refund.
constexpr bool is_action(EventKind kind) { return kind != EventKind::kExposure && kind != EventKind::kRefund; }

/// What it adds to the popularity of its item (sql/features/item_activity.sql).
constexpr double weight_of(EventKind kind) {
  switch (kind) {
    case EventKind::kView: return 1;
    case EventKind::kClick: return 2;
    case EventKind::kCart: return 3;
    case EventKind::kOrder:
    case EventKind::kApiOrder: return 5;
    case EventKind::kExposure:
    case EventKind::kRefund: return 0;
  }
  return 0;
}
/// Half-lives of popularity, days.
inline constexpr std::array<double, 3> kHalfLifeDays = {1, 7, 30};

}  // namespace lodestone::features
