#include "bundle/online_file.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "base/error.hpp"

namespace lodestone::bundle {
namespace {

using features::EventKind;
using features::ItemTotals;
using features::OnlineEvent;
using features::OnlineSnapshot;
using features::UserTotals;

constexpr std::size_t kUserCounts = 7;
constexpr std::size_t kItemCounts = 6;
constexpr std::size_t kTimes = 3;
constexpr std::size_t kSums = 3;
/// In place of the user of a guest's event.
constexpr std::int64_t kNobody = std::numeric_limits<std::int64_t>::min();

/// Thirty thousand years around 1970: differences of times then stay inside 64 bits.
constexpr std::int64_t kFarthest = 946'080'000'000'000'000;

std::int64_t micros(TimePoint at) { return at.time_since_epoch().count(); }
TimePoint time_of(std::int64_t micros) { return TimePoint(std::chrono::microseconds(micros)); }

[[noreturn]] void bad(const TensorFile& file, std::string_view what) {
  fail(ErrorCode::kCorrupt, "{}: {}; roll back or publish again", file.file().path().string(), what);
}

/// Ids that rise are each there once.
void check_rising(const TensorFile& file, std::string_view name, std::span<const std::int64_t> ids) {
  for (std::size_t i = 1; i < ids.size(); ++i) {
    if (ids[i - 1] >= ids[i]) bad(file, fmt::format("array {}: the ids do not rise at {}", name, i));
  }
}

void check_times(const TensorFile& file, std::string_view name, std::span<const std::int64_t> times) {
  for (const std::int64_t at : times) {
    if (at != micros(features::kNever) && (at < -kFarthest || at > kFarthest))
      bad(file, fmt::format("array {}: a time is none", name));
  }
}

/// Totals by ascending id.
template <typename Totals>
std::vector<const Totals*> ordered(const std::vector<Totals>& totals, auto id_of) {
  std::vector<const Totals*> out;
  for (const Totals& one : totals) out.push_back(&one);
  std::sort(out.begin(), out.end(), [&](const Totals* a, const Totals* b) { return id_of(*a) < id_of(*b); });
  return out;
}

struct UserArrays {
  std::vector<std::int64_t> ids;
  std::vector<std::int32_t> counts;
  std::vector<double> spend;
  std::vector<std::int64_t> times;
};
UserArrays user_arrays(const OnlineSnapshot& snapshot) {
  UserArrays out;
  for (const UserTotals* t : ordered(snapshot.users, [](const UserTotals& one) { return raw(one.user); })) {
    out.ids.push_back(raw(t->user));
    for (const std::uint32_t n : {t->exposures, t->views, t->clicks, t->carts, t->orders, t->api_orders, t->refunds})
      out.counts.push_back(static_cast<std::int32_t>(n));
    out.spend.insert(out.spend.end(), {t->spend_sum, t->spend_min, t->spend_max});
    for (const TimePoint at : {t->first_order, t->last_order, t->last_event}) out.times.push_back(micros(at));
  }
  return out;
}

struct ItemArrays {
  std::vector<std::int64_t> ids;
  std::vector<std::int32_t> counts;
  std::vector<double> popularity;
  std::vector<std::int64_t> popularity_at;
  std::vector<std::int64_t> times;
};
ItemArrays item_arrays(const OnlineSnapshot& snapshot) {
  ItemArrays out;
  for (const ItemTotals* t : ordered(snapshot.items, [](const ItemTotals& one) { return raw(one.item); })) {
    out.ids.push_back(raw(t->item));
    for (const std::uint32_t n : {t->exposures, t->views, t->clicks, t->carts, t->orders, t->refunds})
      out.counts.push_back(static_cast<std::int32_t>(n));
    out.popularity.insert(out.popularity.end(), t->popularity.begin(), t->popularity.end());
    out.popularity_at.push_back(micros(t->popularity_at));
    for (const TimePoint at : {t->first_event, t->last_event, t->last_order}) out.times.push_back(micros(at));
  }
  return out;
}

struct EventArrays {
  std::vector<std::uint64_t> ids;
  std::vector<std::uint8_t> kinds;
  std::vector<std::int64_t> users;
  std::vector<std::int64_t> items;
  std::vector<std::int64_t> times;
  std::vector<double> values;
};
EventArrays event_arrays(const OnlineSnapshot& snapshot) {
  EventArrays out;
  for (const OnlineEvent& event : snapshot.recent) {
    out.ids.push_back(event.id);
    out.kinds.push_back(static_cast<std::uint8_t>(event.kind));
    out.users.push_back(event.user ? raw(*event.user) : kNobody);
    out.items.push_back(raw(event.item));
    out.times.push_back(micros(event.at));
    out.values.push_back(event.value);
  }
  return out;
}

void load_users(const TensorFile& file, OnlineSnapshot& out) {
  const auto ids = file.array<std::int64_t>("user_id");
  check_rising(file, "user_id", ids);
  const auto counts = file.array<std::int32_t>("user_counts", ids.size() * kUserCounts);
  const auto spend = file.array<double>("user_spend", ids.size() * kSums);
  const auto times = file.array<std::int64_t>("user_times", ids.size() * kTimes);
  check_times(file, "user_times", times);
  out.users.resize(ids.size());
  for (std::size_t u = 0; u < ids.size(); ++u) {
    UserTotals& t = out.users[u];
    t.user = UserId(ids[u]);
    const std::array<std::uint32_t*, kUserCounts> to = {&t.exposures, &t.views,      &t.clicks, &t.carts,
                                                        &t.orders,    &t.api_orders, &t.refunds};
    for (std::size_t c = 0; c < to.size(); ++c) *to[c] = static_cast<std::uint32_t>(counts[u * kUserCounts + c]);
    t.spend_sum = spend[u * kSums];
    t.spend_min = spend[u * kSums + 1];
    t.spend_max = spend[u * kSums + 2];
    t.first_order = time_of(times[u * kTimes]);
    t.last_order = time_of(times[u * kTimes + 1]);
    t.last_event = time_of(times[u * kTimes + 2]);
  }
}

void load_items(const TensorFile& file, OnlineSnapshot& out) {
  const auto ids = file.array<std::int64_t>("item_id");
  check_rising(file, "item_id", ids);
  const auto counts = file.array<std::int32_t>("item_counts", ids.size() * kItemCounts);
  const auto popularity = file.array<double>("item_popularity", ids.size() * kSums);
  const auto popularity_at = file.array<std::int64_t>("item_popularity_at", ids.size());
  const auto times = file.array<std::int64_t>("item_times", ids.size() * kTimes);
  check_times(file, "item_popularity_at", popularity_at);
  check_times(file, "item_times", times);
  out.items.resize(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ItemTotals& t = out.items[i];
    t.item = ItemId(ids[i]);
    const std::array<std::uint32_t*, kItemCounts> to = {&t.exposures, &t.views, &t.clicks, &t.carts, &t.orders, &t.refunds};
    for (std::size_t c = 0; c < to.size(); ++c) *to[c] = static_cast<std::uint32_t>(counts[i * kItemCounts + c]);
    for (std::size_t h = 0; h < kSums; ++h) t.popularity[h] = popularity[i * kSums + h];
    t.popularity_at = time_of(popularity_at[i]);
    t.first_event = time_of(times[i * kTimes]);
    t.last_event = time_of(times[i * kTimes + 1]);
    t.last_order = time_of(times[i * kTimes + 2]);
  }
}

void load_recent(const TensorFile& file, OnlineSnapshot& out) {
  const auto ids = file.array<std::uint64_t>("event_id");
  const auto kinds = file.array<std::uint8_t>("event_kind", ids.size());
  const auto users = file.array<std::int64_t>("event_user", ids.size());
  const auto items = file.array<std::int64_t>("event_item", ids.size());
  const auto times = file.array<std::int64_t>("event_at", ids.size());
  const auto values = file.array<double>("event_value", ids.size());
  std::int64_t before = micros(out.as_of - std::chrono::days(30));
  out.recent.resize(ids.size());
  for (std::size_t e = 0; e < ids.size(); ++e) {
    if (kinds[e] > static_cast<std::uint8_t>(EventKind::kRefund)) bad(file, fmt::format("event {} is of a kind that is none", e));
    if (times[e] < before || times[e] > micros(out.as_of)) bad(file, fmt::format("event {} is out of its order or time", e));
    before = times[e];
    OnlineEvent& event = out.recent[e];
    event.id = ids[e];
    event.kind = static_cast<EventKind>(kinds[e]);
    if (users[e] != kNobody) event.user = UserId(users[e]);
    event.item = ItemId(items[e]);
    event.at = time_of(times[e]);
    event.value = values[e];
  }
}

}  // namespace

void save_online_snapshot(const OnlineSnapshot& snapshot, const fs::path& path) {
  const std::vector<std::int64_t> as_of = {micros(snapshot.as_of)};
  const UserArrays users = user_arrays(snapshot);
  const ItemArrays items = item_arrays(snapshot);
  const EventArrays events = event_arrays(snapshot);
  TensorWriter writer;
  writer.add("as_of", as_of);
  writer.add("user_id", users.ids);
  writer.add_matrix<std::int32_t>("user_counts", users.counts, users.ids.size(), kUserCounts);
  writer.add_matrix<double>("user_spend", users.spend, users.ids.size(), kSums);
  writer.add_matrix<std::int64_t>("user_times", users.times, users.ids.size(), kTimes);
  writer.add("item_id", items.ids);
  writer.add_matrix<std::int32_t>("item_counts", items.counts, items.ids.size(), kItemCounts);
  writer.add_matrix<double>("item_popularity", items.popularity, items.ids.size(), kSums);
  writer.add("item_popularity_at", items.popularity_at);
  writer.add_matrix<std::int64_t>("item_times", items.times, items.ids.size(), kTimes);
  writer.add("event_id", events.ids);
  writer.add("event_kind", events.kinds);
  writer.add("event_user", events.users);
  writer.add("event_item", events.items);
  writer.add("event_at", events.times);
  writer.add("event_value", events.values);
  writer.save(path);
}

OnlineSnapshot load_online_snapshot(const TensorFile& file) {
  OnlineSnapshot out;
  const std::int64_t as_of = file.array<std::int64_t>("as_of", 1)[0];
  if (as_of < -kFarthest || as_of > kFarthest) bad(file, "as_of is no time");
  out.as_of = time_of(as_of);
  load_users(file, out);
  load_items(file, out);
  load_recent(file, out);
  return out;
}

}  // namespace lodestone::bundle
