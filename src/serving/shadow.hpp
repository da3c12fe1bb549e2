#pragma once
// A release in the shadow: makes the lists that were shown once more with the bundle on trial, away from the threads that answer, and tells how
// far the two are apart.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/recommender.hpp"
#include "metrics/registry.hpp"
#include "serving/release_holder.hpp"

namespace lodestone::serving {

/// How far two lists are apart.
struct ListDifference {
  double overlap = 1;  ///< items in both / items of the longer list; of two empty lists 1
  double rank_difference =
      0;  ///< mean over the items of either: |rank - rank|, where a list without the item has it one behind its last
  bool same_first = true;
};
ListDifference compare_lists(std::span<const ItemId> shown, std::span<const ItemId> other);

/// Sums over the lists of one trial.
struct ShadowSummary {
  std::uint64_t n_compared = 0;
  std::uint64_t n_dropped = 0;  ///< lists that it had no time for
  double overlap = 0;           ///< means from here on
  double rank_difference = 0;
  double same_first = 0;
};

/// offer() is safe from many threads; start and stop belong to one.
class Shadow {
 public:
  Shadow(const ReleaseHolder& releases, metrics::Registry& registry);
  ~Shadow();
  Shadow(const Shadow&) = delete;
  Shadow& operator=(const Shadow&) = delete;

  /// Copies the request and the list into a queue of kQueue; when that is full or somebody else writes to it the list is dropped and counted, so nobody
  /// waits. Allocates only until the queue's memory has grown.
  static constexpr std::size_t kQueue = 256;
  void offer(const engine::PageRequest& request, const models::Release& shown_by, const engine::Page& page);

  /// Of the trial that runs, or ran last.
  [[nodiscard]] ShadowSummary summary() const;

  void start();
  void stop();

 private:
  /// A request that stands alone: items by their ids, since another release numbers them otherwise.
  struct Task {
    engine::PageRequest request;
    std::optional<ItemId> item;
    std::vector<ItemId> recent;
    std::vector<ItemId> exclude;
    std::vector<std::uint64_t> tokens;
    std::optional<engine::Filter> filter;
    std::vector<ItemId> shown;
  };
  static void fill(Task& task, const engine::PageRequest& request, const models::Release& shown_by, const engine::Page& page);
  void run();
  void compare(Task& task, const Lineup& lineup);
  void count(const Task& task, const Lineup& lineup, const ListDifference& difference);

  const ReleaseHolder* releases_;
  metrics::ThreadSlots* slots_;
  metrics::Counter compared_;
  metrics::Counter dropped_;
  metrics::Histogram overlap_;
  metrics::Histogram rank_difference_;
  std::atomic<std::uint64_t> n_dropped_{0};

  std::mutex mutex_;  ///< guards the queue
  std::vector<Task> queue_ = std::vector<Task>(kQueue);
  std::size_t first_ = 0;
  std::size_t n_ = 0;
  bool is_stopping_ = false;
  std::condition_variable wake_;

  // The shadow's own thread.
  Task task_;
  engine::Scratch scratch_;
  engine::Page page_;
  std::vector<ItemIndex> recent_;
  std::vector<ItemId> other_;
  std::thread thread_;

  mutable std::mutex summary_mutex_;  ///< guards the sums
  std::string trial_id_;
  ShadowSummary sums_;
};

}  // namespace lodestone::serving
