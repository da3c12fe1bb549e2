#pragma once
// Answers kept in this process: in shards with a lock each, bounded in bytes, each with a time to live and a further time in which it is
// still given while somebody fetches it anew (stale while revalidate, RFC 5861).

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

namespace lodestone::cache {

/// Bytes that nobody changes any more.
using Bytes = std::shared_ptr<const std::string>;

/// Safe from many threads; a lock is held for a look-up or a change, never while anything is made or fetched.
class LocalTier {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Options {
    std::size_t bytes = std::size_t{64} * 1024 * 1024;  ///< of keys, values and what keeping them costs
    /// How long whoever is told to refresh a value has for it before the next is told.
    std::chrono::milliseconds refresh_time{1'000};
  };
  explicit LocalTier(Options options);

  enum class State : std::uint8_t { kMiss, kFresh, kStale };
  struct Found {
    State state = State::kMiss;
    Bytes value;
    bool should_refresh = false;  ///< stale, and the caller is the one who fetches it anew
  };
  Found find(std::string_view key, Time now);
  /// The value whatever its age, without a trace.
  [[nodiscard]] Bytes peek(std::string_view key) const;
  /// A value too large for its shard is not kept.
  void put(std::string_view key, Bytes value, Time now, std::chrono::milliseconds fresh, std::chrono::milliseconds stale);
  void erase(std::string_view key);
  void erase_if(const std::function<bool(std::string_view key)>& wanted);
  void clear();
  /// Whatever is fresh is stale from now on: it may have changed elsewhere.
  void make_stale(Time now);

  [[nodiscard]] std::size_t size() const { return n_.load(std::memory_order_relaxed); }
  /// At most Options::bytes.
  [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    std::string key;
    Bytes value;
    Time fresh_until;
    Time stale_until;
    Time refreshed_until;  ///< somebody fetches it until then
  };
  using Entries = std::list<Entry>;  ///< used last first
  struct Shard {
    mutable std::mutex mutex;
    Entries entries;
    absl::flat_hash_map<std::string_view, Entries::iterator> places;  ///< keys lie in the entries
    std::size_t bytes = 0;
  };
  static constexpr std::size_t kShards = 16;
  static std::size_t cost(const Entry& entry);
  Shard& shard_of(std::string_view key);
  [[nodiscard]] const Shard& shard_of(std::string_view key) const;
  void drop(Shard& shard, Entries::iterator entry);

  Options options_;
  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> n_{0};
  std::atomic<std::size_t> bytes_{0};
};

}  // namespace lodestone::cache
