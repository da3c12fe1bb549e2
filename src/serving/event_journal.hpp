#pragma once
// The journal of posted events: durable before it is acknowledged. One thread writes; whatever waits while it flushes is written and flushed
// together at its next turn (group commit), so a flush is shared by all who wait and no thread that answers requests waits for a disk.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "metrics/registry.hpp"
#include "serving/event_rate.hpp"
#include "serving/event_segments.hpp"
#include "serving/known_ids.hpp"
#include "serving/posted_event.hpp"

namespace lodestone::serving {

/// What becomes of an event that is well formed.
enum class EventOutcome : std::uint8_t {
  kAccepted,
  kDuplicate,  ///< its event_id is known
  kTooMany,    ///< its visitor or user sends more than the rate
};

/// The well-formed events of one request. Whoever makes it may read `outcomes` and `failure` once `done` was called.
struct EventBatch {
  std::vector<PostedEvent> events;
  std::string lines;                   ///< of the events, one after the other
  std::vector<std::size_t> line_ends;  ///< of each in `lines`
  /// Called once, on the journal's thread or in submit(); of a foreign batch that waits when the journal stops never.
  std::function<void()> done;
  std::vector<EventOutcome> outcomes;  ///< of each event
  /// Stored by another server: of such a batch `lines` alone are given. What is new in them feeds the sinks and is not written here.
  bool is_foreign = false;
  std::string failure;  ///< "" or why nothing of the batch counts
};

/// What is fed by events that are on the disk. Called by one thread.
class EventSink {
 public:
  virtual ~EventSink() = default;
  /// `events` in the order in which they were stored; those of a replay come before all others.
  virtual void add(std::span<const PostedEvent> events) = 0;
  /// Whether it is fed what the journal held at the start.
  [[nodiscard]] virtual bool wants_replay() const { return true; }
  /// At least about twice a second once the replay is done, also when no events come.
  virtual void tick() {}
};

class EventJournal {
 public:
  struct Options {
    EventSegments::Options segments;
    std::size_t known_ids = 1'000'000;                   ///< newest event ids by which a repeated one is known
    std::size_t replayed = 1'000'000;                    ///< newest events that a start reads again, at least known_ids
    double events_per_second = 100;                      ///< of one visitor or user; 0 = no limit
    std::size_t waiting_bytes = std::size_t{64} << 20U;  ///< lines that wait for the disk; beyond them a batch fails at once
    /// Gets the lines of this server's own events once they are on the disk, on the journal's thread; may be empty.
    std::function<void(std::string_view lines)> on_stored;
  };

  /// The clock and the sinks must outlive it.
  EventJournal(Options options, std::vector<EventSink*> sinks, metrics::Registry& registry, const Clock& clock);
  /// stop().
  ~EventJournal();
  EventJournal(const EventJournal&) = delete;
  EventJournal& operator=(const EventJournal&) = delete;

  /// Reads the newest events in the folder, then writes.
  void start();
  /// Writes what waits and ends.
  void stop();
  /// Waits until what was in the folder at the start is read. Any thread.
  void wait_until_read() const;
  [[nodiscard]] bool is_read() const { return is_read_.load(std::memory_order_acquire); }

  /// Any thread. Never blocks longer than it takes to put the batch into a list. Who submits foreign batches bounds what waits of them: they are
  /// read one between two groups of this server's own, so that a backlog of them delays nobody's answer.
  void submit(std::shared_ptr<EventBatch> batch);

 private:
  using Group = std::vector<std::shared_ptr<EventBatch>>;
  void run();
  void replay();
  void commit(const Group& group);
  void take_foreign(const EventBatch& batch);
  void sort_out(EventBatch& batch, std::vector<std::uint64_t>& ids);
  void flush();
  void feed(const Group& group);
  void tick();

  Options options_;
  std::vector<EventSink*> sinks_;
  const Clock* clock_;
  EventSegments segments_;
  KnownIds known_;
  EventRate rate_;
  std::string lines_;                ///< of the group that is being written
  std::vector<PostedEvent> stored_;  ///< for the sinks
  std::chrono::steady_clock::time_point next_tick_;

  metrics::ThreadSlots* slots_;
  metrics::Histogram flush_seconds_;
  metrics::Counter failures_;
  metrics::Counter removed_;
  metrics::Gauge bytes_;

  std::atomic<bool> is_read_{false};
  std::mutex mutex_;
  std::condition_variable wake_;
  Group waiting_;
  std::deque<std::shared_ptr<EventBatch>> foreign_;  ///< that wait
  std::size_t waiting_bytes_ = 0;                    ///< of waiting_
  bool is_running_ = false;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace lodestone::serving
