#include "serving/live_visitors.hpp"

#include <algorithm>
#include <string>

#include "base/hash.hpp"

namespace lodestone::serving {
namespace {

constexpr std::size_t kShards = 64;
/// Seeds by which a user and a visitor of the same text have different keys.
constexpr std::uint64_t kUserSeed = 1;
constexpr std::uint64_t kVisitorSeed = 2;
constexpr std::uint32_t kNone = ~std::uint32_t{0};

std::uint64_t key_of(UserId user) { return xxh3(std::to_string(raw(user)), kUserSeed); }
std::uint64_t key_of(std::string_view visitor) { return xxh3(visitor, kVisitorSeed); }

/// Puts an item where its time belongs, or moves it there; the oldest falls out.
void put_item(LiveVisitor& of, ItemId item, std::int64_t at) {
  std::size_t n = of.n_items;
  const auto end = of.items.begin() + static_cast<std::ptrdiff_t>(n);
  const auto found = std::find(of.items.begin(), end, item);
  std::size_t place = static_cast<std::size_t>(found - of.items.begin());
  if (found != end) {
    if (of.at[place] > at) return;
  } else {
    if (n == kLiveItems && of.at[n - 1] > at) return;
    place = n == kLiveItems ? n - 1 : n++;
  }
  for (; place > 0 && of.at[place - 1] <= at; --place) {
    of.items[place] = of.items[place - 1];
    of.at[place] = of.at[place - 1];
  }
  of.items[place] = item;
  of.at[place] = at;
  of.n_items = static_cast<std::uint32_t>(n);
}

void forget_order(LiveVisitor& of, ItemId item) {
  const auto end = of.owned.begin() + of.n_owned;
  const auto kept = std::remove(of.owned.begin(), end, item);
  of.n_owned = static_cast<std::uint32_t>(kept - of.owned.begin());
}

void put_order(LiveVisitor& of, ItemId item) {
  forget_order(of, item);
  of.n_owned = std::min<std::uint32_t>(of.n_owned + 1, kLiveOrders);
  std::move_backward(of.owned.begin(), of.owned.begin() + of.n_owned - 1, of.owned.begin() + of.n_owned);
  of.owned.front() = item;
}

void record(LiveVisitor& of, const PostedEvent& event) {
  // As in the lake, a refunded order is none (sql/labels/owned.sql).
  if (event.kind == EventKind::kRefund) return forget_order(of, event.item);
  put_item(of, event.item, event.at.time_since_epoch().count());
  if (features::is_order(event.kind)) put_order(of, event.item);
}

}  // namespace

struct LiveVisitors::Entry {
  std::optional<UserId> joined;  ///< of a visitor: whom it belongs to
  LiveVisitor visitor;
};

struct alignas(64) LiveVisitors::Shard {
  mutable std::mutex mutex;
  absl::flat_hash_map<std::uint64_t, std::uint32_t> places;
  std::vector<Entry> entries;
  /// Of each entry; apart from them, because an event moves the links of five, and entries are large.
  struct Link {
    std::uint64_t key = 0;
    std::uint32_t newer = kNone;  ///< neighbours by last event
    std::uint32_t older = kNone;
  };
  std::vector<Link> links;
  std::uint32_t newest = kNone;
  std::uint32_t oldest = kNone;

  void unlink(std::uint32_t place) {
    const Link& link = links[place];
    (link.newer == kNone ? newest : links[link.newer].older) = link.older;
    (link.older == kNone ? oldest : links[link.older].newer) = link.newer;
  }
  void link_newest(std::uint32_t place) {
    links[place].newer = kNone;
    links[place].older = newest;
    (newest == kNone ? oldest : links[newest].newer) = place;
    newest = place;
  }
  /// The entry of a key, new if need be, and the newest from now on.
  Entry& touch(std::uint64_t key, std::size_t capacity) {
    const auto found = places.find(key);
    std::uint32_t place = 0;
    if (found != places.end()) {
      place = found->second;
      unlink(place);
    } else {
      if (entries.size() < capacity) {
        place = static_cast<std::uint32_t>(entries.size());
        entries.emplace_back();
        links.emplace_back();
      } else {
        place = oldest;
        unlink(place);
        places.erase(links[place].key);
        entries[place] = {};
      }
      links[place].key = key;
      places.emplace(key, place);
    }
    link_newest(place);
    return entries[place];
  }
};

LiveVisitors::LiveVisitors(std::size_t capacity)
    : shards_(std::make_unique<Shard[]>(kShards)), capacity_(std::max<std::size_t>(1, capacity / kShards)) {}

LiveVisitors::~LiveVisitors() = default;

LiveVisitors::Shard& LiveVisitors::shard_of(std::uint64_t key) const { return shards_[key % kShards]; }

template <typename Change>
void LiveVisitors::change(std::uint64_t key, const Change& what) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  what(shard.touch(key, capacity_));
}

void LiveVisitors::add(std::span<const PostedEvent> events) {
  for (const PostedEvent& event : events) add(event);
}

void LiveVisitors::add(const PostedEvent& event) {
  if (event.kind == EventKind::kExposure) return;
  std::optional<UserId> user = event.user;
  LiveVisitor as_guest;
  if (!event.visitor_id.empty()) {
    change(key_of(event.visitor_id), [&](Entry& entry) {
      if (user && entry.joined && *entry.joined != *user) entry.visitor = {};
      if (user && !entry.joined) as_guest = entry.visitor;
      if (user) entry.joined = user;
      user = entry.joined;
      record(entry.visitor, event);
    });
  }
  if (!user) return;
  change(key_of(*user), [&](Entry& entry) {
    for (std::size_t i = 0; i < as_guest.n_items; ++i) put_item(entry.visitor, as_guest.items[i], as_guest.at[i]);
    for (std::size_t i = as_guest.n_owned; i-- > 0;) put_order(entry.visitor, as_guest.owned[i]);
    record(entry.visitor, event);
  });
}

bool LiveVisitors::find_key(std::uint64_t key, LiveVisitor& out) const {
  const Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.places.find(key);
  if (found == shard.places.end()) return false;
  out = shard.entries[found->second].visitor;
  return true;
}

bool LiveVisitors::find(UserId user, LiveVisitor& out) const { return find_key(key_of(user), out); }
bool LiveVisitors::find(std::string_view visitor, LiveVisitor& out) const { return find_key(key_of(visitor), out); }

std::size_t LiveVisitors::size() const {
  std::size_t n = 0;
  for (std::size_t s = 0; s < kShards; ++s) {
    const std::lock_guard lock(shards_[s].mutex);
    n += shards_[s].entries.size();
  }
  return n;
}

void LiveHistory::read(const LiveVisitors* visitors, const models::Release& release, std::optional<UserId> user,
                       std::string_view visitor, engine::PageRequest& page) {
  if (visitors == nullptr) return;
  // The user's entry has what the joined visitor did, so the visitor is asked for only when the user did nothing.
  const bool found = (user && visitors->find(*user, found_)) || (!visitor.empty() && visitors->find(visitor, found_));
  if (!found) return;
  const auto take = [&](std::span<const ItemId> ids, std::span<ItemIndex> out) {
    std::size_t n = 0;
    for (const ItemId id : ids) {
      if (const auto item = release.catalog.find(id)) out[n++] = *item;
    }
    return std::span<const ItemIndex>(out.first(n));
  };
  page.recent = take(std::span(found_.items).first(found_.n_items), recent_);
  page.owned = take(std::span(found_.owned).first(found_.n_owned), owned_);
}

}  // namespace lodestone::serving
