#include "serving/event_share.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace lodestone::serving {
namespace {

using cache::RedisReply;
using cache::RespValue;
using std::chrono::milliseconds;

constexpr std::string_view kStream = "lodestone:events";
/// How long Redis holds a reading for which there is nothing yet, as it wants it, and how long we wait for that.
constexpr std::string_view kBlock = "1000";
constexpr milliseconds kPatience{3'000};
constexpr milliseconds kRetry{200};
constexpr std::size_t kAtOnce = 100;
/// Of the lines in one entry, about: kAtOnce of them fit into the bytes that a reply may have. The journal gets as many at once.
constexpr std::size_t kEntryBytes = 96U << 10U;

/// The id of the entry behind ARGV[1] when it is about as large as ARGV[2] bytes or ARGV[3] values, without the entry.
constexpr std::string_view kIdOfLarge = R"(
local read = redis.call('XREAD', 'COUNT', 1, 'STREAMS', KEYS[1], ARGV[1])
if not read then return false end
local entry = read[1][2][1]
local bytes = 0
for _, text in ipairs(entry[2]) do bytes = bytes + #text end
if bytes < tonumber(ARGV[2]) and #entry[2] < tonumber(ARGV[3]) then return false end
return entry[1]
)";

cache::RedisClient::Options reader_options(const cache::RedisStore::Options& store) {
  cache::RedisClient::Options out = store.client;
  out.stalled_after = kPatience;
  return out;
}

/// Takes whole lines of about kEntryBytes from the beginning of `rest`, at least one.
std::string_view take_piece(std::string_view& rest) {
  std::size_t end = rest.size();
  if (end > kEntryBytes) {
    end = rest.rfind('\n', kEntryBytes);
    if (end == std::string_view::npos || end == 0) end = std::min(rest.find('\n', kEntryBytes), rest.size());
  }
  const std::string_view piece = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return piece;
}

}  // namespace

EventShare::EventShare(cache::IoLoop& loop, Options options, std::string origin, const cache::CacheMetrics& metrics,
                       metrics::Registry& registry, const Clock& clock)
    : loop_(loop),
      options_(std::move(options)),
      origin_(std::move(origin)),
      clock_(&clock),
      metrics_(&metrics),
      slots_(registry.register_thread()),
      state_(registry.gauge("circuit_breaker_state", "0 closed, 1 half open, 2 open.", {{"breaker", "redis_feature"}})),
      at_once_(kAtOnce),
      store_(loop.context(), options_.store, metrics, slots_),
      reader_(loop.context(), reader_options(options_.store)) {
  const auto counter = [&](const char* outcome) {
    return registry.counter("shared_event_batches_total", "Batches of accepted events shared with other servers through Redis.",
                            {{"outcome", outcome}});
  };
  shared_ = counter("sent");
  taken_ = counter("taken");
  lost_ = counter("lost");
  skipped_ = counter("skipped");
}

void EventShare::start(EventJournal& journal) {
  journal_ = &journal;
  const auto since = std::chrono::duration_cast<milliseconds>(clock_->now().time_since_epoch()) - options_.backlog;
  last_id_ = std::to_string(std::max<std::int64_t>(since.count(), 0)) + "-0";
  loop_.post([this] { follow(); });
}

void EventShare::publish(std::string_view lines) {
  // A reader takes so many entries in one reply that none may be large.
  while (!lines.empty()) publish_entry(take_piece(lines));
}

void EventShare::publish_entry(std::string_view lines) {
  n_on_the_way_.fetch_add(1, std::memory_order_relaxed);
  loop_.post([this, lines = std::string(lines)] {
    const std::string most = std::to_string(options_.batches);
    store_.send({"XADD", kStream, "MAXLEN", "~", most, "*", "server", origin_, "lines", lines}, options_.store.set_timeout,
                [this](const RedisReply& reply) {
                  // A reply that is late may still have done its work; what is lost here comes to the others by the next bundle.
                  n_on_the_way_.fetch_sub(1, std::memory_order_relaxed);
                  slots_.add(reply.status == RedisReply::Status::kReply ? shared_ : lost_);
                });
  });
}

