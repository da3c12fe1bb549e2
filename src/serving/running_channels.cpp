#include "serving/running_channels.hpp"

#include <fmt/core.h>

#include "base/hash.hpp"

namespace lodestone::serving {
namespace {

constexpr std::array<const char*, kChannelOutcomes> kOutcomes = {"answer", "empty", "timeout", "unavailable", "broken", "open"};

}  // namespace

RunningChannel::RunningChannel(const ChannelSpec& of, std::uint64_t number, const CacheOptions& options, cache::IoLoop& loop,
                               ServingMetrics& serving, metrics::Registry& registry)
    : spec(of), flight_prefix(fmt::format("{}:", number)), breaker(options.breaker) {
  if (of.form == ChannelSpec::Form::kHttp) {
    http::FetchClient::Options remote;
    remote.host = of.host;
    remote.port = of.port;
    fetcher = std::make_unique<http::FetchClient>(loop.context(), std::move(remote));
  } else {
    cache::RedisClient::Options client;
    client.url = of.redis;
    client.trust = options.redis_trust;
    redis = std::make_unique<cache::RedisClient>(loop.context(), std::move(client));
  }
  const std::string source = fmt::format("{}:{}:{}:{}", of.host, of.port, of.pattern.text(), of.limit);
  shared_prefix = fmt::format("lodestone:1:{:016x}:", xxh3(source));
  for (std::size_t o = 0; o < kOutcomes.size(); ++o) {
    outcomes[o] =
        registry.counter("recall_channel_requests_total", "Requests to a channel outside of the engine, by how they went.",
                         {{"channel", of.name}, {"status", kOutcomes[o]}});
  }
  waited = serving.recall_duration(of.name);
  breaker_state = registry.gauge("circuit_breaker_state", "0 closed, 1 half open, 2 open.", {{"breaker", "channel_" + of.name}});
}

}  // namespace lodestone::serving
