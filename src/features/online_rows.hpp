#pragma once
// What OnlineState knows of one user and of one item, how an event counts there, and the row that comes of it. Internal to
// features/online_state.

#include <cstdint>
#include <span>

#include "features/online_state.hpp"
#include "features/recent_times.hpp"

namespace lodestone::features {

struct OnlineUser {
  UserTotals totals;
  RecentTimes views, clicks, orders;
  [[nodiscard]] bool has_until(std::int64_t at) const {
    return views.has_until(at) || clicks.has_until(at) || orders.has_until(at);
  }
  void drop(std::int64_t at) {
    for (RecentTimes* times : {&views, &clicks, &orders}) times->drop(at);
  }
};

struct OnlineItem {
  ItemTotals totals;
  RecentTimes exposures, views, clicks, carts, orders;
  [[nodiscard]] bool has_until(std::int64_t at) const {
    return exposures.has_until(at) || views.has_until(at) || clicks.has_until(at) || carts.has_until(at) || orders.has_until(at);
  }
  void drop(std::int64_t at) {
    for (RecentTimes* times : {&exposures, &views, &clicks, &carts, &orders}) times->drop(at);
  }
};

/// Over all users, or over all items: what the rates are smoothed towards.
struct OnlineSums {
  std::uint64_t exposures = 0;
  std::uint64_t views = 0;
  std::uint64_t clicks = 0;
  std::uint64_t carts = 0;
  std::uint64_t orders = 0;
};

/// What changes with an event, but for its time in the windows.
void count(OnlineUser& user, OnlineSums& sums, const OnlineEvent& event);
void count(OnlineItem& item, OnlineSums& sums, const OnlineEvent& event);
/// Its time in the windows.
void add_time(OnlineUser& user, const OnlineEvent& event);
void add_time(OnlineItem& item, const OnlineEvent& event);
/// Adds what was counted before, without times.
void add_totals(OnlineSums& sums, const UserTotals& totals);
void add_totals(OnlineSums& sums, const ItemTotals& totals);

/// Overwrites online_columns() in a row of the schema's features, as of `now`.
void write_row(const OnlineUser& user, const OnlineSums& sums, double smoothing, TimePoint now, std::span<float> row);
void write_row(const OnlineItem& item, const OnlineSums& sums, double smoothing, TimePoint now, std::span<float> row);

}  // namespace lodestone::features
