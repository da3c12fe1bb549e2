#pragma once
// The tiers in Redis: hot for minutes, cold for hours. Whatever is wrong with Redis is a miss, never a failure of who asks.

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/breaker.hpp"
#include "cache/redis_client.hpp"
#include "metrics/registry.hpp"

namespace lodestone::cache {

/// Where an answer was found. The numbers index arrays.
enum class Tier : std::uint8_t { kLocal, kHot, kFeature, kCold };
inline constexpr std::size_t kTiers = 4;
/// "local", "hot", "feature", "cold".
std::string_view tier_name(Tier tier);

/// cache_requests_total and cache_hit_by_tier_total; shared by all tiers.
struct CacheMetrics {
  enum class Operation : std::uint8_t { kGet, kSet };
  enum class Outcome : std::uint8_t { kHit, kMiss, kStored, kError, kTimeout, kOpen };
  explicit CacheMetrics(metrics::Registry& registry);
  std::array<std::array<metrics::Counter, 6>, 2> requests;  ///< [operation][outcome]
  std::array<metrics::Counter, kTiers> hits;
  [[nodiscard]] metrics::Counter of(Operation operation, Outcome outcome) const {
    return requests[static_cast<std::size_t>(operation)][static_cast<std::size_t>(outcome)];
  }
};

/// One Redis with its breaker. Thread of the context.
class RedisStore {
 public:
  struct Options {
    RedisClient::Options client;
    Breaker::Options breaker;
    std::chrono::milliseconds get_timeout{20};
    std::chrono::milliseconds set_timeout{50};
  };
  RedisStore(asio::io_context& context, Options options, const CacheMetrics& metrics, metrics::ThreadSlots& slots);

  enum class Outcome : std::uint8_t { kHit, kMiss, kFailed };
  using Got = std::function<void(Outcome, std::string value)>;
  void get(std::string_view key, const Got& done);
  void set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl);
  void erase(std::string_view key);
  /// Any command, under the breaker.
  void send(std::initializer_list<std::string_view> command, std::chrono::milliseconds deadline, RedisClient::Callback done);

  /// Any thread.
  [[nodiscard]] Breaker::State state() const { return breaker_.state(); }

 private:
  /// Tells the breaker how it went: an error that Redis answers with is no failure of Redis to answer.
  void note(const RedisReply& reply);
  void count(CacheMetrics::Operation operation, CacheMetrics::Outcome outcome);

  Options options_;
  RedisClient client_;
  Breaker breaker_;
  const CacheMetrics* metrics_;
  metrics::ThreadSlots* slots_;
};

/// Hot over cold. Thread of the context.
class RedisTiers {
 public:
  struct Options {
    std::optional<RedisStore::Options> hot;
    std::optional<RedisStore::Options> cold;
    std::chrono::milliseconds hot_ttl{std::chrono::minutes(5)};
    std::chrono::milliseconds cold_ttl_popular{std::chrono::hours(1)};
    std::chrono::milliseconds cold_ttl{std::chrono::hours(24)};
    std::chrono::milliseconds negative_ttl{std::chrono::seconds(30)};
  };
  /// What decides how long a value is kept.
  enum class Kind : std::uint8_t {
    kPopular,   ///< hot and, for as long as things change, cold
    kRest,      ///< cold alone, for long
    kNegative,  ///< that there is nothing: hot (or cold, where that is all), for a short time
  };
  RedisTiers(asio::io_context& context, const Options& options, const CacheMetrics& metrics, metrics::ThreadSlots& slots);

  struct Found {
    std::string value;
    Tier tier = Tier::kHot;
  };
  using Got = std::function<void(std::optional<Found>)>;
  /// Looks into hot, then cold; what only cold has is put into hot. A tier that fails ends the search: the time is gone.
  void get(const std::string& key, Got done);
  void put(std::string_view key, std::string_view value, Kind kind);
  void erase(std::string_view key);

  /// nullptr = there is none.
  [[nodiscard]] RedisStore* hot() { return hot_.get(); }
  [[nodiscard]] RedisStore* cold() { return cold_.get(); }
  [[nodiscard]] const RedisStore* hot() const { return hot_.get(); }
  [[nodiscard]] const RedisStore* cold() const { return cold_.get(); }

 private:
  void get_cold(const std::string& key, Got done);

  Options options_;
  const CacheMetrics* metrics_;
  metrics::ThreadSlots* slots_;
  std::unique_ptr<RedisStore> hot_;
  std::unique_ptr<RedisStore> cold_;
};

}  // namespace lodestone::cache
