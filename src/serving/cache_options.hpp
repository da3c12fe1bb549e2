#pragma once
// What the operator sets for Redis and for what is kept of the answers of channels.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "base/breaker.hpp"
#include "base/tls.hpp"
#include "cache/redis_url.hpp"

namespace lodestone::serving {

struct CacheOptions {
  std::optional<cache::RedisUrl> hot;      ///< none = no Redis
  std::optional<cache::RedisUrl> feature;  ///< where accepted events are shared with other servers
  std::optional<cache::RedisUrl> cold;
  std::shared_ptr<const TlsTrust>
      redis_trust;  ///< who vouches for those of rediss://, channels' too; nullptr = whom the system trusts
  std::size_t local_bytes = std::size_t{64} * 1024 * 1024;
  std::chrono::milliseconds local_ttl{30'000};
  std::chrono::milliseconds local_stale{30'000};  ///< longer, while somebody fetches anew
  std::chrono::milliseconds hot_ttl{300'000};
  std::chrono::milliseconds cold_ttl_popular{3'600'000};
  std::chrono::milliseconds cold_ttl{86'400'000};
  std::chrono::milliseconds negative_ttl{30'000};
  std::chrono::milliseconds get_timeout{20};
  std::chrono::milliseconds set_timeout{50};
  std::chrono::milliseconds request_timeout{100};  ///< of a request, from its last byte
  std::size_t popular_items = 1'000;               ///< the most popular, whose answers are hot
  std::size_t preheat_items = 200;                 ///< asked for before anybody does
  Breaker::Options breaker;
};

}  // namespace lodestone::serving
