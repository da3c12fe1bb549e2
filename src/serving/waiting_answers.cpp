// How a request waits for channels: it looks at what is kept, and if that is not all it gives its thread back until the rest is there. Then
// the page is made as any other.

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.hpp"
#include "serving/page_order.hpp"
#include "serving/waiting_channels.hpp"
#include "serving/worker.hpp"

namespace lodestone::serving {
namespace {

std::optional<std::int64_t> read_id(const http::QueryParameter& parameter) {
  std::int64_t id = 0;
  const std::string_view text = parameter.value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

/// What a request keeps while it waits; the parameters of its path do not live in the connection.
struct WaitingRequest {
  std::shared_ptr<const RunningChannels> running;
  std::vector<ChannelAsk> asks;         ///< one a list
  std::vector<ChannelAnswers> answers;  ///< beside them
  std::vector<std::size_t> open;        ///< lists of which something is missing
  std::size_t n_open = 0;               ///< of those, which are not there yet; the channels' thread counts
  std::function<void()> resume;
  std::string path_value;
  std::vector<http::QueryParameter> path_parameters;
};

/// The kind of page for which an endpoint of one list hears channels; none = it hears none, or has several lists.
std::optional<engine::PageKind> waiting_kind(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kSimilar: return engine::PageKind::kSimilar;
    case Endpoint::kDetail: return engine::PageKind::kDetail;
    case Endpoint::kUser: return engine::PageKind::kUser;
    case Endpoint::kTrending:
    case Endpoint::kSearch:
    case Endpoint::kPage: return std::nullopt;
  }
  return std::nullopt;
}

/// Whether a channel may be asked for a list of the endpoint.
bool is_heard(const RunningChannels& running, Endpoint endpoint) {
  const std::optional<engine::PageKind> kind = waiting_kind(endpoint);
  return kind ? running.is_asked_for(*kind) : !running.channels.empty();
}

/// None where the request will be refused, whose sentence is the handler's business.
std::optional<ChannelAsk> read_ask(engine::PageKind kind, const http::Request& request) {
  const std::optional<std::int64_t> id = read_id(request.path_parameters[0]);
  if (!id) return std::nullopt;
  ChannelAsk ask{.kind = kind, .item = std::nullopt, .user = std::nullopt};
  (kind == engine::PageKind::kUser ? ask.user : ask.item) = id;
  for (const http::QueryParameter& one : request.parameters) {
    if (kind == engine::PageKind::kDetail && one.name == "user_id") ask.user = read_id(one);
  }
  return ask;
}

/// One a slot; none where the body will be refused.
void read_asks(std::string_view body, std::vector<ChannelAsk>& out) {
  PageOrder order;
  try {
    order = parse_page_order(body);
  } catch (const Error&) {
    return;
  }
  const auto user = order.user ? std::optional(raw(*order.user)) : std::nullopt;
  for (const SlotOrder& slot : order.slots)
    out.push_back({.kind = order.kind_of(slot), .item = slot.item ? std::optional(raw(*slot.item)) : std::nullopt, .user = user});
}

}  // namespace

bool may_wait(Endpoint endpoint) { return endpoint == Endpoint::kPage || waiting_kind(endpoint).has_value(); }

void Recommendations::set_channels(WaitingChannels& channels) {
  channels_ = &channels;
  for (const auto& worker : workers_) {
    worker->channels.emplace(channels.reader());
    worker->external.reserve();
  }
}

/// What channels are asked, one a list; nothing for a request that will be refused. A data set that the key may not see is refused as one that is
/// not there: at once, or the waiting would tell that it is there.
std::vector<ChannelAsk> Recommendations::asks_of(Endpoint endpoint, const http::Request& request, Worker& worker) const {
  std::vector<ChannelAsk> out;
  Asked asked;
  asked.release = worker.reader.current();
  if (asked.release == nullptr) return out;
  if (const auto kind = waiting_kind(endpoint)) {
    if (const auto ask = read_ask(*kind, request)) out.push_back(*ask);
  } else {
    read_asks(request.body, out);
  }
  const auto is_there = [&](const ChannelAsk& ask) {
    const auto item = ask.item ? asked.release->release().catalog.find(ItemId(*ask.item)) : std::nullopt;
    return !ask.item || (item && may_see(request, worker, asked, *item));
  };
  if (!std::ranges::all_of(out, is_there)) out.clear();
  return out;
}

std::unique_ptr<http::Deferred> Recommendations::answer_or_wait(Endpoint endpoint, Build build, const http::Request& request,
                                                                http::Response& response) {
  Worker& worker = *workers_[static_cast<std::size_t>(request.thread)];
  const RunningChannels& running = *worker.channels->current();
  if (!is_heard(running, endpoint)) {
    answer(endpoint, build, request, response);
    return nullptr;
  }
  std::vector<ChannelAsk> asks = asks_of(endpoint, request, worker);
  worker.answers.assign(asks.size(), {});
  std::vector<std::size_t> open;
  for (std::size_t list = 0; list < asks.size(); ++list) {
    if (!channels_->find(running, asks[list], worker.slots, worker.answers[list])) open.push_back(list);
  }
  if (open.empty()) {
    answer(endpoint, build, request, response, &running);
    worker.answers.clear();
    return nullptr;
  }
  auto waiting = std::make_shared<WaitingRequest>();
  waiting->running = worker.channels->hold();
  waiting->asks = std::move(asks);
  waiting->answers = std::exchange(worker.answers, {});
  waiting->n_open = open.size();
  waiting->open = std::move(open);
  if (!request.path_parameters.empty()) {
    waiting->path_value = request.path_parameters[0].value;
    waiting->path_parameters = {{request.path_parameters[0].name, waiting->path_value, request.path_parameters[0].is_text}};
  }
  auto rest = std::make_unique<http::Deferred>();
  rest->start = [this, waiting, by = time_to_wait(request.started)](std::function<void()> resume) {
    waiting->resume = std::move(resume);
    // The last to come ends the waiting.
    const auto done = [waiting] {
      if (--waiting->n_open == 0) std::exchange(waiting->resume, nullptr)();
    };
    for (const std::size_t list : std::vector(waiting->open))
      channels_->gather(waiting->running, waiting->asks[list], by,
                        std::shared_ptr<ChannelAnswers>(waiting, &waiting->answers[list]), done);
  };
  rest->finish = [this, waiting, endpoint, build](const http::Request& of, http::Response& to) {
    Worker& mine = *workers_[static_cast<std::size_t>(of.thread)];
    mine.answers = std::move(waiting->answers);
    http::Request whole = of;
    whole.path_parameters = waiting->path_parameters;
    answer(endpoint, build, whole, to, waiting->running.get());
    mine.answers.clear();
  };
  return rest;
}

void Recommendations::bind_channels(Asked& asked, Worker& worker) const {
  asked.is_bundle_only = false;
  asked.page.external = {};
  if (worker.running == nullptr) return;
  const RunningChannels& running = *worker.running;
  asked.page.external_names = running.names;
  if (asked.list >= worker.answers.size()) return;
  const ChannelAnswers& answers = worker.answers[asked.list];
  for (std::size_t c = 0; c < running.counters.size(); ++c) {
    if (answers.all[c].state == ChannelAnswers::State::kLate)
      worker.slots.add(running.counters[c].late[static_cast<std::size_t>(asked.endpoint)]);
  }
  const models::Catalog& catalog = asked.release->release().catalog;
  asked.is_bundle_only = !worker.external.bind(answers, running.book.channels, catalog, asked.page);
}

}  // namespace lodestone::serving
