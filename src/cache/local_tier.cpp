#include "cache/local_tier.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"

namespace lodestone::cache {
namespace {

/// List node, place in the table and the string's own block, about.
constexpr std::size_t kEntryBytes = 224;

}  // namespace

LocalTier::LocalTier(Options options) : options_(options) {}

std::size_t LocalTier::cost(const Entry& entry) { return kEntryBytes + entry.key.size() + entry.value->size(); }

LocalTier::Shard& LocalTier::shard_of(std::string_view key) { return shards_[xxh3(key) % kShards]; }
const LocalTier::Shard& LocalTier::shard_of(std::string_view key) const { return shards_[xxh3(key) % kShards]; }

LocalTier::Found LocalTier::find(std::string_view key, Time now) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto place = shard.places.find(key);
  if (place == shard.places.end()) return {};
  Entry& entry = *place->second;
  if (now >= entry.stale_until) {
    drop(shard, place->second);
    return {};
  }
  shard.entries.splice(shard.entries.begin(), shard.entries, place->second);
  if (now < entry.fresh_until) return {State::kFresh, entry.value, false};
  const bool mine = now >= entry.refreshed_until;
  if (mine) entry.refreshed_until = now + options_.refresh_time;
  return {State::kStale, entry.value, mine};
}

Bytes LocalTier::peek(std::string_view key) const {
  const Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto place = shard.places.find(key);
  return place == shard.places.end() ? nullptr : place->second->value;
}

void LocalTier::put(std::string_view key, Bytes value, Time now, std::chrono::milliseconds fresh,
                    std::chrono::milliseconds stale) {
  Shard& shard = shard_of(key);
  const std::size_t most = options_.bytes / kShards;
  const std::lock_guard lock(shard.mutex);
  if (const auto place = shard.places.find(key); place != shard.places.end()) drop(shard, place->second);
  Entry entry{std::string(key), std::move(value), now + fresh, now + fresh + stale, {}};
  const std::size_t bytes = cost(entry);
  if (bytes > most) return;
  while (shard.bytes + bytes > most) drop(shard, std::prev(shard.entries.end()));
  shard.entries.push_front(std::move(entry));
  shard.places.emplace(shard.entries.front().key, shard.entries.begin());
  shard.bytes += bytes;
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
  n_.fetch_add(1, std::memory_order_relaxed);
}

void LocalTier::drop(Shard& shard, Entries::iterator entry) {
  const std::size_t bytes = cost(*entry);
  shard.bytes -= bytes;
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  n_.fetch_sub(1, std::memory_order_relaxed);
  shard.places.erase(entry->key);
  shard.entries.erase(entry);
}

void LocalTier::erase(std::string_view key) {
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (const auto place = shard.places.find(key); place != shard.places.end()) drop(shard, place->second);
}

void LocalTier::erase_if(const std::function<bool(std::string_view key)>& wanted) {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto entry = shard.entries.begin(); entry != shard.entries.end();) {
      const auto next = std::next(entry);
      if (wanted(entry->key)) drop(shard, entry);
      entry = next;
    }
  }
}

void LocalTier::make_stale(Time now) {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (Entry& entry : shard.entries) entry.fresh_until = std::min(entry.fresh_until, now);
  }
}

void LocalTier::clear() {
  erase_if([](std::string_view) { return true; });
}

}  // namespace lodestone::cache
