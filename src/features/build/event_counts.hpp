#pragma once
// What each user did, what was done to each item, and who touched what: one pass over the events until a time, in memory that grows with users and items.
// Windows are nested, so an event is counted once, in the narrowest one that holds it.

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "features/event_kind.hpp"
#include "table/engine.hpp"

namespace lodestone::features {

/// The narrowest window that an event lies in: the last hour, 24 hours, 7 days, 30 days, or none. An event just so old lies in the next one.
enum class Window : std::uint8_t { kHour, kDay, kWeek, kMonth, kEver };
inline constexpr std::size_t kWindows = 5;
/// Places of a list whose rates are kept apart: 1, 2 to 3, 4 to 10, below.
inline constexpr std::size_t kSlots = 4;

/// Ages are microseconds before the time asked for.
struct Activity {
  static constexpr std::int64_t kNever = -1;

  std::array<std::array<std::uint32_t, kWindows>, kEventKinds> counts{};  ///< [kind][window]
  std::uint32_t active_days = 0;                                          ///< bit d: an action d days ago, d < 30
  std::uint32_t n_valued = 0;                                             ///< orders whose value is known
  std::int64_t last_action = kNever;                                      ///< age of the newest
  std::int64_t first_action = kNever;                                     ///< age of the oldest
  std::int64_t last_order = kNever;
  std::int64_t first_order = kNever;
  std::array<double, 3> popularity{};  ///< weights of the actions, halved every kHalfLifeDays days
  double money = 0;                    ///< values of orders: their sum
  double money_30d = 0;
  double money_mean = 0;  ///< running, and the sum of squares around it (Welford 1962)
  double money_squares = 0;
  double money_min = std::numeric_limits<double>::infinity();
  double money_max = -std::numeric_limits<double>::infinity();

  /// Events of a kind that lie in the window.
  [[nodiscard]] std::uint32_t within(EventKind kind, Window window) const;
  [[nodiscard]] std::uint32_t total(EventKind kind) const { return within(kind, Window::kEver); }
  /// The same of orders and API orders.
  [[nodiscard]] std::uint32_t orders_within(Window window) const {
    return within(EventKind::kOrder, window) + within(EventKind::kApiOrder, window);
  }
};

/// Events of an item by place: exposures, and clicks.
struct SlotCounts {
  std::array<std::uint32_t, kSlots> exposures{};
  std::array<std::uint32_t, kSlots> clicks{};
};

/// Numbers ids in the order in which they come.
class Numbering {
 public:
  std::uint32_t add(std::int64_t id) {
    const auto [entry, is_new] = numbers_.try_emplace(id, static_cast<std::uint32_t>(ids_.size()));
    if (is_new) ids_.push_back(id);
    return entry->second;
  }
  void reserve(std::size_t n) {
    numbers_.reserve(n);
    ids_.reserve(n);
  }
  [[nodiscard]] std::size_t size() const { return ids_.size(); }
  [[nodiscard]] std::span<const std::int64_t> ids() const { return ids_; }

 private:
  absl::flat_hash_map<std::int64_t, std::uint32_t> numbers_;
  std::vector<std::int64_t> ids_;
};

/// One person and one item: how long ago the last touch was, and whether any was an order.
struct Touch {
  std::uint32_t item = 0;  ///< number of the item
  Window window = Window::kEver;
  bool bought = false;
};

/// Touches (views, clicks, carts, orders) of many persons: added one by one, then one row a person and item. 8 bytes a touch while they are added, 12
/// while they are put in order.
class Touches {
 public:
  void add(std::uint32_t person, std::uint32_t item, Window window, bool bought) {
    persons_.push_back(person);
    packed_.push_back(item << 4U | static_cast<std::uint32_t>(window) << 1U | (bought ? 0U : 1U));
  }
  /// Puts them in order by person on that many threads (0 = usable cores); nothing can be added then until clear().
  void sort(std::size_t n_persons, int n_threads);
  /// Of a person, after sort(): each item once.
  [[nodiscard]] std::size_t size(std::uint32_t person) const { return ends_[person] - begins_[person]; }
  [[nodiscard]] Touch at(std::uint32_t person, std::size_t place) const {
    const std::uint32_t packed = packed_[begins_[person] + place];
    return {packed >> 4U, static_cast<Window>(packed >> 1U & 7U), (packed & 1U) == 0};
  }
  void clear();

 private:
  void keep_one_an_item(std::size_t person);

  std::vector<std::uint32_t> persons_;
  std::vector<std::uint32_t> packed_;  // item, then window, then 1 for no order: the least of an item has its newest window
  std::vector<std::uint32_t> begins_;  // [n_persons + 1]
  std::vector<std::uint32_t> ends_;
};

/// A part of the persons: those whose id leaves `slice` when divided by `n_slices`. Each event is in one slice.
struct Slice {
  std::uint64_t slice = 0;
  std::uint64_t n_slices = 1;
};

/// What count_events() fills. Places of users and items are their numbers. Guests have touches alone.
struct EventCounts {
  std::int64_t as_of = 0;  ///< microseconds since 1970
  Numbering users;
  Numbering items;
  Numbering guests;  ///< by the number made of the visitor id; of the last slice
  std::vector<Activity> user_activity;
  std::vector<Activity> item_activity;
  std::vector<SlotCounts> item_slots;
  Touches user_touches;   ///< of the last slice
  Touches guest_touches;  ///< of the last slice

  /// 2^28 items have numbers that a touch can hold.
  static constexpr std::uint32_t kMaxItems = 1U << 28U;
};

/// The number that stands for a guest: -1 - the last 60 bits of a visitor id of 16 hexadecimal digits, as the macro visitor_key() of the SQL engine has
/// it. Nothing when it is no such id.
std::optional<std::int64_t> guest_number(std::string_view visitor_id);

/// Adds the events of a slice up to `as_of` to the counts; touches and guests are those of this slice alone. An event of a kind that is none counts
/// nothing. `engine` knows the table events.
void count_events(table::Engine& engine, TimePoint as_of, const Slice& slice, EventCounts& counts);

}  // namespace lodestone::features
