#pragma once
// Accepted events on their way to the other servers: a Redis stream that every server appends to and follows, so that a click on one
// changes the lists of all, and a server that was away reads what it missed. Each event stays in the journal of the server that took it.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cache/io_loop.hpp"
#include "cache/tiers.hpp"
#include "serving/event_journal.hpp"

namespace lodestone::serving {

/// Thread of the loop where nothing else is said.
class EventShare {
 public:
  struct Options {
    cache::RedisStore::Options store;
    std::chrono::milliseconds backlog{3'600'000};  ///< read at the start: what happened while this server was away
    std::size_t batches = 10'000;                  ///< that the stream keeps, about
  };
  /// The loop, the registry and the metrics must outlive it; the loop is not running yet.
  EventShare(cache::IoLoop& loop, Options options, std::string origin, const cache::CacheMetrics& metrics,
             metrics::Registry& registry, const Clock& clock);

  /// Follows the stream and gives its events to the journal, which must live until the loop has stopped. Any thread, once.
  void start(EventJournal& journal);
  /// Posts on their way to Redis. Any thread.
  [[nodiscard]] std::size_t n_on_the_way() const { return n_on_the_way_.load(std::memory_order_relaxed); }
  /// Tells the others. Any thread.
  void publish(std::string_view lines);
  /// Whether Redis takes and gives events. Any thread.
  [[nodiscard]] bool is_well() const { return store_.state() == Breaker::State::kClosed; }
  /// Once a second; one thread.
  void update_gauges();

 private:
  void publish_entry(std::string_view lines);
  /// Reads what comes next, once the journal has taken all that was read before: a backlog waits in Redis, not here.
  void follow();
  /// False when the reply is none of the stream's.
  bool take(cache::RespValue& reply);
  void take_entry(cache::RespValue& fields);
  /// Goes on behind the next entry, which is more than a reply may have.
  void pass_over();
  void submit(std::string lines);

  cache::IoLoop& loop_;
  Options options_;
  std::string origin_;
  const Clock* clock_;
  const cache::CacheMetrics* metrics_;
  metrics::ThreadSlots& slots_;
  metrics::Counter shared_;
  metrics::Counter taken_;
  metrics::Counter lost_;
  metrics::Counter skipped_;
  metrics::Gauge state_;
  std::atomic<std::size_t> n_on_the_way_{0};
  EventJournal* journal_ = nullptr;
  std::string last_id_;
  std::size_t at_once_;        ///< entries asked for in one reply
  bool was_told_ = false;      ///< the log knows that an entry was too large
  std::size_t n_in_hand_ = 0;  ///< batches that the journal has not taken yet
  cache::RedisStore store_;
  cache::RedisClient reader_;
};

}  // namespace lodestone::serving
