#include "features/online_rows.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.hpp"

namespace lodestone::features {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// The queries compare age * 24 < 1 in doubles where RecentTimes compares microseconds; the age of exactly one hour must fall on the same side.
static_assert(static_cast<double>(kHourMicros) / static_cast<double>(kDayMicros) * 24 >= 1);
static_assert(static_cast<double>(kHourMicros - 1) / static_cast<double>(kDayMicros) * 24 < 1);

// What the rows hold, in the order in which they are written below.
constexpr std::array kUserColumns = std::to_array<std::string_view>({
    "user_order_count",     "user_api_order_count", "user_refund_count",     "user_cart_count",      "user_click_count",
    "user_view_count",      "user_exposure_count",  "user_views_1h",         "user_views_24h",       "user_views_7d",
    "user_views_30d",       "user_clicks_1h",       "user_clicks_24h",       "user_clicks_7d",       "user_clicks_30d",
    "user_orders_1h",       "user_orders_24h",      "user_orders_7d",        "user_orders_30d",      "user_spend_sum",
    "user_spend_min",       "user_spend_max",       "user_first_order_days", "user_last_order_days", "user_order_span_days",
    "user_order_frequency", "user_order_recency",   "user_is_active",        "user_is_power",        "user_last_event_days",
    "user_click_rate",      "user_order_rate",
});
constexpr std::array kItemColumns = std::to_array<std::string_view>({
    "item_exposures_1h",     "item_exposures_24h",   "item_exposures_7d",  "item_exposures_30d",  "item_exposures_all",
    "item_views_1h",         "item_views_24h",       "item_views_7d",      "item_views_30d",      "item_views_all",
    "item_clicks_1h",        "item_clicks_24h",      "item_clicks_7d",     "item_clicks_30d",     "item_clicks_all",
    "item_carts_1h",         "item_carts_24h",       "item_carts_7d",      "item_carts_30d",      "item_carts_all",
    "item_orders_1h",        "item_orders_24h",      "item_orders_7d",     "item_orders_30d",     "item_orders_all",
    "item_refunds_all",      "item_popularity_1d",   "item_popularity_7d", "item_popularity_30d", "item_click_rate",
    "item_click_rate_7d",    "item_cart_rate",       "item_order_rate",    "item_order_rate_30d", "item_last_event_days",
    "item_first_event_days", "item_last_order_days",
});

std::int64_t micros(TimePoint at) { return at.time_since_epoch().count(); }

double days(TimePoint from, TimePoint to) {
  return from == kNever ? kMissing : static_cast<double>(micros(to) - micros(from)) / static_cast<double>(kDayMicros);
}

void make_earlier(TimePoint& first, TimePoint at) { first = first == kNever ? at : std::min(first, at); }

double ratio(std::uint64_t part, std::uint64_t of) {
  return of == 0 ? kMissing : static_cast<double>(part) / static_cast<double>(of);
}

/// What a decayed sum of one time is at another.
double decay(std::size_t half_life, TimePoint from, TimePoint to) {
  return from == kNever ? 0 : std::exp2(-days(from, to) / kHalfLifeDays[half_life]);
}

/// The sum stands as of its newest event, so that no factor ever grows; a late event comes in already decayed.
void add_popularity(ItemTotals& totals, double weight, TimePoint at) {
  if (totals.popularity_at == kNever) totals.popularity_at = at;
  for (std::size_t h = 0; h < kHalfLifeDays.size(); ++h) {
    double& sum = totals.popularity[h];
    sum = at > totals.popularity_at ? sum * decay(h, totals.popularity_at, at) + weight
                                    : sum + weight * decay(h, at, totals.popularity_at);
  }
  totals.popularity_at = std::max(totals.popularity_at, at);
}

template <std::size_t kSize>
std::array<std::size_t, kSize> places_of(Group group, const std::array<std::string_view, kSize>& names) {
  std::array<std::size_t, kSize> places{};
  for (std::size_t i = 0; i < kSize; ++i) {
    const std::optional<std::size_t> place = find_feature(group, names[i]);
    LODESTONE_ASSERT(place.has_value(), "no feature {}", names[i]);
    places[i] = *place;
  }
  return places;
}

/// Puts one value after the other into the columns of a row.
class RowWriter {
 public:
  RowWriter(std::span<const std::size_t> places, std::span<float> row) : places_(places), row_(row) {}
  void put(double value) { row_[places_[next_++]] = static_cast<float>(value); }
  void put(const WindowCounts& counts) {
    for (const std::size_t n : {counts.hour, counts.day, counts.week, counts.month}) put(static_cast<double>(n));
  }
  [[nodiscard]] bool is_full() const { return next_ == places_.size(); }