void EventShare::follow() {
  const std::string at_once = std::to_string(at_once_);
  reader_.send({"XREAD", "COUNT", at_once, "BLOCK", kBlock, "STREAMS", kStream, last_id_}, kPatience, [this](RedisReply reply) {
    const bool is_good =
        reply.status == RedisReply::Status::kReply && (reply.value.kind == RespValue::Kind::kNull || take(reply.value));
    if (!is_good) {
      // So many entries may be more than a reply may have, where a server of another version has written large ones.
      const bool is_alone = std::exchange(at_once_, 1) == 1;
      if (is_alone && reply.status == RedisReply::Status::kTooLarge) return loop_.after(kRetry, [this] { pass_over(); });
      return loop_.after(kRetry, [this] { follow(); });
    }
    at_once_ = std::min(2 * at_once_, kAtOnce);
    if (n_in_hand_ == 0) loop_.post([this] { follow(); });
  });
}

void EventShare::pass_over() {
  constexpr cache::RespParser::Limits kLimits;
  constexpr std::size_t kRest = 1'024;  // of a reply, around an entry
  const std::string bytes = std::to_string(kLimits.bytes - kRest);
  const std::string values = std::to_string(kLimits.values - kRest);
  reader_.send({"EVAL", kIdOfLarge, "1", kStream, last_id_, bytes, values}, kPatience, [this](const RedisReply& reply) {
    using Status = RedisReply::Status;
    const bool is_known = reply.status == Status::kReply && reply.value.kind == RespValue::Kind::kText;
    if (is_known) {
      last_id_ = reply.value.text;
      slots_.add(skipped_);
    }
    if (!was_told_ && is_known)
      log_warn("serving",
               "{}: entry {} is larger than a server reads and is passed over, as will be others; lodestone writes none so large",
               kStream, last_id_);
    if (!was_told_ && reply.status == Status::kError)
      log_error("serving",
                "{}: the entry behind {} is larger than a server reads and keeps those after it back; delete it (XDEL). {}",
                kStream, last_id_, reply.value.text);
    was_told_ = was_told_ || is_known || reply.status == Status::kError;
    loop_.after(kRetry, [this] { follow(); });
  });
}

bool EventShare::take(RespValue& reply) {
  // [[stream, [[id, [field, value, ...]], ...]]]
  if (reply.kind != RespValue::Kind::kArray || reply.items.size() != 1 || reply.items[0].items.size() != 2) return false;
  std::vector<RespValue>& entries = reply.items[0].items[1].items;
  const auto is_entry = [](const RespValue& entry) { return entry.items.size() == 2; };
  if (entries.empty() || !std::ranges::all_of(entries, is_entry)) return false;
  for (RespValue& entry : entries) take_entry(entry.items[1]);
  last_id_ = entries.back().items[0].text;
  return true;
}

void EventShare::take_entry(RespValue& fields) {
  std::string_view server;
  std::string* lines = nullptr;
  for (std::size_t f = 0; f + 1 < fields.items.size(); f += 2) {
    if (fields.items[f].text == "server") server = fields.items[f + 1].text;
    if (fields.items[f].text == "lines") lines = &fields.items[f + 1].text;
  }
  if (server == origin_ || lines == nullptr || lines->empty()) return;
  slots_.add(taken_);
  slots_.add(metrics_->hits[static_cast<std::size_t>(cache::Tier::kFeature)]);
  if (lines->size() <= kEntryBytes) return submit(std::move(*lines));
  for (std::string_view rest = *lines; !rest.empty();) submit(std::string(take_piece(rest)));
}

/// The journal reads the lines, on its thread.
void EventShare::submit(std::string lines) {
  auto batch = std::make_shared<EventBatch>();
  batch->is_foreign = true;
  batch->lines = std::move(lines);
  batch->done = [this, failure = &batch->failure] {
    if (!failure->empty()) return;  // the server is stopping
    loop_.post([this] {
      if (--n_in_hand_ == 0) follow();
    });
  };
  ++n_in_hand_;
  journal_->submit(std::move(batch));
}

void EventShare::update_gauges() { state_.set(static_cast<double>(static_cast<std::uint8_t>(store_.state()))); }

}  // namespace lodestone::serving
