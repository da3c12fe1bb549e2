#pragma once
// Ids as types of their own, so that an item can never be passed where a user is meant. Both are int64 in the lake and the API;
// inside models an item is its dense internal number (ItemIndex, 0 .. n_items-1, in ascending order of ItemId).

#include <cstdint>
#include <functional>

namespace lodestone {

enum class ItemId : std::int64_t {};
enum class UserId : std::int64_t {};
using ItemIndex = std::int32_t;

constexpr std::int64_t raw(ItemId id) { return static_cast<std::int64_t>(id); }
constexpr std::int64_t raw(UserId id) { return static_cast<std::int64_t>(id); }

}  // namespace lodestone
