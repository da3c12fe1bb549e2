#include "features/build/online_snapshot.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"
#include "features/build/event_counts.hpp"

namespace lodestone::features {
namespace {

using table::Chunk;

double number_at(const Chunk& chunk, std::size_t column, std::size_t row) {
  return chunk.is_null(column, row) ? std::numeric_limits<double>::quiet_NaN() : chunk.double_at(column, row);
}

/// The time that was so many microseconds before `as_of`.
TimePoint time_of(std::int64_t age, TimePoint as_of) {
  return age == Activity::kNever ? kNever : as_of - std::chrono::microseconds(age);
}

UserTotals user_totals(UserId user, const Activity& a, TimePoint as_of) {
  UserTotals out;
  out.user = user;
  out.exposures = a.total(EventKind::kExposure);
  out.views = a.total(EventKind::kView);
  out.clicks = a.total(EventKind::kClick);
  out.carts = a.total(EventKind::kCart);
  out.orders = a.orders_within(Window::kEver);
  out.api_orders = a.total(EventKind::kApiOrder);
  out.refunds = a.total(EventKind::kRefund);
  if (a.n_valued > 0) {
    out.spend_sum = a.money;
    out.spend_min = a.money_min;
    out.spend_max = a.money_max;
  }
  out.first_order = time_of(a.first_order, as_of);
  out.last_order = time_of(a.last_order, as_of);
  out.last_event = time_of(a.last_action, as_of);
  return out;
}

ItemTotals item_totals(ItemId item, const Activity& a, TimePoint as_of) {
  ItemTotals out;
  out.item = item;
  out.exposures = a.total(EventKind::kExposure);
  out.views = a.total(EventKind::kView);
  out.clicks = a.total(EventKind::kClick);
  out.carts = a.total(EventKind::kCart);
  out.orders = a.orders_within(Window::kEver);
  out.refunds = a.total(EventKind::kRefund);
  out.first_event = time_of(a.first_action, as_of);
  out.last_event = time_of(a.last_action, as_of);
  out.last_order = time_of(a.last_order, as_of);
  out.popularity = a.popularity;
  out.popularity_at = as_of;
  return out;
}

void read_recent(table::Engine& engine, OnlineSnapshot& out) {
  const std::int64_t until = out.as_of.time_since_epoch().count();
  engine.query(fmt::format("SELECT e.event_id, e.kind, e.user_id, e.item_id, e.at, e.value FROM events e "
                           "WHERE unix_micros(e.at) > {} AND unix_micros(e.at) <= {} ORDER BY e.at",
                           until - std::chrono::microseconds(std::chrono::days(30)).count(), until),
               [&](const Chunk& chunk) {
                 for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
                   const std::string_view name = chunk.text_at(1, r);
                   const std::optional<EventKind> kind = find_event_kind(name);
                   if (!kind) {
                     fail(ErrorCode::kContract, "event {} is of kind {}, which is none; see contracts/events.yaml",
                          chunk.text_at(0, r), name);
                   }
                   OnlineEvent& event = out.recent.emplace_back();
                   event.id = online_event_id(chunk.text_at(0, r));
                   event.kind = *kind;
                   if (!chunk.is_null(2, r)) event.user = UserId(chunk.int_at(2, r));
                   event.item = ItemId(chunk.int_at(3, r));
                   event.at = TimePoint(std::chrono::microseconds(chunk.int_at(4, r)));
                   event.value = number_at(chunk, 5, r);
                 }
               });
}

}  // namespace

OnlineSnapshot read_online_snapshot(table::Engine& engine, const fs::path& /*sql_folder*/, TimePoint as_of) {
  OnlineSnapshot out;
  out.as_of = as_of;
  read_recent(engine, out);
  EventCounts counts;
  count_events(engine, as_of, {}, counts);
  for (std::size_t u = 0; u < counts.users.size(); ++u)
    out.users.push_back(user_totals(UserId(counts.users.ids()[u]), counts.user_activity[u], as_of));
  for (std::size_t i = 0; i < counts.items.size(); ++i)
    out.items.push_back(item_totals(ItemId(counts.items.ids()[i]), counts.item_activity[i], as_of));
  return out;
}

}  // namespace lodestone::features
