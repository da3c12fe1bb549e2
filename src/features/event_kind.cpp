#include "features/event_kind.hpp"

namespace lodestone::features {
namespace {

constexpr std::array<std::string_view, kEventKinds> kNames = {"exposure", "view",      "click", "cart",
                                                              "order",    "api_order", "refund"};

std::optional<EventKind> if_named(EventKind kind, std::string_view name) {
  return name == event_kind_name(kind) ? std::optional(kind) : std::nullopt;
}

}  // namespace

std::string_view event_kind_name(EventKind kind) { return kNames[static_cast<std::size_t>(kind)]; }

std::optional<EventKind> find_event_kind(std::string_view name) {
  // Length and first letter leave one kind.
  switch (name.size()) {
    case 4: return if_named(name[0] == 'v' ? EventKind::kView : EventKind::kCart, name);
    case 5: return if_named(name[0] == 'c' ? EventKind::kClick : EventKind::kOrder, name);
    case 6: return if_named(EventKind::kRefund, name);
    case 8: return if_named(EventKind::kExposure, name);
    case 9: return if_named(EventKind::kApiOrder, name);
    default: return std::nullopt;
  }
}

}  // namespace lodestone::features
