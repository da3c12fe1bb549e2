#include "features/build/event_counts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/thread_pool.hpp"

namespace lodestone::features {
namespace {

using table::Chunk;

constexpr std::int64_t kHour = 3'600'000'000;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kActiveDays = 30;

Window window_of(std::int64_t age) {
  if (age >= 30 * kDay) return Window::kEver;
  if (age >= 7 * kDay) return Window::kMonth;
  if (age >= kDay) return Window::kWeek;
  return age >= kHour ? Window::kDay : Window::kHour;
}

std::size_t slot_of(std::int64_t position) {
  if (position <= 1) return 0;
  if (position <= 3) return 1;
  return position <= 10 ? 2 : 3;
}

constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

/// An event with the numbers of what it counts for.
struct Event {
  std::uint32_t item = 0;
  std::uint32_t user = kNobody;
  EventKind kind = EventKind::kView;
  Window window = Window::kEver;
  std::size_t slot = kSlots;  // kSlots = no position
  std::int64_t age = 0;
  double value = 0;  // NaN = not known
  std::array<double, kHalfLifeDays.size()> weights{};
};

void add_age(std::int64_t& newest, std::int64_t& oldest, std::int64_t age) {
  newest = newest == Activity::kNever ? age : std::min(newest, age);
  oldest = std::max(oldest, age);
}

void add_order(Activity& activity, const Event& event) {
  add_age(activity.last_order, activity.first_order, event.age);
  if (std::isnan(event.value)) return;
  ++activity.n_valued;
  activity.money += event.value;
  if (event.window < Window::kEver) activity.money_30d += event.value;
  const double distance = event.value - activity.money_mean;
  activity.money_mean += distance / activity.n_valued;
  activity.money_squares += distance * (event.value - activity.money_mean);
  activity.money_min = std::min(activity.money_min, event.value);
  activity.money_max = std::max(activity.money_max, event.value);
}

void add_event(Activity& activity, const Event& event) {
  ++activity.counts[static_cast<std::size_t>(event.kind)][static_cast<std::size_t>(event.window)];
  if (!is_action(event.kind)) return;
  add_age(activity.last_action, activity.first_action, event.age);
  if (event.window < Window::kEver) activity.active_days |= 1U << static_cast<std::uint32_t>(event.age / kDay);
  for (std::size_t h = 0; h < kHalfLifeDays.size(); ++h) activity.popularity[h] += event.weights[h];
  if (is_order(event.kind)) add_order(activity, event);
}

void add_slot(SlotCounts& slots, const Event& event) {
  if (event.kind == EventKind::kExposure) ++slots.exposures[event.slot];
  if (event.kind == EventKind::kClick) ++slots.clicks[event.slot];
}

/// Counts the chunks of the query below. All numbers of a chunk come first, then the places in memory are asked for before they are used: both wait for
/// memory more than they compute.
class Counter {
 public:
  explicit Counter(EventCounts& counts) : counts_(counts) { events_.reserve(2048); }

  /// A place for each number that was ever given.
  void make_room() {
    counts_.user_activity.resize(counts_.users.size());
    counts_.item_activity.resize(counts_.items.size());
    counts_.item_slots.resize(counts_.items.size());
  }

  void count(const Chunk& chunk) {
    events_.clear();
    for (std::size_t r = 0; r < chunk.n_rows(); ++r) read(chunk, r);
    make_room();
    constexpr std::size_t kAhead = 8;
    for (std::size_t e = 0; e < events_.size(); ++e) {
      if (e + kAhead < events_.size()) prefetch(events_[e + kAhead]);
      const Event& event = events_[e];
      if (event.user != kNobody) add_event(counts_.user_activity[event.user], event);
      add_event(counts_.item_activity[event.item], event);
      if (event.slot < kSlots) add_slot(counts_.item_slots[event.item], event);
    }
  }

 private:
  void prefetch(const Event& event) const {
    constexpr std::size_t kCacheLine = 64;
    if (event.user == kNobody) return;
    const auto* at = reinterpret_cast<const char*>(&counts_.user_activity[event.user]);
    for (std::size_t line = 0; line < sizeof(Activity); line += kCacheLine) __builtin_prefetch(at + line, 1);
  }

