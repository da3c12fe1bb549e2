#include "serving/waiting_channels.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "serving/channel_answer.hpp"

namespace lodestone::serving {
namespace {

using State = ChannelAnswers::State;
using cache::CacheMetrics;
using cache::Tier;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view kInvalidation = "lodestone:invalidate";
/// Answers asked for at once before anybody needs them.
constexpr std::size_t kPreheatAtOnce = 4;
/// What a channel waits at most when nobody does.
constexpr milliseconds kPatience{5'000};

enum class Outcome : std::uint8_t { kAnswer, kEmpty, kTimeout, kUnavailable, kBroken, kOpen };
constexpr std::array<const char*, 6> kOutcomes = {"answer", "empty", "timeout", "unavailable", "broken", "open"};

std::optional<cache::RedisStore::Options> store_options(const std::optional<cache::RedisUrl>& url, const CacheOptions& options) {
  if (!url) return std::nullopt;
  cache::RedisStore::Options out;
  out.client.url = *url;
  out.breaker = options.breaker;
  out.get_timeout = options.get_timeout;
  out.set_timeout = options.set_timeout;
  return out;
}

cache::RedisTiers::Options tier_options(const CacheOptions& options) {
  return {.hot = store_options(options.hot, options),
          .cold = store_options(options.cold, options),
          .hot_ttl = options.hot_ttl,
          .cold_ttl_popular = options.cold_ttl_popular,
          .cold_ttl = options.cold_ttl,
          .negative_ttl = options.negative_ttl};
}

double ratio(std::uint64_t part, std::uint64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

struct WaitingChannels::Channel {
  Channel(const ChannelSpec& of, const CacheOptions& options, cache::IoLoop& loop, ServingMetrics& serving,
          metrics::Registry& registry)
      : spec(of), breaker(options.breaker) {
    if (of.form == ChannelSpec::Form::kHttp) {
      http::FetchClient::Options remote;
      remote.host = of.host;
      remote.port = of.port;
      fetcher = std::make_unique<http::FetchClient>(loop.context(), std::move(remote));
    } else {
      cache::RedisClient::Options client;
      client.url = of.redis;
      redis = std::make_unique<cache::RedisClient>(loop.context(), std::move(client));
    }
    // Another address, another question or another format is another answer.
    const std::string source = fmt::format("{}:{}:{}:{}", of.host, of.port, of.pattern.text(), of.limit);
    shared_prefix = fmt::format("lodestone:1:{:016x}:", xxh3(source));
    for (std::size_t o = 0; o < kOutcomes.size(); ++o) {
      outcomes[o] =
          registry.counter("recall_channel_requests_total", "Requests to a channel outside of the engine, by how they went.",
                           {{"channel", of.name}, {"status", kOutcomes[o]}});
    }
    waited = serving.recall_duration(of.name);
    breaker_state =
        registry.gauge("circuit_breaker_state", "0 closed, 1 half open, 2 open.", {{"breaker", "channel_" + of.name}});
  }

  ChannelSpec spec;
  std::unique_ptr<http::FetchClient> fetcher;
  std::unique_ptr<cache::RedisClient> redis;
  Breaker breaker;
  std::string shared_prefix;
  std::array<metrics::Counter, kOutcomes.size()> outcomes;
  metrics::Histogram waited;
  metrics::Gauge breaker_state;
};

/// One request that waits.
struct WaitingChannels::Gathering {
  ChannelAsk ask;
  Time by;
  std::shared_ptr<ChannelAnswers> answers;
  std::function<void()> done;  ///< none once it was called
  std::size_t n_missing = 0;

  void finish() {
    for (One& one : answers->all) {
      if (one.state == State::kMissing) one.state = State::kLate;
    }
    answers = nullptr;
    std::exchange(done, nullptr)();
  }
};

WaitingChannels::WaitingChannels(cache::IoLoop& loop, ChannelBook book, const CacheOptions& options, std::string origin,
                                 ServingMetrics& serving, metrics::Registry& registry)
    : loop_(loop),
      book_(std::move(book)),
      options_(options),
      origin_(std::move(origin)),
      registry_(&registry),
      metrics_(registry),
      lookups_(
          registry.counter("cache_lookups_total", "Answers of channels that requests looked for, wherever they were found.")),
      slots_(registry.register_thread()),
      local_({.bytes = options.local_bytes}),
      tiers_(std::make_unique<cache::RedisTiers>(loop.context(), tier_options(options), metrics_, slots_)) {
  for (const ChannelSpec& spec : book_.channels)
    channels_.push_back(std::make_unique<Channel>(spec, options_, loop_, serving, registry));
  gauges_.hit_rate = registry.gauge("cache_hit_rate", "Share of the answers looked for that any tier had, since the start.");
  gauges_.local_size = registry.gauge("local_cache_size", "Answers kept in this process.");
  gauges_.local_bytes = registry.gauge("local_cache_bytes", "Memory of the answers kept in this process.");
  gauges_.local_hit_rate =
      registry.gauge("local_cache_hit_rate", "Share of the answers looked for that this process had, since the start.");
  const auto breaker = [&](const char* name) {
    return registry.gauge("circuit_breaker_state", "0 closed, 1 half open, 2 open.", {{"breaker", name}});
  };
  gauges_.hot = breaker("redis_hot");
  gauges_.cold = breaker("redis_cold");
  if (!options.hot) return;
  cache::RedisClient::Options listener;
  listener.url = *options.hot;
  subscriber_ = std::make_unique<cache::RedisSubscriber>(
      loop_, std::move(listener), std::string(kInvalidation), [this](std::string_view message) { heed(message); },
      [this] { local_.make_stale(steady_clock::now()); });
}

WaitingChannels::~WaitingChannels() = default;

void WaitingChannels::start() {
  if (subscriber_) subscriber_->start();
}

bool WaitingChannels::is_asked_for(engine::PageKind kind) const {
  return std::ranges::any_of(book_.channels, [kind](const ChannelSpec& spec) { return spec.is_for(kind); });
}

bool WaitingChannels::key_of(const Channel& channel, const ChannelAsk& ask, std::string& out) const {
  out.assign(channel.spec.name).append(":");
  return channel.spec.is_for(ask.kind) && channel.spec.pattern.expand(ask, channel.spec.limit, out);
}

bool WaitingChannels::find(const ChannelAsk& ask, metrics::ThreadSlots& slots, ChannelAnswers& out) {
  const Time now = steady_clock::now();
  bool is_complete = true;
  std::string key;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    if (!key_of(*channels_[c], ask, key)) continue;
    slots.add(lookups_);
    cache::LocalTier::Found found = local_.find(key, now);
    const bool is_there = found.state != cache::LocalTier::State::kMiss;
    slots.add(metrics_.of(CacheMetrics::Operation::kGet, is_there ? CacheMetrics::Outcome::kHit : CacheMetrics::Outcome::kMiss));
    if (is_there) slots.add(metrics_.hits[static_cast<std::size_t>(Tier::kLocal)]);
    out.all[c] = {is_there ? State::kHave : State::kMissing, std::move(found.value)};
    is_complete = is_complete && is_there;
    if (!found.should_refresh) continue;
    loop_.post([this, c, key, ask] { fetch(c, key, ask, steady_clock::now() + kPatience, [](const One&) {}); });
  }
  return is_complete;
}

void WaitingChannels::gather(const ChannelAsk& ask, Time by, std::shared_ptr<ChannelAnswers> answers,
                             std::function<void()> done) {
  auto gathering = std::make_shared<Gathering>(Gathering{ask, by, std::move(answers), std::move(done)});
  loop_.post([this, gathering] {
    for (const One& one : gathering->answers->all) gathering->n_missing += one.state == State::kMissing ? 1U : 0U;
    const auto left = std::chrono::ceil<milliseconds>(gathering->by - steady_clock::now());
    loop_.after(std::max(left, milliseconds(0)), [gathering] {
      if (gathering->done) gathering->finish();
    });
    gather_next(gathering, 0);
  });
}

/// Asks the channels from `c` on that are missing; all, or the first alone where they are to be asked one after the other.
void WaitingChannels::gather_next(const std::shared_ptr<Gathering>& gathering, std::size_t c) {
  std::string key;
  for (; c < channels_.size() && gathering->done; ++c) {
    if (gathering->answers->all[c].state != State::kMissing) continue;
    key_of(*channels_[c], gathering->ask, key);
    fetch(c, key, gathering->ask, gathering->by, [this, gathering, c](const One& one) {
      if (!gathering->done) return;  // it went on without us
      gathering->answers->all[c] = one;
      if (--gathering->n_missing == 0) return gathering->finish();
      if (!book_.at_once) gather_next(gathering, c + 1);
    });
    if (!book_.at_once) return;
  }
}

/// From Redis or from the channel; who asks for the same meanwhile waits for the same.
void WaitingChannels::fetch(std::size_t c, const std::string& key, const ChannelAsk& ask, Time by, Asked waiter) {
  if (!flights_.join(key, std::move(waiter))) return;
  const Channel& channel = *channels_[c];
  if (!channel.spec.is_shared || (tiers_->hot() == nullptr && tiers_->cold() == nullptr)) return this->ask(c, key, ask, by);
  const std::string shared_key = channel.shared_prefix + key;
  tiers_->get(shared_key, [this, c, key, ask, by, shared_key](std::optional<cache::RedisTiers::Found> found) {
    if (!found) return this->ask(c, key, ask, by);
    if (!is_channel_answer(found->value)) {  // not ours, or damaged
      tiers_->erase(shared_key);
      return this->ask(c, key, ask, by);
    }
    const auto value = std::make_shared<const std::string>(std::move(found->value));
    keep_local(key, value);
    flights_.land(key, {State::kHave, value});
  });
}

void WaitingChannels::ask(std::size_t c, const std::string& key, const ChannelAsk& ask, Time by) {
  Channel& channel = *channels_[c];
  const Time now = steady_clock::now();
  const auto left = std::min(channel.spec.deadline, std::chrono::floor<milliseconds>(by - now));
  if (left <= milliseconds(0)) return flights_.land(key, {State::kLate, nullptr});
  if (!channel.breaker.allows(now)) {
    slots_.add(channel.outcomes[static_cast<std::size_t>(Outcome::kOpen)]);
    return flights_.land(key, {State::kFailed, nullptr});
  }
  const auto end = [this, c, key, ask, now](Outcome outcome, std::optional<std::vector<ChannelItem>> items) {
    Channel& of = *channels_[c];
    const Time then = steady_clock::now();
    slots_.observe(of.waited, std::chrono::duration<double>(then - now).count());
    if (items && items->empty()) outcome = Outcome::kEmpty;
    slots_.add(of.outcomes[static_cast<std::size_t>(outcome)]);
    items ? of.breaker.succeed() : of.breaker.fail(then);
    if (!items) return flights_.land(key, {outcome == Outcome::kTimeout ? State::kLate : State::kFailed, nullptr});
    const auto value = std::make_shared<const std::string>(pack_channel_answer(std::move(*items), of.spec.limit));
    keep(of, key, ask, value);
    flights_.land(key, {State::kHave, value});
  };
  std::string target;
  channel.spec.pattern.expand(ask, channel.spec.limit, target);
  if (channel.fetcher) {
    channel.fetcher->get(target, left, [end](const http::Fetched& fetched) {
      using Status = http::Fetched::Status;
      if (fetched.status == Status::kTimeout) return end(Outcome::kTimeout, std::nullopt);
      if (fetched.status == Status::kUnavailable) return end(Outcome::kUnavailable, std::nullopt);
      if (fetched.status == Status::kAnswer && (fetched.http_status == 404 || fetched.http_status == 204))
        return end(Outcome::kEmpty, std::vector<ChannelItem>());
      const bool is_good = fetched.status == Status::kAnswer && fetched.http_status == 200;
      end(is_good ? Outcome::kAnswer : Outcome::kBroken, is_good ? read_channel_json(fetched.body) : std::nullopt);
    });
    return;
  }
  const bool is_zset = channel.spec.form == ChannelSpec::Form::kRedisZset;
  const auto done = [end, is_zset](const cache::RedisReply& reply) {
    using Status = cache::RedisReply::Status;
    if (reply.status == Status::kTimeout) return end(Outcome::kTimeout, std::nullopt);
    if (reply.status == Status::kUnavailable) return end(Outcome::kUnavailable, std::nullopt);
    if (reply.status == Status::kError) return end(Outcome::kBroken, std::nullopt);
    if (is_zset) return end(Outcome::kAnswer, read_channel_zset(reply.value));
    if (reply.value.kind == cache::RespValue::Kind::kNull) return end(Outcome::kEmpty, std::vector<ChannelItem>());
    end(Outcome::kAnswer, read_channel_json(reply.value.text));
  };
  const std::string last = std::to_string(channel.spec.limit - 1);
  if (is_zset) {
    channel.redis->send({"ZREVRANGE", target, "0", last, "WITHSCORES"}, left, done);
  } else {
    channel.redis->send({"GET", target}, left, done);
  }
}

void WaitingChannels::keep_local(const std::string& key, const cache::Bytes& value) {
  const milliseconds fresh =
      channel_answer_size(*value) == 0 ? std::min(options_.local_ttl, options_.negative_ttl) : options_.local_ttl;
  local_.put(key, value, steady_clock::now(), fresh, options_.local_stale);
}

/// In every tier; other servers are told when it is another answer than before, which hot must not hold any longer then.
void WaitingChannels::keep(const Channel& channel, const std::string& key, const ChannelAsk& ask, const cache::Bytes& value) {
  const cache::Bytes former = local_.peek(key);
  const bool has_changed = former != nullptr && *former != *value;
  keep_local(key, value);
  if (channel.spec.is_shared) {
    const bool is_popular =
        channel.spec.pattern.has_item() && !channel.spec.pattern.has_user() && ask.item && popular_.contains(*ask.item);
    const auto kind = channel_answer_size(*value) == 0 ? cache::RedisTiers::Kind::kNegative
                      : is_popular || has_changed      ? cache::RedisTiers::Kind::kPopular
                                                       : cache::RedisTiers::Kind::kRest;
    tiers_->put(channel.shared_prefix + key, *value, kind);
  }
  if (!has_changed || tiers_->hot() == nullptr) return;
  tiers_->hot()->send({"PUBLISH", kInvalidation, fmt::format("@{} key {}", origin_, key)}, options_.set_timeout,
                      [](const cache::RedisReply&) {});
}

/// "all", "channel NAME" or "key NAME:TARGET", after "@SERVER " when a server says it.
void WaitingChannels::heed(std::string_view message) {
  if (message.starts_with('@')) {
    const std::size_t blank = std::min(message.find(' '), message.size());
    if (message.substr(1, blank - 1) == origin_) return;
    message.remove_prefix(std::min(blank + 1, message.size()));
  }
  constexpr std::string_view kKey = "key ";
  constexpr std::string_view kChannel = "channel ";
  if (message == "all") return local_.clear();
  if (message.starts_with(kKey)) return local_.erase(message.substr(kKey.size()));
  if (message.starts_with(kChannel)) {
    const std::string prefix = std::string(message.substr(kChannel.size())) + ":";
    return local_.erase_if([&prefix](std::string_view key) { return key.starts_with(prefix); });
  }
  log_warn("serving", "a message on {} is none of: all, channel NAME, key NAME:TARGET", kInvalidation);
}

void WaitingChannels::set_popular(std::vector<std::int64_t> items) {
  loop_.post([this, items = std::move(items)] {
    popular_.clear();
    popular_.insert(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(std::min(items.size(), options_.popular_items)));
    to_preheat_.clear();
    for (std::size_t i = std::min(items.size(), options_.preheat_items); i-- > 0;) {
      for (std::size_t c = channels_.size(); c-- > 0;) {
        const AskPattern& pattern = channels_[c]->spec.pattern;
        if (pattern.has_item() && !pattern.has_user()) to_preheat_.emplace_back(c, items[i]);
      }
    }
    while (n_preheating_ < kPreheatAtOnce && !to_preheat_.empty()) preheat_next();
  });
}

void WaitingChannels::preheat_next() {
  std::string key;
  while (!to_preheat_.empty()) {
    const auto [c, item] = to_preheat_.back();
    to_preheat_.pop_back();
    const ChannelSpec& spec = channels_[c]->spec;
    const ChannelAsk ask{.kind = spec.is_for(engine::PageKind::kSimilar) ? engine::PageKind::kSimilar : engine::PageKind::kDetail,
                         .item = item,
                         .user = std::nullopt};
    if (!key_of(*channels_[c], ask, key) || local_.peek(key) != nullptr) continue;
    ++n_preheating_;
    return fetch(c, key, ask, steady_clock::now() + kPatience, [this](const One&) {
      --n_preheating_;
      loop_.post([this] { preheat_next(); });
    });
  }
}

std::string_view WaitingChannels::cache_state() const {
  if (!options_.hot && !options_.cold) return channels_.empty() ? "none" : "local";
  const auto is_well = [](const cache::RedisStore* store) {
    return store == nullptr || store->state() == Breaker::State::kClosed;
  };
  return is_well(std::as_const(*tiers_).hot()) && is_well(std::as_const(*tiers_).cold()) ? "redis" : "degraded";
}

void WaitingChannels::update_gauges() {
  const auto hits = [this](Tier tier) { return registry_->value(metrics_.hits[static_cast<std::size_t>(tier)]); };
  const std::uint64_t lookups = registry_->value(lookups_);
  gauges_.hit_rate.set(ratio(hits(Tier::kLocal) + hits(Tier::kHot) + hits(Tier::kCold), lookups));
  gauges_.local_hit_rate.set(ratio(hits(Tier::kLocal), lookups));
  gauges_.local_size.set(static_cast<double>(local_.size()));
  gauges_.local_bytes.set(static_cast<double>(local_.bytes()));
  const auto state_of = [](const cache::RedisStore* store) {
    return store == nullptr ? 0.0 : static_cast<double>(static_cast<std::uint8_t>(store->state()));
  };
  gauges_.hot.set(state_of(tiers_->hot()));
  gauges_.cold.set(state_of(tiers_->cold()));
  for (const auto& channel : channels_)
    channel->breaker_state.set(static_cast<double>(static_cast<std::uint8_t>(channel->breaker.state())));
}

}  // namespace lodestone::serving
