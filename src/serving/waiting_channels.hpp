#pragma once
// The recall channels that wait for another server, and the tiers that spare the waiting: in this process, hot and cold in Redis. What is
// kept is what a channel answered, never a page: a page is made in microseconds and always anew, so rules, filters, rights and the last
// click hold at once, and every visitor of an item shares one entry.

#include <absl/container/flat_hash_set.h>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/breaker.hpp"
#include "cache/flights.hpp"
#include "cache/io_loop.hpp"
#include "cache/local_tier.hpp"
#include "cache/redis_subscriber.hpp"
#include "cache/tiers.hpp"
#include "http/fetch_client.hpp"
#include "metrics/registry.hpp"
#include "serving/cache_options.hpp"
#include "serving/channel_answer.hpp"
#include "serving/channels_file.hpp"
#include "serving/serving_metrics.hpp"

namespace lodestone::serving {

class WaitingChannels {
 public:
  /// The loop and the registry must outlive it; the loop is not running yet. `origin` names this server among those that share a Redis.
  WaitingChannels(cache::IoLoop& loop, ChannelBook book, const CacheOptions& options, std::string origin, ServingMetrics& serving,
                  metrics::Registry& registry);
  ~WaitingChannels();
  WaitingChannels(const WaitingChannels&) = delete;
  WaitingChannels& operator=(const WaitingChannels&) = delete;

  /// Begins to listen to other servers; before the loop starts.
  void start();

  [[nodiscard]] const std::vector<ChannelSpec>& channels() const { return book_.channels; }
  [[nodiscard]] bool is_asked_for(engine::PageKind kind) const;
  [[nodiscard]] const CacheOptions& options() const { return options_; }
  [[nodiscard]] const cache::CacheMetrics& metrics() const { return metrics_; }

  /// Takes what is kept in this process; true when nothing has to be waited for. Any thread, with its slots.
  bool find(const ChannelAsk& ask, metrics::ThreadSlots& slots, ChannelAnswers& out);
  /// Waits for what is missing in `answers`, all channels at once, until `by` at the latest, then calls `done` on the loop's thread; nobody
  /// else touches `answers` meanwhile. Any thread.
  void gather(const ChannelAsk& ask, std::chrono::steady_clock::time_point by, std::shared_ptr<ChannelAnswers> answers,
              std::function<void()> done);

  /// The items whose answers are kept hot, most popular first; the first of them are asked for now. Any thread.
  void set_popular(std::vector<std::int64_t> items);

  /// "none" (no channel, no Redis), "local" (no Redis), "redis", "degraded" (a Redis does not answer). Any thread.
  [[nodiscard]] std::string_view cache_state() const;
  /// Once a second; one thread.
  void update_gauges();

 private:
  using Time = std::chrono::steady_clock::time_point;
  using One = ChannelAnswers::One;
  struct Channel;
  struct Gathering;
  using Asked = std::function<void(const One&)>;

  bool key_of(const Channel& channel, const ChannelAsk& ask, std::string& out) const;
  void fetch(std::size_t c, const std::string& key, const ChannelAsk& ask, Time by, Asked waiter);
  void ask(std::size_t c, const std::string& key, const ChannelAsk& ask, Time by);
  void keep(const Channel& channel, const std::string& key, const ChannelAsk& ask, const cache::Bytes& value);
  void keep_local(const std::string& key, const cache::Bytes& value);
  void gather_next(const std::shared_ptr<Gathering>& gathering, std::size_t c);
  void preheat_next();
  void heed(std::string_view message);

  cache::IoLoop& loop_;
  ChannelBook book_;
  CacheOptions options_;
  std::string origin_;
  metrics::Registry* registry_;
  cache::CacheMetrics metrics_;
  metrics::Counter lookups_;
  metrics::ThreadSlots& slots_;  ///< of the loop's thread
  cache::LocalTier local_;
  std::unique_ptr<cache::RedisTiers> tiers_;
  std::unique_ptr<cache::RedisSubscriber> subscriber_;  ///< null without Redis
  std::vector<std::unique_ptr<Channel>> channels_;
  cache::Flights<One> flights_;  ///< by key
  absl::flat_hash_set<std::int64_t> popular_;
  std::vector<std::pair<std::size_t, std::int64_t>> to_preheat_;  ///< channel and item, the next one last
  std::size_t n_preheating_ = 0;

  struct Gauges {
    metrics::Gauge hit_rate;
    metrics::Gauge local_size;
    metrics::Gauge local_bytes;
    metrics::Gauge local_hit_rate;
    metrics::Gauge hot;
    metrics::Gauge cold;
  };
  Gauges gauges_;
};

}  // namespace lodestone::serving
