#include "features/build/online_snapshot.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/error.hpp"

namespace lodestone::features {
namespace {

using table::Chunk;

double number_at(const Chunk& chunk, std::size_t column, std::size_t row) {
  return chunk.is_null(column, row) ? std::numeric_limits<double>::quiet_NaN() : chunk.double_at(column, row);
}

std::uint32_t count_at(const Chunk& chunk, std::size_t column, std::size_t row) {
  return static_cast<std::uint32_t>(chunk.int_at(column, row));
}

/// The time that was so many days before `as_of`; null = never.
TimePoint time_at(const Chunk& chunk, std::size_t column, std::size_t row, TimePoint as_of) {
  if (chunk.is_null(column, row)) return kNever;
  return as_of - std::chrono::microseconds(std::llround(chunk.double_at(column, row) * 86400e6));
}

std::string render(const fs::path& sql_folder, const std::string& name, TimePoint as_of) {
  return table::SqlFile::load(sql_folder, name).render({{"as_of", format_rfc3339(as_of)}});
}

void read_users(table::Engine& engine, const fs::path& sql_folder, OnlineSnapshot& out) {
  engine.query(
      "SELECT user_id, user_exposure_count, user_view_count, user_click_count, user_cart_count, user_order_count, "
      "user_api_order_count, user_refund_count, user_spend_sum, user_spend_min, user_spend_max, user_first_order_days, "
      "user_last_order_days, user_last_event_days FROM (" +
          render(sql_folder, "features/user_activity", out.as_of) + ")",
      [&](const Chunk& chunk) {
        for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
          UserTotals& totals = out.users.emplace_back();
          totals.user = UserId(chunk.int_at(0, r));
          totals.exposures = count_at(chunk, 1, r);
          totals.views = count_at(chunk, 2, r);
          totals.clicks = count_at(chunk, 3, r);
          totals.carts = count_at(chunk, 4, r);
          totals.orders = count_at(chunk, 5, r);
          totals.api_orders = count_at(chunk, 6, r);
          totals.refunds = count_at(chunk, 7, r);
          totals.spend_sum = chunk.is_null(8, r) ? 0 : chunk.double_at(8, r);
          totals.spend_min = number_at(chunk, 9, r);
          totals.spend_max = number_at(chunk, 10, r);
          totals.first_order = time_at(chunk, 11, r, out.as_of);
          totals.last_order = time_at(chunk, 12, r, out.as_of);
          totals.last_event = time_at(chunk, 13, r, out.as_of);
        }
      });
}

void read_items(table::Engine& engine, const fs::path& sql_folder, OnlineSnapshot& out) {
  engine.query(
      "SELECT item_id, item_exposures_all, item_views_all, item_clicks_all, item_carts_all, item_orders_all, item_refunds_all, "
      "item_popularity_1d, item_popularity_7d, item_popularity_30d, item_first_event_days, item_last_event_days, "
      "item_last_order_days FROM (" +
          render(sql_folder, "features/item_activity", out.as_of) + ")",
      [&](const Chunk& chunk) {
        for (std::size_t r = 0; r < chunk.n_rows(); ++r) {
          ItemTotals& totals = out.items.emplace_back();
          totals.item = ItemId(chunk.int_at(0, r));
          totals.exposures = count_at(chunk, 1, r);
          totals.views = count_at(chunk, 2, r);
          totals.clicks = count_at(chunk, 3, r);
          totals.carts = count_at(chunk, 4, r);
          totals.orders = count_at(chunk, 5, r);
          totals.refunds = count_at(chunk, 6, r);
          for (std::size_t h = 0; h < totals.popularity.size(); ++h) totals.popularity[h] = chunk.double_at(7 + h, r);
          totals.popularity_at = out.as_of;
          totals.first_event = time_at(chunk, 10, r, out.as_of);
          totals.last_event = time_at(chunk, 11, r, out.as_of);
          totals.last_order = time_at(chunk, 12, r, out.as_of);
        }
      });
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

OnlineSnapshot read_online_snapshot(table::Engine& engine, const fs::path& sql_folder, TimePoint as_of) {
  OnlineSnapshot out;
  out.as_of = as_of;
  read_users(engine, sql_folder, out);
  read_items(engine, sql_folder, out);
  read_recent(engine, out);
  return out;
}

}  // namespace lodestone::features
