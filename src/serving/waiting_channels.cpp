#include "serving/waiting_channels.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

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

using Outcome = ChannelOutcome;

bool key_of(const RunningChannel& channel, const ChannelAsk& ask, std::string& out) {
  out.assign(channel.spec.name).append(":");
  return channel.spec.is_for(ask.kind) && channel.spec.pattern.expand(ask, channel.spec.limit, out);
}

/// The lists of an endpoint may hear a channel for one kind of page; those of a page of several lists any.
std::vector<Endpoint> heard_by(const ChannelSpec& spec) {
  std::vector<Endpoint> out{Endpoint::kPage};
  if (spec.is_for(engine::PageKind::kSimilar)) out.push_back(Endpoint::kSimilar);
  if (spec.is_for(engine::PageKind::kDetail)) out.push_back(Endpoint::kDetail);
  if (spec.is_for(engine::PageKind::kUser)) out.push_back(Endpoint::kUser);
  return out;
}

std::optional<cache::RedisStore::Options> store_options(const std::optional<cache::RedisUrl>& url, const CacheOptions& options) {
  if (!url) return std::nullopt;
  cache::RedisStore::Options out;
  out.client.url = *url;
  out.client.trust = options.redis_trust;
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

/// One request that waits.
struct WaitingChannels::Gathering {
  std::shared_ptr<const RunningChannels> running;
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

WaitingChannels::WaitingChannels(cache::IoLoop& loop, const CacheOptions& options, std::string origin, ServingMetrics& serving,
                                 metrics::Registry& registry)
    : loop_(loop),
      options_(options),
      origin_(std::move(origin)),
      serving_(&serving),
      registry_(&registry),
      metrics_(registry),
      lookups_(
          registry.counter("cache_lookups_total", "Answers of channels that requests looked for, wherever they were found.")),
      slots_(registry.register_thread()),
      local_({.bytes = options.local_bytes}),
      tiers_(std::make_unique<cache::RedisTiers>(loop.context(), tier_options(options), metrics_, slots_)) {
  latest_ = std::make_shared<const RunningChannels>();
  running_.set(latest_);
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
  listener.trust = options.redis_trust;
  subscriber_ = std::make_unique<cache::RedisSubscriber>(
      loop_, std::move(listener), std::string(kInvalidation), [this](std::string_view message) { heed(message); },
      [this] { local_.make_stale(steady_clock::now()); });
}

WaitingChannels::~WaitingChannels() = default;

void WaitingChannels::start() {
  is_started_ = true;
  if (subscriber_) subscriber_->start();
}

void WaitingChannels::set_book(ChannelBook book) {
  auto next = std::make_shared<RunningChannels>();
  for (const ChannelSpec& spec : book.channels) {
    const auto same = std::ranges::find_if(latest_->channels, [&](const Channel& channel) { return channel->spec == spec; });
    next->channels.push_back(
        same != latest_->channels.end()
            ? *same
            : std::make_shared<RunningChannel>(spec, ++n_channels_made_, options_, loop_, *serving_, *registry_));
    next->names.push_back(spec.name);
    next->counters.push_back(serving_->channel_counters(spec.name, heard_by(spec)));
  }
  next->book = std::move(book);
  latest_ = next;
  if (!is_started_) return take_over(std::move(next));
  loop_.post([this, next = std::move(next)] { take_over(next); });
}

/// Before anybody asks the new ones, what is kept of the old ones is what the new ones answer, too, or forgotten.
void WaitingChannels::take_over(std::shared_ptr<const RunningChannels> next) {
  const std::shared_ptr<const RunningChannels> before = running_.get();
  for (const Channel& old : before->channels) {
    const auto named = std::ranges::find_if(next->channels, [&](const Channel& one) { return one->spec.name == old->spec.name; });
    if (named == next->channels.end()) old->breaker_state.set(0);
    if (named != next->channels.end() && (*named)->spec.has_answers_of(old->spec)) continue;
    old->is_gone = true;
    const std::string prefix = old->spec.name + ":";
    local_.erase_if([&prefix](std::string_view key) { return key.starts_with(prefix); });
  }
  for (const Channel& one : next->channels) {
    if (std::ranges::find(channels_, one) == channels_.end()) channels_.push_back(one);
  }
  to_preheat_.clear();
  running_.set(std::move(next));
}

void WaitingChannels::collect() {
  running_.collect();
  loop_.post([this] { std::erase_if(channels_, [](const Channel& channel) { return channel.use_count() == 1; }); });
}

bool WaitingChannels::find(const RunningChannels& running, const ChannelAsk& ask, metrics::ThreadSlots& slots,
                           ChannelAnswers& out) {
  const Time now = steady_clock::now();
  bool is_complete = true;
  std::string key;
  for (std::size_t c = 0; c < running.channels.size(); ++c) {
    const Channel& channel = running.channels[c];
    if (!key_of(*channel, ask, key)) continue;
    slots.add(lookups_);
    cache::LocalTier::Found found = local_.find(key, now);
    const bool is_there = found.state != cache::LocalTier::State::kMiss;
    slots.add(metrics_.of(CacheMetrics::Operation::kGet, is_there ? CacheMetrics::Outcome::kHit : CacheMetrics::Outcome::kMiss));
    if (is_there) slots.add(metrics_.hits[static_cast<std::size_t>(Tier::kLocal)]);
    out.all[c] = {is_there ? State::kHave : State::kMissing, std::move(found.value)};
    is_complete = is_complete && is_there;
    if (!found.should_refresh) continue;
    loop_.post([this, channel, key, ask] { fetch(channel, key, ask, steady_clock::now() + kPatience, [](const One&) {}); });
  }
  return is_complete;
}

void WaitingChannels::gather(std::shared_ptr<const RunningChannels> running, const ChannelAsk& ask, Time by,
                             std::shared_ptr<ChannelAnswers> answers, std::function<void()> done) {
  auto gathering = std::make_shared<Gathering>(Gathering{std::move(running), ask, by, std::move(answers), std::move(done)});
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
  const RunningChannels& running = *gathering->running;
  for (; c < running.channels.size() && gathering->done; ++c) {
    if (gathering->answers->all[c].state != State::kMissing) continue;
    key_of(*running.channels[c], gathering->ask, key);
    fetch(running.channels[c], key, gathering->ask, gathering->by, [this, gathering, c](const One& one) {
      if (!gathering->done) return;  // it went on without us
      gathering->answers->all[c] = one;
      if (--gathering->n_missing == 0) return gathering->finish();
      if (!gathering->running->book.at_once) gather_next(gathering, c + 1);
    });
    if (!running.book.at_once) return;
  }
}

/// From Redis or from the channel; who asks for the same meanwhile waits for the same.
void WaitingChannels::fetch(const Channel& channel, const std::string& key, const ChannelAsk& ask, Time by, Asked waiter) {
  if (!flights_.join(channel->flight_prefix + key, std::move(waiter))) return;
  if (!channel->spec.is_shared || (tiers_->hot() == nullptr && tiers_->cold() == nullptr))
    return this->ask(channel, key, ask, by);
  const std::string shared_key = channel->shared_prefix + key;
  tiers_->get(shared_key, [this, channel, key, ask, by, shared_key](std::optional<cache::RedisTiers::Found> found) {
    if (!found) return this->ask(channel, key, ask, by);
    if (!is_channel_answer(found->value)) {  // not ours, or damaged
      tiers_->erase(shared_key);
      return this->ask(channel, key, ask, by);
    }
    const auto value = std::make_shared<const std::string>(std::move(found->value));
    keep_local(*channel, key, value);
    land(*channel, key, {State::kHave, value});
  });
}

void WaitingChannels::ask(const Channel& asked, const std::string& key, const ChannelAsk& ask, Time by) {
  RunningChannel& channel = *asked;
  const Time now = steady_clock::now();
  const auto left = std::min(channel.spec.deadline, std::chrono::floor<milliseconds>(by - now));
  if (left <= milliseconds(0)) return land(channel, key, {State::kLate, nullptr});
  if (!channel.breaker.allows(now)) {
    slots_.add(channel.outcomes[static_cast<std::size_t>(Outcome::kOpen)]);
    return land(channel, key, {State::kFailed, nullptr});
  }
  const auto end = [this, asked, key, ask, now](Outcome outcome, std::optional<std::vector<ChannelItem>> items) {
    RunningChannel& of = *asked;
    const Time then = steady_clock::now();
    slots_.observe(of.waited, std::chrono::duration<double>(then - now).count());
    if (items && items->empty()) outcome = Outcome::kEmpty;
    slots_.add(of.outcomes[static_cast<std::size_t>(outcome)]);
    items ? of.breaker.succeed() : of.breaker.fail(then);
    if (!items) return land(of, key, {outcome == Outcome::kTimeout ? State::kLate : State::kFailed, nullptr});
    const auto value = std::make_shared<const std::string>(pack_channel_answer(std::move(*items), of.spec.limit));
    keep(of, key, ask, value);
    land(of, key, {State::kHave, value});
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
    if (reply.status != Status::kReply) return end(Outcome::kBroken, std::nullopt);
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

void WaitingChannels::keep_local(const RunningChannel& channel, const std::string& key, const cache::Bytes& value) {
  if (channel.is_gone) return;
  const milliseconds fresh =
      channel_answer_size(*value) == 0 ? std::min(options_.local_ttl, options_.negative_ttl) : options_.local_ttl;
  local_.put(key, value, steady_clock::now(), fresh, options_.local_stale);
}

/// In every tier; other servers are told when it is another answer than before, which hot must not hold any longer then.
void WaitingChannels::keep(const RunningChannel& channel, const std::string& key, const ChannelAsk& ask,
                           const cache::Bytes& value) {
  if (channel.is_gone) return;
  const cache::Bytes former = local_.peek(key);
  const bool has_changed = former != nullptr && *former != *value;
  keep_local(channel, key, value);
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
    const auto running = running_.get();
    for (std::size_t i = std::min(items.size(), options_.preheat_items); i-- > 0;) {
      for (std::size_t c = running->channels.size(); c-- > 0;) {
        const AskPattern& pattern = running->channels[c]->spec.pattern;
        if (pattern.has_item() && !pattern.has_user()) to_preheat_.emplace_back(running->channels[c], items[i]);
      }
    }
    while (n_preheating_ < kPreheatAtOnce && !to_preheat_.empty()) preheat_next();
  });
}

void WaitingChannels::preheat_next() {
  std::string key;
  while (!to_preheat_.empty()) {
    const auto [channel, item] = to_preheat_.back();
    to_preheat_.pop_back();
    const ChannelSpec& spec = channel->spec;
    const ChannelAsk ask{.kind = spec.is_for(engine::PageKind::kSimilar) ? engine::PageKind::kSimilar : engine::PageKind::kDetail,
                         .item = item,
                         .user = std::nullopt};
    if (!key_of(*channel, ask, key) || local_.peek(key) != nullptr) continue;
    ++n_preheating_;
    return fetch(channel, key, ask, steady_clock::now() + kPatience, [this](const One&) {
      --n_preheating_;
      loop_.post([this] { preheat_next(); });
    });
  }
}

std::string_view WaitingChannels::cache_state() const {
  if (!options_.hot && !options_.cold) return running_.get()->channels.empty() ? "none" : "local";
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
  const auto running = running_.get();
  for (const Channel& channel : running->channels)
    channel->breaker_state.set(static_cast<double>(static_cast<std::uint8_t>(channel->breaker.state())));
}

}  // namespace lodestone::serving
