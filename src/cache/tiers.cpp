#include "cache/tiers.hpp"

#include <utility>

namespace lodestone::cache {
namespace {

using Operation = CacheMetrics::Operation;
using How = CacheMetrics::Outcome;

How failure_of(const RedisReply& reply) { return reply.status == RedisReply::Status::kTimeout ? How::kTimeout : How::kError; }

}  // namespace

std::string_view tier_name(Tier tier) {
  switch (tier) {
    case Tier::kLocal: return "local";
    case Tier::kHot: return "hot";
    case Tier::kFeature: return "feature";
    case Tier::kCold: return "cold";
  }
  return "";
}

CacheMetrics::CacheMetrics(metrics::Registry& registry) {
  constexpr std::array<const char*, 2> kOperations = {"get", "set"};
  constexpr std::array<const char*, 6> kOutcomes = {"hit", "miss", "stored", "error", "timeout", "open"};
  for (std::size_t op = 0; op < kOperations.size(); ++op) {
    for (std::size_t outcome = 0; outcome < kOutcomes.size(); ++outcome) {
      requests[op][outcome] =
          registry.counter("cache_requests_total", "Readings and writings of cache tiers, local and Redis, by how they went.",
                           {{"operation", kOperations[op]}, {"status", kOutcomes[outcome]}});
    }
  }
  for (std::size_t t = 0; t < kTiers; ++t) {
    hits[t] = registry.counter("cache_hit_by_tier_total", "What a cache tier gave.",
                               {{"tier", std::string(tier_name(static_cast<Tier>(t)))}});
  }
}

RedisStore::RedisStore(asio::io_context& context, Options options, const CacheMetrics& metrics, metrics::ThreadSlots& slots)
    : options_(std::move(options)),
      client_(context, options_.client),
      breaker_(options_.breaker),
      metrics_(&metrics),
      slots_(&slots) {}

void RedisStore::count(Operation operation, How outcome) { slots_->add(metrics_->of(operation, outcome)); }

void RedisStore::note(const RedisReply& reply) {
  const bool answered = reply.status == RedisReply::Status::kReply || reply.status == RedisReply::Status::kError;
  answered ? breaker_.succeed() : breaker_.fail(std::chrono::steady_clock::now());
}

void RedisStore::send(std::initializer_list<std::string_view> command, std::chrono::milliseconds deadline,
                      RedisClient::Callback done) {
  if (!breaker_.allows(std::chrono::steady_clock::now())) return done({});
  client_.send(command, deadline, [this, done = std::move(done)](RedisReply reply) {
    note(reply);
    done(std::move(reply));
  });
}

void RedisStore::get(std::string_view key, const Got& done) {
  if (!breaker_.allows(std::chrono::steady_clock::now())) {
    count(Operation::kGet, How::kOpen);
    return done(Outcome::kFailed, {});
  }
  client_.send({"GET", key}, options_.get_timeout, [this, done](RedisReply reply) {
    note(reply);
    const bool is_text = reply.status == RedisReply::Status::kReply && reply.value.kind == RespValue::Kind::kText;
    const bool is_null = reply.status == RedisReply::Status::kReply && reply.value.kind == RespValue::Kind::kNull;
    count(Operation::kGet, is_text ? How::kHit : is_null ? How::kMiss : failure_of(reply));
    done(is_text ? Outcome::kHit : is_null ? Outcome::kMiss : Outcome::kFailed, std::move(reply.value.text));
  });
}

void RedisStore::set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl) {
  if (!breaker_.allows(std::chrono::steady_clock::now())) return count(Operation::kSet, How::kOpen);
  const std::string milliseconds = std::to_string(ttl.count());
  client_.send({"SET", key, value, "PX", milliseconds}, options_.set_timeout, [this](const RedisReply& reply) {
    note(reply);
    count(Operation::kSet, reply.status == RedisReply::Status::kReply ? How::kStored : failure_of(reply));
  });
}

void RedisStore::erase(std::string_view key) {
  send({"DEL", key}, options_.set_timeout, [](const RedisReply&) {});
}

RedisTiers::RedisTiers(asio::io_context& context, const Options& options, const CacheMetrics& metrics,
                       metrics::ThreadSlots& slots)
    : options_(options), metrics_(&metrics), slots_(&slots) {
  if (options.hot) hot_ = std::make_unique<RedisStore>(context, *options.hot, metrics, slots);
  if (options.cold) cold_ = std::make_unique<RedisStore>(context, *options.cold, metrics, slots);
}

void RedisTiers::get(const std::string& key, Got done) {
  if (!hot_) return get_cold(key, std::move(done));
  hot_->get(key, [this, key, done = std::move(done)](RedisStore::Outcome outcome, std::string value) {
    if (outcome == RedisStore::Outcome::kMiss) return get_cold(key, done);
    if (outcome == RedisStore::Outcome::kFailed) return done(std::nullopt);
    slots_->add(metrics_->hits[static_cast<std::size_t>(Tier::kHot)]);
    done(Found{std::move(value), Tier::kHot});
  });
}

void RedisTiers::get_cold(const std::string& key, Got done) {
  if (!cold_) return done(std::nullopt);
  cold_->get(key, [this, key, done = std::move(done)](RedisStore::Outcome outcome, std::string value) {
    if (outcome != RedisStore::Outcome::kHit) return done(std::nullopt);
    slots_->add(metrics_->hits[static_cast<std::size_t>(Tier::kCold)]);
    if (hot_) hot_->set(key, value, options_.hot_ttl);
    done(Found{std::move(value), Tier::kCold});
  });
}

void RedisTiers::put(std::string_view key, std::string_view value, Kind kind) {
  if (kind == Kind::kNegative) {
    RedisStore* first = hot_ ? hot_.get() : cold_.get();
    if (first != nullptr) first->set(key, value, options_.negative_ttl);
    if (hot_ && cold_) cold_->erase(key);  // or what it had comes back when this has gone
    return;
  }
  if (hot_ && (kind == Kind::kPopular || !cold_)) hot_->set(key, value, options_.hot_ttl);
  if (cold_) cold_->set(key, value, kind == Kind::kPopular ? options_.cold_ttl_popular : options_.cold_ttl);
}

void RedisTiers::erase(std::string_view key) {
  if (hot_) hot_->erase(key);
  if (cold_) cold_->erase(key);
}

}  // namespace lodestone::cache