 private:
  std::span<const std::size_t> places_;
  std::span<float> row_;
  std::size_t next_ = 0;
};

template <typename Totals>
void add_to(OnlineSums& sums, const Totals& totals) {
  sums.exposures += totals.exposures;
  sums.views += totals.views;
  sums.clicks += totals.clicks;
  sums.carts += totals.carts;
  sums.orders += totals.orders;
}

}  // namespace

void count(OnlineUser& user, OnlineSums& sums, const OnlineEvent& event) {
  UserTotals& totals = user.totals;
  switch (event.kind) {
    case EventKind::kExposure: ++totals.exposures, ++sums.exposures; break;
    case EventKind::kView: ++totals.views, ++sums.views; break;
    case EventKind::kClick: ++totals.clicks, ++sums.clicks; break;
    case EventKind::kCart: ++totals.carts, ++sums.carts; break;
    case EventKind::kApiOrder: ++totals.api_orders; [[fallthrough]];
    case EventKind::kOrder: ++totals.orders, ++sums.orders; break;
    case EventKind::kRefund: ++totals.refunds; break;
  }
  if (is_action(event.kind)) totals.last_event = std::max(totals.last_event, event.at);
  if (!is_order(event.kind)) return;
  make_earlier(totals.first_order, event.at);
  totals.last_order = std::max(totals.last_order, event.at);
  if (std::isnan(event.value)) return;
  totals.spend_sum += event.value;
  totals.spend_min = std::fmin(totals.spend_min, event.value);
  totals.spend_max = std::fmax(totals.spend_max, event.value);
}

void count(OnlineItem& item, OnlineSums& sums, const OnlineEvent& event) {
  ItemTotals& totals = item.totals;
  switch (event.kind) {
    case EventKind::kExposure: ++totals.exposures, ++sums.exposures; break;
    case EventKind::kView: ++totals.views, ++sums.views; break;
    case EventKind::kClick: ++totals.clicks, ++sums.clicks; break;
    case EventKind::kCart: ++totals.carts, ++sums.carts; break;
    case EventKind::kOrder:
    case EventKind::kApiOrder: ++totals.orders, ++sums.orders; break;
    case EventKind::kRefund: ++totals.refunds; break;
  }
  if (is_order(event.kind)) totals.last_order = std::max(totals.last_order, event.at);
  if (!is_action(event.kind)) return;
  make_earlier(totals.first_event, event.at);
  totals.last_event = std::max(totals.last_event, event.at);
  add_popularity(totals, weight_of(event.kind), event.at);
}

void add_time(OnlineUser& user, const OnlineEvent& event) {
  const std::int64_t at = micros(event.at);
  if (event.kind == EventKind::kView) user.views.add(at);
  if (event.kind == EventKind::kClick) user.clicks.add(at);
  if (is_order(event.kind)) user.orders.add(at);
}

void add_time(OnlineItem& item, const OnlineEvent& event) {
  const std::int64_t at = micros(event.at);
  if (event.kind == EventKind::kExposure) item.exposures.add(at);
  if (event.kind == EventKind::kView) item.views.add(at);
  if (event.kind == EventKind::kClick) item.clicks.add(at);
  if (event.kind == EventKind::kCart) item.carts.add(at);
  if (is_order(event.kind)) item.orders.add(at);
}

void add_totals(OnlineSums& sums, const UserTotals& totals) { add_to(sums, totals); }
void add_totals(OnlineSums& sums, const ItemTotals& totals) { add_to(sums, totals); }

