#pragma once
// What is hot now: how many different people touched each item in the last hour, 24 hours and 7 days, in windows that slide. Fed by posted
// events; what a release knew of the same windows fades out as they slide on.

#include <absl/container/flat_hash_map.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "serving/event_journal.hpp"

namespace lodestone::serving {

/// Best first; equal counts by item, the higher id first.
struct HotItem {
  ItemId item{};
  float people = 0;
};
using HotLists = std::array<std::vector<HotItem>, models::kTrendingWindows>;

/// The windows slide by whole minutes. One person counts once for an item in a window, whatever was clicked; an event that names neither user
/// nor visitor counts nobody, as it cannot be told from a robot's. One thread feeds it (add, tick); lists may be read by many.
///
/// Memory: about 60 bytes for each (item, person) of the last 7 days and 8 for each minute in which they met again, for at most `capacity`
/// pairs; beyond them the oldest minutes fall out early.
class LiveTrending final : public EventSink {
 public:
  LiveTrending(std::size_t capacity, const Clock& clock);

  void add(std::span<const PostedEvent> events) override;
  void tick() override;

  /// Changes whenever the lists do.
  [[nodiscard]] std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  [[nodiscard]] std::shared_ptr<const HotLists> lists() const;

 private:
  struct Pair {
    ItemId item{};
    std::int64_t minute = 0;  ///< in which the person last touched it
  };
  struct Minute {
    std::int64_t minute = 0;
    std::vector<std::uint64_t> pairs;  ///< touched in it; those whose last minute is later count there
  };
  void count(const PostedEvent& event);
  void slide(std::int64_t now);
  void begin_window(std::size_t window, std::int64_t first);
  void leave(std::size_t window, const Minute& minute);
  /// Forgets the minutes before every window.
  void drop_minutes();
  Minute& minute_at(std::int64_t minute);
  void publish();

  std::size_t capacity_;
  const Clock* clock_;
  absl::flat_hash_map<std::uint64_t, Pair> pairs_;
  std::deque<Minute> minutes_;                                          ///< ascending
  std::array<std::int64_t, models::kTrendingWindows> first_minutes_{};  ///< of each window
  std::array<absl::flat_hash_map<ItemId, std::uint32_t>, models::kTrendingWindows> counts_;
  bool is_changed_ = false;

  std::atomic<std::uint64_t> generation_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const HotLists> lists_;
};

/// The lists for one release, in one thread's memory.
class TrendingReader {
 public:
  /// The live lists together with the release's, which count for the share of their window that has not slid out since the release was made at
  /// `created`; of the longest window one hundredth stays, so that a site without events keeps a list. nullptr = the release's own are right.
  const models::RankedLists* read(const LiveTrending* trending, const models::Release& release, TimePoint created, TimePoint now);

 private:
  void merge(const HotLists& live, const models::Release& release, TimePoint created, TimePoint now);

  std::uint64_t generation_ = 0;
  std::string release_;
  std::vector<std::uint64_t> offsets_;
  std::vector<ItemIndex> items_;
  std::vector<float> scores_;
  models::RankedLists lists_;
};

}  // namespace lodestone::serving
