// How a request waits for channels: it looks at what is kept, and if that is not all it gives its thread back until the rest is there. Then
// the page is made as any other.

#include <charconv>
#include <utility>

#include "serving/waiting_channels.hpp"
#include "serving/worker.hpp"

namespace lodestone::serving {
namespace {

/// Of the time of a request so much is not spent on waiting: 5 ms of 100, in which the page is made.
constexpr int kShareOfPage = 20;

std::optional<std::int64_t> read_id(const http::QueryParameter& parameter) {
  std::int64_t id = 0;
  const std::string_view text = parameter.value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

/// What channels are asked; nothing for a request that will be refused, whose sentence is the handler's business. A data set that the key may not
/// see is refused as one that is not there: at once, or the waiting would tell that it is there.
template <typename MaySee>
std::optional<ChannelAsk> read_ask(engine::PageKind kind, const http::Request& request, const models::Release* release,
                                   const MaySee& may_see) {
  const std::optional<std::int64_t> id = read_id(request.path_parameters[0]);
  if (!id || release == nullptr) return std::nullopt;
  ChannelAsk ask{.kind = kind, .item = std::nullopt, .user = std::nullopt};
  if (kind == engine::PageKind::kUser) {
    ask.user = id;
    return ask;
  }
  const auto item = release->catalog.find(ItemId(*id));
  if (!item || !may_see(*item)) return std::nullopt;
  ask.item = id;
  for (const http::QueryParameter& one : request.parameters) {
    if (kind == engine::PageKind::kDetail && one.name == "user_id") ask.user = read_id(one);
  }
  return ask;
}

/// What a request keeps while it waits; the parameters of its path do not live in the connection.
struct WaitingRequest {
  std::shared_ptr<ChannelAnswers> answers;
  std::string path_value;
  http::QueryParameter path_parameter;
};

/// The kind of page for which an endpoint hears channels; none = it hears none.
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

}  // namespace

void mark_bundle_only(engine::Page& page) {
  for (engine::PageItem& item : page.items) item.channels |= 1U << static_cast<unsigned>(engine::Channel::kBundleOnly);
}

bool Recommendations::is_waiting(Endpoint endpoint) const {
  const std::optional<engine::PageKind> kind = waiting_kind(endpoint);
  return channels_ != nullptr && kind && channels_->is_asked_for(*kind);
}

void Recommendations::set_channels(WaitingChannels& channels) {
  if (channels.channels().empty()) return;
  channels_ = &channels;
  for (const ChannelSpec& spec : channels.channels()) external_names_.push_back(spec.name);
  metrics_->name_external(external_names_);
  for (const auto& worker : workers_) {
    worker->external.reserve(engine::kExternalChannels);
    for (auto& items : worker->external_items) items.reserve(engine::kExternalDepth);
    for (auto& scores : worker->external_scores) scores.reserve(engine::kExternalDepth);
  }
}

std::unique_ptr<http::Deferred> Recommendations::answer_or_wait(Endpoint endpoint, Build build, const http::Request& request,
                                                                http::Response& response) {
  Worker& worker = *workers_[static_cast<std::size_t>(request.thread)];
  const LoadedRelease* current = worker.reader.current();
  Asked asked;
  asked.release = current;
  const auto ask = read_ask(*waiting_kind(endpoint), request, current == nullptr ? nullptr : &current->release(),
                            [&](ItemIndex item) { return may_see(request, worker, asked, item); });
  worker.answers = {};
  if (!ask || channels_->find(*ask, worker.slots, worker.answers)) {
    answer(endpoint, build, request, response);
    worker.answers = {};
    return nullptr;
  }
  auto waiting = std::make_shared<WaitingRequest>();
  waiting->answers = std::make_shared<ChannelAnswers>(std::exchange(worker.answers, {}));
  waiting->path_value = request.path_parameters[0].value;
  waiting->path_parameter = {request.path_parameters[0].name, waiting->path_value, request.path_parameters[0].is_text};
  auto rest = std::make_unique<http::Deferred>();
  const auto by = request.started + request_timeout_ - request_timeout_ / kShareOfPage;
  rest->start = [this, waiting, ask, by](std::function<void()> resume) {
    channels_->gather(*ask, by, waiting->answers, std::move(resume));
  };
  rest->finish = [this, waiting, endpoint, build](const http::Request& of, http::Response& to) {
    Worker& mine = *workers_[static_cast<std::size_t>(of.thread)];
    mine.answers = *waiting->answers;
    http::Request whole = of;
    whole.path_parameters = std::span(&waiting->path_parameter, 1);
    answer(endpoint, build, whole, to);
    mine.answers = {};
  };
  return rest;
}

/// Gives the page what the channels said, in the order of the channels; ids that the release does not have are left out.
void Recommendations::bind_channels(Asked& asked, Worker& worker) const {
  worker.external.clear();
  const models::Catalog& catalog = asked.release->release().catalog;
  for (std::size_t c = 0; c < external_names_.size(); ++c) {
    const ChannelAnswers::One& one = worker.answers.all[c];
    if (one.state == ChannelAnswers::State::kNotAsked) continue;
    if (one.state == ChannelAnswers::State::kLate) metrics_->count_late(worker.slots, asked.endpoint, c);
    const bool is_there = one.state == ChannelAnswers::State::kHave;
    asked.is_bundle_only = asked.is_bundle_only || !is_there;
    auto& items = worker.external_items[c];
    auto& scores = worker.external_scores[c];
    items.clear();
    scores.clear();
    // Without a list it still counts in the sum of the weights, so that scores compare.
    const std::size_t n = is_there ? channel_answer_size(*one.value) : 0;
    for (std::size_t i = 0; i < n; ++i) {
      const ChannelItem item = channel_answer_item(*one.value, i);
      const auto known = catalog.find(ItemId(item.item));
      if (!known) continue;
      items.push_back(*known);
      scores.push_back(item.score);
    }
    worker.external.push_back({c, static_cast<float>(channels_->channels()[c].weight), items, scores});
  }
  asked.page.external = worker.external;
  asked.page.external_names = external_names_;
}

}  // namespace lodestone::serving
