#pragma once
// The features that move with every event, kept up to date for each release that answers: its snapshot, the journal since then, and every
// event that is acknowledged.

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "bundle/bundle.hpp"
#include "engine/page.hpp"
#include "serving/event_journal.hpp"

namespace lodestone::serving {

/// The state of one release. Each thread that reads has a lock of its own, which nobody else takes while it makes pages; a writer takes all of
/// them, for a few events at a time. So a reader pays for an uncontended lock and never waits for another reader.
class LiveFeatures {
 public:
  LiveFeatures(const features::OnlineSnapshot& snapshot, std::size_t n_readers);

  /// Lets `page` see the state as of `now` until the lock is released. `reader` is the thread's number.
  [[nodiscard]] std::unique_lock<std::mutex> read(std::size_t reader, TimePoint now, engine::PageRequest& page) const;

  /// Counts events that arrived when they say. While catch_up() runs they wait for it. Any thread.
  void add(std::span<const PostedEvent> events);
  /// Reads what the journal in `folder` has from before the first add(). Called once.
  void catch_up(const fs::path& folder, TimePoint from);
  /// Frees what is out of every window. Events wait for as long as it takes to look at all users and items. Any thread.
  void forget(TimePoint now);

 private:
  struct alignas(64) Lock {
    std::mutex mutex;
  };
  struct Arrived {
    features::OnlineEvent event;
    TimePoint at;
  };
  static Arrived arrived(const PostedEvent& event);
  void count(std::span<const Arrived> events);

  mutable std::vector<Lock> readers_;
  features::OnlineState state_;
  std::mutex write_mutex_;  ///< guards those below
  bool is_behind_ = true;
  std::vector<Arrived> waiting_;
};

/// Feeds the states of all releases that are open.
class LiveFeatureSet final : public EventSink {
 public:
  /// `journal` is the folder of the event journal, "" = there is none; `n_readers` the threads that make pages.
  LiveFeatureSet(fs::path journal, std::size_t n_readers) : journal_(std::move(journal)), n_readers_(n_readers) {}

  /// The state of a bundle, up to date; nullptr when the bundle has no snapshot or no feature that moves. Reads the journal since its snapshot.
  std::shared_ptr<const LiveFeatures> open(const bundle::Bundle& bundle);

  void add(std::span<const PostedEvent> events) override;
  /// Of all states that are open. Any thread.
  void forget(TimePoint now);
  /// A state reads the journal for itself.
  [[nodiscard]] bool wants_replay() const override { return false; }

 private:
  std::vector<std::shared_ptr<LiveFeatures>> states();

  fs::path journal_;
  std::size_t n_readers_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<LiveFeatures>> states_;
};

}  // namespace lodestone::serving
