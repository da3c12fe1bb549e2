#include "features/online_state.hpp"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <atomic>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "features/online_rows.hpp"
#include "features/touched_map.hpp"

namespace lodestone::features {
namespace {

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
  TouchedMap<UserId, OnlineUser> users;
  TouchedMap<ItemId, OnlineItem> items;
  OnlineSums user_sums;
  OnlineSums item_sums;
  TimePoint newest{};  ///< latest `now` of all
  // Ids of two generations: each id stays from its arrival for at least one lateness, after which its event would be too late anyway.
  absl::flat_hash_set<std::uint64_t> ids;
  absl::flat_hash_set<std::uint64_t> older_ids;
  TimePoint generation_at{};
  std::size_t n_user_features = features_of(Group::kUser).size();
  std::size_t n_item_features = features_of(Group::kItem).size();

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
    if (!users.keep(totals.user, OnlineUser{totals, {}, {}, {}}))
      fail(ErrorCode::kContract, "the online snapshot has user {} twice; build it again", raw(totals.user));
    add_totals(user_sums, totals);
  }
  items.reserve(snapshot.items.size());
  for (const ItemTotals& totals : snapshot.items) {
    if (!items.keep(totals.item, OnlineItem{totals, {}, {}, {}, {}, {}}))
      fail(ErrorCode::kContract, "the online snapshot has item {} twice; build it again", raw(totals.item));
    add_totals(item_sums, totals);
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

std::uint64_t online_event_id(std::string_view event_id) { return xxh3(event_id); }

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
    OnlineUser& user = data.users.touch(*event.user);
    count(user, data.user_sums, event);
    add_time(user, event);
  }
  ++data.changes[change_slot(event.item)];
  OnlineItem& item = data.items.touch(event.item);
  count(item, data.item_sums, event);
  add_time(item, event);
  return Added::kAdded;
}

void OnlineState::user_row(UserId user, TimePoint now, std::span<float> row) const {
  const Data& data = *data_;
  LODESTONE_ASSERT(row.size() == data.n_user_features, "{} columns", row.size());
  const OnlineUser none;
  const auto* found = data.users.find(user);
  write_row(found == nullptr ? none : *found, data.user_sums, data.options.smoothing, std::max(now, data.newest), row);
}

void OnlineState::item_row(ItemId item, TimePoint now, std::span<float> row) const {
  const Data& data = *data_;
  LODESTONE_ASSERT(row.size() == data.n_item_features, "{} columns", row.size());
  const OnlineItem none;
  const auto* found = data.items.find(item);
  write_row(found == nullptr ? none : *found, data.item_sums, data.options.smoothing, std::max(now, data.newest), row);
}

std::uint64_t OnlineState::serial() const { return data_->serial; }

std::uint32_t OnlineState::changes(ItemId item) const { return data_->changes[change_slot(item)]; }

OnlineState::Stale OnlineState::find_stale(TimePoint now) const {
  const std::int64_t oldest = std::max(now, data_->newest).time_since_epoch().count() - kRecentMicros;
  Stale out;
  data_->users.each([&](UserId id, const OnlineUser& user) {
    if (user.has_until(oldest)) out.users.push_back(id);
  });
  data_->items.each([&](ItemId id, const OnlineItem& item) {
    if (item.has_until(oldest)) out.items.push_back(id);
  });
  return out;
}

void OnlineState::forget(TimePoint now, std::span<const UserId> users, std::span<const ItemId> items) {
  data_->newest = std::max(now, data_->newest);
  const std::int64_t oldest = data_->newest.time_since_epoch().count() - kRecentMicros;
  for (const UserId id : users) {
    if (OnlineUser* user = data_->users.find(id)) user->drop(oldest);
  }
  for (const ItemId id : items) {
    if (OnlineItem* item = data_->items.find(id)) item->drop(oldest);
  }
}

}  // namespace lodestone::features
