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

#include "cache/flights.hpp"
#include "cache/io_loop.hpp"
#include "cache/local_tier.hpp"
#include "cache/redis_subscriber.hpp"
#include "cache/tiers.hpp"
#include "metrics/registry.hpp"
#include "serving/cache_options.hpp"
#include "serving/channel_answer.hpp"
#include "serving/published.hpp"
#include "serving/running_channels.hpp"
#include "serving/serving_metrics.hpp"

namespace lodestone::serving {

class WaitingChannels {
 public:
  /// Without channels so far. The loop and the registry must outlive it; the loop is not running yet. `origin` names this server among those that share
  /// a Redis.
  WaitingChannels(cache::IoLoop& loop, const CacheOptions& options, std::string origin, ServingMetrics& serving,
                  metrics::Registry& registry);
  ~WaitingChannels();
  WaitingChannels(const WaitingChannels&) = delete;
  WaitingChannels& operator=(const WaitingChannels&) = delete;

  /// Begins to listen to other servers; before the loop starts.
  void start();

  /// The channels from a moment later on; requests that wait go on with those that they have asked. One that is as before keeps its connections and its
  /// breaker, and what is kept of answers stays unless it now asks somebody else, or another thing. One thread, that of collect().
  void set_book(ChannelBook book);
  /// Lets go of channels that nobody asks any more. One thread.
  void collect();
  /// What runs. Any thread.
  [[nodiscard]] std::shared_ptr<const RunningChannels> get() const { return running_.get(); }
  [[nodiscard]] Published<RunningChannels>::Reader reader() const { return Published<RunningChannels>::Reader(running_); }

  [[nodiscard]] const CacheOptions& options() const { return options_; }
  [[nodiscard]] const cache::CacheMetrics& metrics() const { return metrics_; }

  /// Takes what is kept in this process; true when nothing has to be waited for. Any thread, with its slots.
  bool find(const RunningChannels& running, const ChannelAsk& ask, metrics::ThreadSlots& slots, ChannelAnswers& out);
  /// Waits for what is missing in `answers`, all channels at once, until `by` at the latest, then calls `done` on the loop's thread; nobody
  /// else touches `answers` meanwhile. Any thread.
  void gather(std::shared_ptr<const RunningChannels> running, const ChannelAsk& ask, std::chrono::steady_clock::time_point by,
              std::shared_ptr<ChannelAnswers> answers, std::function<void()> done);

  /// The items whose answers are kept hot, most popular first; the first of them are asked for now. Any thread.
  void set_popular(std::vector<std::int64_t> items);

  /// "none" (no channel, no Redis), "local" (no Redis), "redis", "degraded" (a Redis does not answer). Any thread.
  [[nodiscard]] std::string_view cache_state() const;
  /// Once a second; one thread.
  void update_gauges();

 private:
  using Time = std::chrono::steady_clock::time_point;
  using One = ChannelAnswers::One;
  using Channel = std::shared_ptr<RunningChannel>;
  struct Gathering;
  using Asked = std::function<void(const One&)>;

  void take_over(std::shared_ptr<const RunningChannels> next);
  void fetch(const Channel& channel, const std::string& key, const ChannelAsk& ask, Time by, Asked waiter);
  void ask(const Channel& channel, const std::string& key, const ChannelAsk& ask, Time by);
  void land(const RunningChannel& channel, const std::string& key, const One& one) {
    flights_.land(channel.flight_prefix + key, one);
  }
  void keep(const RunningChannel& channel, const std::string& key, const ChannelAsk& ask, const cache::Bytes& value);
  void keep_local(const RunningChannel& channel, const std::string& key, const cache::Bytes& value);
  void gather_next(const std::shared_ptr<Gathering>& gathering, std::size_t c);
  void preheat_next();
  void heed(std::string_view message);

  cache::IoLoop& loop_;
  CacheOptions options_;
  std::string origin_;
  ServingMetrics* serving_;
  metrics::Registry* registry_;
  cache::CacheMetrics metrics_;
  metrics::Counter lookups_;
  metrics::ThreadSlots& slots_;  ///< of the loop's thread
  cache::LocalTier local_;
  std::unique_ptr<cache::RedisTiers> tiers_;
  std::unique_ptr<cache::RedisSubscriber> subscriber_;  ///< null without Redis
  Published<RunningChannels> running_;
  std::shared_ptr<const RunningChannels> latest_;  ///< what set_book() has made last, which may not run yet
  std::uint64_t n_channels_made_ = 0;
  bool is_started_ = false;  ///< from then on what runs is changed on the loop's thread
  /// All that are not destroyed yet, those that run no more included; of the loop's thread, so that no other one destroys them.
  std::vector<Channel> channels_;
  cache::Flights<One> flights_;  ///< by channel and key
  absl::flat_hash_set<std::int64_t> popular_;
  std::vector<std::pair<Channel, std::int64_t>> to_preheat_;  ///< channel and item, the next one last
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
