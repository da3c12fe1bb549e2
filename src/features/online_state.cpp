#include "features/online_state.hpp"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "features/recent_times.hpp"
#include "features/touched_map.hpp"

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

// Half-lives of ItemTotals::popularity, in days.
constexpr std::array<double, 3> kHalfLives = {1, 7, 30};

struct User {
  UserTotals totals;
  RecentTimes views, clicks, orders;
  [[nodiscard]] bool has_until(std::int64_t at) const {
    return views.has_until(at) || clicks.has_until(at) || orders.has_until(at);
  }
  void drop(std::int64_t at) {
    for (RecentTimes* times : {&views, &clicks, &orders}) times->drop(at);
  }
};

struct Item {
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
struct Sums {
  std::uint64_t exposures = 0;
  std::uint64_t views = 0;
  std::uint64_t clicks = 0;
  std::uint64_t carts = 0;
  std::uint64_t orders = 0;

  [[nodiscard]] static double ratio(std::uint64_t part, std::uint64_t of) {
    return of == 0 ? kMissing : static_cast<double>(part) / static_cast<double>(of);
  }
};

std::int64_t micros(TimePoint at) { return at.time_since_epoch().count(); }
bool is_order(EventKind kind) { return kind == EventKind::kOrder || kind == EventKind::kApiOrder; }
bool is_action(EventKind kind) { return kind != EventKind::kExposure && kind != EventKind::kRefund; }

double days(TimePoint from, TimePoint to) {
  return from == kNever ? kMissing : static_cast<double>(micros(to) - micros(from)) / static_cast<double>(kDayMicros);
}

void make_earlier(TimePoint& first, TimePoint at) { first = first == kNever ? at : std::min(first, at); }

/// The weights of sql/features/item_activity.sql.
double weight_of(EventKind kind) {
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

/// What a decayed sum of one time is at another.
double decay(std::size_t half_life, TimePoint from, TimePoint to) {
  return from == kNever ? 0 : std::exp2(-days(from, to) / kHalfLives[half_life]);
}

/// The sum stands as of its newest event, so that no factor ever grows; a late event comes in already decayed.
void add_popularity(ItemTotals& totals, double weight, TimePoint at) {
  if (totals.popularity_at == kNever) totals.popularity_at = at;
  for (std::size_t h = 0; h < kHalfLives.size(); ++h) {
    double& sum = totals.popularity[h];
    sum = at > totals.popularity_at ? sum * decay(h, totals.popularity_at, at) + weight
                                    : sum + weight * decay(h, at, totals.popularity_at);
  }
  totals.popularity_at = std::max(totals.popularity_at, at);
}

void count(User& user, Sums& sums, const OnlineEvent& event) {
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

void count(Item& item, Sums& sums, const OnlineEvent& event) {
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

void add_time(User& user, const OnlineEvent& event) {
  const std::int64_t at = micros(event.at);
  if (event.kind == EventKind::kView) user.views.add(at);
  if (event.kind == EventKind::kClick) user.clicks.add(at);
  if (is_order(event.kind)) user.orders.add(at);
}

void add_time(Item& item, const OnlineEvent& event) {
  const std::int64_t at = micros(event.at);
  if (event.kind == EventKind::kExposure) item.exposures.add(at);
  if (event.kind == EventKind::kView) item.views.add(at);
  if (event.kind == EventKind::kClick) item.clicks.add(at);
  if (event.kind == EventKind::kCart) item.carts.add(at);
  if (is_order(event.kind)) item.orders.add(at);
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

void write_user(const User& user, const Sums& sums, double smoothing, TimePoint now, RowWriter& out) {
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
  out.put((t.clicks + smoothing * Sums::ratio(sums.clicks, sums.exposures)) / (t.exposures + smoothing));
  const double touches = static_cast<double>(t.views) + t.clicks;
  out.put((t.orders + smoothing * Sums::ratio(sums.orders, sums.views + sums.clicks)) / (touches + smoothing));
}

void write_item(const Item& item, const Sums& sums, double smoothing, TimePoint now, RowWriter& out) {
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
  for (std::size_t h = 0; h < kHalfLives.size(); ++h) out.put(t.popularity[h] * decay(h, t.popularity_at, now));
  const auto rate = [&](double part, double of, double all) { return (part + smoothing * all) / (of + smoothing); };
  const double clicks_per_exposure = Sums::ratio(sums.clicks, sums.exposures);
  const double carts_per_touch = Sums::ratio(sums.carts, sums.views + sums.clicks);
  const double orders_per_touch = Sums::ratio(sums.orders, sums.views + sums.clicks);
  const double touches = static_cast<double>(t.views) + t.clicks;
  out.put(rate(t.clicks, t.exposures, clicks_per_exposure));
  out.put(rate(static_cast<double>(clicks.week), static_cast<double>(exposures.week), clicks_per_exposure));
  out.put(rate(t.carts, touches, carts_per_touch));
  out.put(rate(t.orders, touches, orders_per_touch));
  out.put(rate(static_cast<double>(orders.month), static_cast<double>(views.month + clicks.month), orders_per_touch));
  out.put(days(t.last_event, now));
  out.put(days(t.first_event, now));
  out.put(days(t.last_order, now));
}

/// Items that share a slot only look changed more often; the slots fit into a core's cache.
constexpr std::size_t kChangeSlots = 4096;
std::size_t change_slot(ItemId item) { return static_cast<std::size_t>(raw(item)) % kChangeSlots; }

std::uint64_t next_serial() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

}  // namespace

struct OnlineState::Data {
  explicit Data(const Options& of) : options(of), users(of.newcomers), items(of.newcomers) {}

  Options options;
  std::uint64_t serial = next_serial();
  std::array<std::uint32_t, kChangeSlots> changes{};
  TouchedMap<UserId, User> users;
  TouchedMap<ItemId, Item> items;
  Sums user_sums;
  Sums item_sums;
  TimePoint newest{};  ///< latest `now` of all
  // Ids of two generations: each id stays from its arrival for at least one lateness, after which its event would be too late anyway.
  absl::flat_hash_set<std::uint64_t> ids;
  absl::flat_hash_set<std::uint64_t> older_ids;
  TimePoint generation_at{};
  std::size_t n_user_features = features_of(Group::kUser).size();
  std::size_t n_item_features = features_of(Group::kItem).size();
  std::array<std::size_t, kUserColumns.size()> user_places = places_of(Group::kUser, kUserColumns);
  std::array<std::size_t, kItemColumns.size()> item_places = places_of(Group::kItem, kItemColumns);

  void load(const OnlineSnapshot& snapshot);
  void load_recent(const OnlineSnapshot& snapshot);
  /// False when the id is known.
  bool remember(std::uint64_t id) {
    if (newest - generation_at > options.lateness) {
      if (newest - generation_at > 2 * options.lateness) ids.clear();
      older_ids = std::move(ids);
      ids.clear();
      generation_at = newest;
    }
    return !older_ids.contains(id) && ids.insert(id).second;
  }
};

void OnlineState::Data::load(const OnlineSnapshot& snapshot) {
  newest = generation_at = snapshot.as_of;
  users.reserve(snapshot.users.size());
  for (const UserTotals& totals : snapshot.users) {
    if (!users.keep(totals.user, User{totals, {}, {}, {}}))
      fail(ErrorCode::kContract, "the online snapshot has user {} twice; build it again", raw(totals.user));
    user_sums.exposures += totals.exposures;
    user_sums.views += totals.views;
    user_sums.clicks += totals.clicks;
    user_sums.carts += totals.carts;
    user_sums.orders += totals.orders;
  }
  items.reserve(snapshot.items.size());
  for (const ItemTotals& totals : snapshot.items) {
    if (!items.keep(totals.item, Item{totals, {}, {}, {}, {}, {}}))
      fail(ErrorCode::kContract, "the online snapshot has item {} twice; build it again", raw(totals.item));
    item_sums.exposures += totals.exposures;
    item_sums.views += totals.views;
    item_sums.clicks += totals.clicks;
    item_sums.carts += totals.carts;
    item_sums.orders += totals.orders;
  }
  load_recent(snapshot);
}

void OnlineState::Data::load_recent(const OnlineSnapshot& snapshot) {
  TimePoint before = snapshot.as_of - std::chrono::microseconds(kRecentMicros);
  for (const OnlineEvent& event : snapshot.recent) {
    if (event.at < before || event.at > snapshot.as_of) {
      fail(ErrorCode::kContract, "the online snapshot of {} has an event of {} out of its order or time; build it again",
           format_rfc3339(snapshot.as_of), format_rfc3339(event.at));
    }
    before = event.at;
    if (event.user) add_time(users.keep(*event.user), event);
    add_time(items.keep(event.item), event);
    if (event.at >= snapshot.as_of - options.lateness) ids.insert(event.id);
  }
}

std::optional<EventKind> find_event_kind(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames = {"exposure", "view", "click", "cart", "order", "api_order", "refund"};
  const auto* it = std::find(kNames.begin(), kNames.end(), name);
  return it == kNames.end() ? std::nullopt : std::optional(static_cast<EventKind>(it - kNames.begin()));
}

std::uint64_t online_event_id(std::string_view event_id) { return xxh3(event_id); }

std::span<const std::string_view> online_columns(Group group) {
  switch (group) {
    case Group::kUser: return kUserColumns;
    case Group::kItem: return kItemColumns;
    case Group::kCross:
    case Group::kRequest: return {};
  }
  return {};
}

OnlineState::OnlineState(const OnlineSnapshot& snapshot, const Options& options) : data_(std::make_unique<Data>(options)) {
  if (options.lateness.count() < 0 || options.lateness.count() > kRecentMicros)
    fail(ErrorCode::kInvalidArgument, "a lateness of {} microseconds is not between 0 and 30 days", options.lateness.count());
  data_->load(snapshot);
}

OnlineState::~OnlineState() = default;
OnlineState::OnlineState(OnlineState&&) noexcept = default;
OnlineState& OnlineState::operator=(OnlineState&&) noexcept = default;

OnlineState::Added OnlineState::add(const OnlineEvent& event, TimePoint now) {
  Data& data = *data_;
  data.newest = std::max(data.newest, now);
  if (event.at > data.newest) return Added::kAhead;
  if (event.at < data.newest - data.options.lateness) return Added::kTooLate;
  if (!data.remember(event.id)) return Added::kDuplicate;
  if (event.user) {
    User& user = data.users.touch(*event.user);
    count(user, data.user_sums, event);
    add_time(user, event);
  }
  ++data.changes[change_slot(event.item)];
  Item& item = data.items.touch(event.item);
  count(item, data.item_sums, event);
  add_time(item, event);
  return Added::kAdded;
}

void OnlineState::user_row(UserId user, TimePoint now, std::span<float> row) const {
  const Data& data = *data_;
  LODESTONE_ASSERT(row.size() == data.n_user_features, "{} columns", row.size());
  const User none;
  const auto* found = data.users.find(user);
  RowWriter out(data.user_places, row);
  write_user(found == nullptr ? none : *found, data.user_sums, data.options.smoothing, std::max(now, data.newest), out);
  LODESTONE_ASSERT(out.is_full());
}

void OnlineState::item_row(ItemId item, TimePoint now, std::span<float> row) const {
  const Data& data = *data_;
  LODESTONE_ASSERT(row.size() == data.n_item_features, "{} columns", row.size());
  const Item none;
  const auto* found = data.items.find(item);
  RowWriter out(data.item_places, row);
  write_item(found == nullptr ? none : *found, data.item_sums, data.options.smoothing, std::max(now, data.newest), out);
  LODESTONE_ASSERT(out.is_full());
}

std::uint64_t OnlineState::serial() const { return data_->serial; }

std::uint32_t OnlineState::changes(ItemId item) const { return data_->changes[change_slot(item)]; }

OnlineState::Stale OnlineState::find_stale(TimePoint now) const {
  const std::int64_t oldest = micros(std::max(now, data_->newest)) - kRecentMicros;
  Stale out;
  data_->users.each([&](UserId id, const User& user) {
    if (user.has_until(oldest)) out.users.push_back(id);
  });
  data_->items.each([&](ItemId id, const Item& item) {
    if (item.has_until(oldest)) out.items.push_back(id);
  });
  return out;
}

void OnlineState::forget(TimePoint now, std::span<const UserId> users, std::span<const ItemId> items) {
  data_->newest = std::max(now, data_->newest);
  const std::int64_t oldest = micros(data_->newest) - kRecentMicros;
  for (const UserId id : users) {
    if (User* user = data_->users.find(id)) user->drop(oldest);
  }
  for (const ItemId id : items) {
    if (Item* item = data_->items.find(id)) item->drop(oldest);
  }
}

}  // namespace lodestone::features