  void read(const Chunk& chunk, std::size_t r) {
    const std::optional<EventKind> kind = find_event_kind(chunk.text_at(kKind, r));
    if (!kind) return;
    Event& event = events_.emplace_back();
    event.kind = *kind;
    event.item = counts_.items.add(chunk.ints(kItem)[r]);
    if (event.item >= EventCounts::kMaxItems)
      fail(ErrorCode::kInvalidArgument, "there are events of more than {} items, which is the most that features are built for",
           EventCounts::kMaxItems);
    event.age = counts_.as_of - chunk.ints(kMicros)[r];
    event.window = window_of(event.age);
    event.value = chunk.is_null(kValue, r) ? std::numeric_limits<double>::quiet_NaN() : chunk.doubles(kValue)[r];
    if (!chunk.is_null(kPosition, r)) event.slot = slot_of(chunk.ints(kPosition)[r]);
    if (!chunk.is_null(kUser, r)) event.user = counts_.users.add(chunk.ints(kUser)[r]);
    if (!is_action(*kind)) return;
    const double days = static_cast<double>(event.age) / static_cast<double>(kDay);
    for (std::size_t h = 0; h < kHalfLifeDays.size(); ++h)
      event.weights[h] = weight_of(*kind) * std::exp2(-days / kHalfLifeDays[h]);
    add_touch(chunk, r, event);
  }

  void add_touch(const Chunk& chunk, std::size_t r, const Event& event) {
    const bool bought = is_order(event.kind);
    if (event.user != kNobody) return counts_.user_touches.add(event.user, event.item, event.window, bought);
    if (chunk.is_null(kVisitor, r)) return;
    const std::optional<std::int64_t> guest = guest_number(chunk.text_at(kVisitor, r));
    if (guest) counts_.guest_touches.add(counts_.guests.add(*guest), event.item, event.window, bought);
  }

  // Columns of the query.
  enum : std::size_t { kItem, kUser, kVisitor, kKind, kMicros, kValue, kPosition };

  EventCounts& counts_;
  std::vector<Event> events_;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::uint32_t Activity::within(EventKind kind, Window window) const {
  std::uint32_t n = 0;
  for (std::size_t w = 0; w <= static_cast<std::size_t>(window); ++w) n += counts[static_cast<std::size_t>(kind)][w];
  return n;
}

void Touches::clear() {
  for (std::vector<std::uint32_t>* part : {&persons_, &packed_, &begins_, &ends_}) *part = {};
}

void Touches::sort(std::size_t n_persons, int n_threads) {
  begins_.assign(n_persons + 1, 0);
  for (const std::uint32_t person : persons_) ++begins_[person + 1];
  for (std::size_t p = 0; p < n_persons; ++p) begins_[p + 1] += begins_[p];
  ends_.assign(begins_.begin(), begins_.end() - 1);
  std::vector<std::uint32_t> ordered(packed_.size());
  for (std::size_t t = 0; t < packed_.size(); ++t) ordered[ends_[persons_[t]]++] = packed_[t];
  packed_ = std::move(ordered);
  persons_ = {};
  parallel_for(n_persons, 1024, n_threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t p = begin; p < end; ++p) keep_one_an_item(p);
  });
}

void Touches::keep_one_an_item(std::size_t person) {
  const auto first = packed_.begin() + begins_[person];
  const auto last = packed_.begin() + ends_[person];
  std::sort(first, last);
  auto out = first;
  for (auto at = first; at != last;) {
    const std::uint32_t newest = *at;
    std::uint32_t no_order = 1;
    for (; at != last && *at >> 4U == newest >> 4U; ++at) no_order &= *at & 1U;
    *out++ = (newest & ~1U) | no_order;
  }
  ends_[person] = static_cast<std::uint32_t>(out - packed_.begin());
}

std::optional<std::int64_t> guest_number(std::string_view visitor_id) {
  constexpr std::size_t kDigits = 16;
  if (visitor_id.size() != kDigits) return std::nullopt;
  std::int64_t number = 0;
  for (const char c : visitor_id.substr(1)) {
    const int digit = hex_digit(c);
    if (digit < 0) return std::nullopt;
    number = number << 4 | digit;
  }
  return -1 - number;
}

void count_events(table::Engine& engine, TimePoint as_of, const Slice& slice, EventCounts& counts) {
  counts.as_of = as_of.time_since_epoch().count();
  counts.user_touches.clear();
  counts.guest_touches.clear();
  counts.guests = {};
  const std::string part =
      slice.n_slices == 1
          ? ""
          : fmt::format(" AND pmod(coalesce(e.user_id, visitor_key(e.visitor_id), 0), {}) = {}", slice.n_slices, slice.slice);
  Counter counter(counts);
  engine.query(
      fmt::format(
          "SELECT CAST(e.item_id AS BIGINT), CAST(e.user_id AS BIGINT), CASE WHEN e.user_id IS NULL THEN e.visitor_id END, "
          "e.kind, unix_micros(e.at), CAST(e.value AS DOUBLE), CAST(e.position AS BIGINT) FROM events e "
          "WHERE e.at <= timestamp_micros({}){}",
          counts.as_of, part),
      [&](const Chunk& chunk) { counter.count(chunk); });
  counter.make_room();  // also for items that had a number and no event
}

}  // namespace lodestone::features
