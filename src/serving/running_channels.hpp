#pragma once
// The recall channels outside of this process as they run now: one reading of their file, which requests keep until they are answered.

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/breaker.hpp"
#include "cache/io_loop.hpp"
#include "cache/redis_client.hpp"
#include "http/fetch_client.hpp"
#include "metrics/registry.hpp"
#include "serving/cache_options.hpp"
#include "serving/channels_file.hpp"
#include "serving/serving_metrics.hpp"

namespace lodestone::serving {

/// How a question to a channel went. The numbers index arrays.
enum class ChannelOutcome : std::uint8_t { kAnswer, kEmpty, kTimeout, kUnavailable, kBroken, kOpen };
inline constexpr std::size_t kChannelOutcomes = 6;

/// One of them, with what waits for it. Its clients and is_gone belong to the loop's thread, where it is destroyed; the rest is const.
struct RunningChannel {
  RunningChannel(const ChannelSpec& of, std::uint64_t number, const CacheOptions& options, cache::IoLoop& loop,
                 ServingMetrics& serving, metrics::Registry& registry);

  const ChannelSpec spec;
  std::string flight_prefix;  ///< no other that ever ran has it
  std::string shared_prefix;  ///< of keys in Redis: another address, question or limit is another answer
  std::array<metrics::Counter, kChannelOutcomes> outcomes;
  metrics::Histogram waited;
  metrics::Gauge breaker_state;
  Breaker breaker;
  std::unique_ptr<http::FetchClient> fetcher;
  std::unique_ptr<cache::RedisClient> redis;
  bool is_gone = false;  ///< its answers are not those of any channel now; what is still on its way is not kept
};

struct RunningChannels {
  ChannelBook book;
  // Each beside book.channels.
  std::vector<std::string> names;
  std::vector<ChannelCounters> counters;
  std::vector<std::shared_ptr<RunningChannel>> channels;

  [[nodiscard]] bool is_asked_for(engine::PageKind kind) const {
    return std::ranges::any_of(book.channels, [kind](const ChannelSpec& spec) { return spec.is_for(kind); });
  }
};

}  // namespace lodestone::serving
