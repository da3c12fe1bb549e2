#pragma once
// What each visitor and user did last, fed by every event that is acknowledged, so that a click changes the next list. The release knows what
// happened before it was made; this is what happened since.

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "engine/page.hpp"
#include "serving/event_journal.hpp"

namespace lodestone::serving {

/// Newest items and newest orders that are kept of one visitor.
inline constexpr std::size_t kLiveItems = 32;
inline constexpr std::size_t kLiveOrders = 16;

/// What one visitor or user did: each item once, newest first.
struct LiveVisitor {
  std::array<ItemId, kLiveItems> items{};
  std::array<std::int64_t, kLiveItems> at{};  ///< when, microseconds since 1970
  std::uint32_t n_items = 0;
  std::uint32_t n_owned = 0;
  std::array<ItemId, kLiveOrders> owned{};  ///< bought, newest first
};

/// Views, clicks, carts and orders by user and by visitor. A visitor that is seen with a user id is joined to that user: what it did as a guest
/// becomes the user's, and so does what it does later without naming the user. Where another user takes over a visitor (a shared browser), the
/// visitor begins anew.
///
/// Memory: about 850 bytes a visitor or user, at most `capacity` of them; those without an event for longest go first. In shards with a lock
/// each: a request holds one of them while it copies an entry. Ids are kept as 64-bit hashes.
class LiveVisitors final : public EventSink {
 public:
  explicit LiveVisitors(std::size_t capacity);
  ~LiveVisitors() override;

  /// One thread at a time.
  void add(std::span<const PostedEvent> events) override;

  /// False when nothing is known. Any thread.
  bool find(UserId user, LiveVisitor& out) const;
  bool find(std::string_view visitor, LiveVisitor& out) const;
  /// Visitors and users that are remembered. Any thread.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Shard;
  struct Entry;
  void add(const PostedEvent& event);
  template <typename Change>
  void change(std::uint64_t key, const Change& what);
  bool find_key(std::uint64_t key, LiveVisitor& out) const;
  [[nodiscard]] Shard& shard_of(std::uint64_t key) const;

  std::unique_ptr<Shard[]> shards_;
  std::size_t capacity_;  ///< of one shard
};

/// What a request may see of it, in one thread's memory, which requests reuse.
class LiveHistory {
 public:
  /// Points `page` at what the user, else the visitor ("" = not named), did; items that the release does not have are left out. Valid until the
  /// next call. `visitors` may be null.
  void read(const LiveVisitors* visitors, const models::Release& release, std::optional<UserId> user, std::string_view visitor,
            engine::PageRequest& page);

 private:
  LiveVisitor found_;
  std::array<ItemIndex, kLiveItems> recent_{};
  std::array<ItemIndex, kLiveOrders> owned_{};
};

}  // namespace lodestone::serving