std::span<const std::string_view> online_columns(Group group) {
  switch (group) {
    case Group::kUser: return kUserColumns;
    case Group::kItem: return kItemColumns;
    case Group::kCross:
    case Group::kRequest: return {};
  }
  return {};
}

void write_row(const OnlineUser& user, const OnlineSums& sums, double smoothing, TimePoint now, std::span<float> row) {
  static const auto kPlaces = places_of(Group::kUser, kUserColumns);
  RowWriter out(kPlaces, row);
  const UserTotals& t = user.totals;
  for (const std::uint32_t n : {t.orders, t.api_orders, t.refunds, t.carts, t.clicks, t.views, t.exposures}) out.put(n);
  const std::int64_t at = micros(now);
  out.put(user.views.count(at));
  out.put(user.clicks.count(at));
  out.put(user.orders.count(at));
  out.put(t.spend_sum);
  out.put(t.spend_min);
  out.put(t.spend_max);
  const double first_order = days(t.first_order, now);
  const double last_order = days(t.last_order, now);
  const double last_event = days(t.last_event, now);
  out.put(first_order);
  out.put(last_order);
  out.put(first_order - last_order);
  out.put(t.orders == 0 ? 0 : 30.0 * t.orders / std::max(first_order, 1.0));
  out.put(t.orders == 0 ? 0 : 1 / (1 + last_order));
  out.put(last_event < 30 ? 1 : 0);
  out.put(t.orders >= 10 ? 1 : 0);
  out.put(last_event);
  out.put((t.clicks + smoothing * ratio(sums.clicks, sums.exposures)) / (t.exposures + smoothing));
  const double touches = static_cast<double>(t.views) + t.clicks;
  out.put((t.orders + smoothing * ratio(sums.orders, sums.views + sums.clicks)) / (touches + smoothing));
  LODESTONE_ASSERT(out.is_full());
}

void write_row(const OnlineItem& item, const OnlineSums& sums, double smoothing, TimePoint now, std::span<float> row) {
  static const auto kPlaces = places_of(Group::kItem, kItemColumns);
  RowWriter out(kPlaces, row);
  const ItemTotals& t = item.totals;
  const std::int64_t at = micros(now);
  const auto put = [&](const WindowCounts& counts, std::uint32_t all) {
    out.put(counts);
    out.put(all);
  };
  const WindowCounts exposures = item.exposures.count(at);
  const WindowCounts views = item.views.count(at);
  const WindowCounts clicks = item.clicks.count(at);
  const WindowCounts orders = item.orders.count(at);
  put(exposures, t.exposures);
  put(views, t.views);
  put(clicks, t.clicks);
  put(item.carts.count(at), t.carts);
  put(orders, t.orders);
  out.put(t.refunds);
  for (std::size_t h = 0; h < kHalfLifeDays.size(); ++h) out.put(t.popularity[h] * decay(h, t.popularity_at, now));
  const auto rate = [&](double part, double of, double all) { return (part + smoothing * all) / (of + smoothing); };
  const double clicks_per_exposure = ratio(sums.clicks, sums.exposures);
  const double carts_per_touch = ratio(sums.carts, sums.views + sums.clicks);
  const double orders_per_touch = ratio(sums.orders, sums.views + sums.clicks);
  const double touches = static_cast<double>(t.views) + t.clicks;
  out.put(rate(t.clicks, t.exposures, clicks_per_exposure));
  out.put(rate(static_cast<double>(clicks.week), static_cast<double>(exposures.week), clicks_per_exposure));
  out.put(rate(t.carts, touches, carts_per_touch));
  out.put(rate(t.orders, touches, orders_per_touch));
  out.put(rate(static_cast<double>(orders.month), static_cast<double>(views.month + clicks.month), orders_per_touch));
  out.put(days(t.last_event, now));
  out.put(days(t.first_event, now));
  out.put(days(t.last_order, now));
  LODESTONE_ASSERT(out.is_full());
}

}  // namespace lodestone::features
