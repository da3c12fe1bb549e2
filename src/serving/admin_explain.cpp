// GET /explain of the admin port: the list that the public port would give now, made as there.

#include <memory>
#include <utility>

#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "serving/admin.hpp"
#include "serving/explain.hpp"
#include "serving/external_lists.hpp"
#include "serving/list_parameters.hpp"

namespace lodestone::serving {
namespace {

ExplainOrder read_order(const http::Request& request) {
  static constexpr std::string_view kKnown[] = {"user_id", "visitor_id", "dataset_id", "target", "limit", "filter", "exclude"};
  const http::Parameters parameters(request, kKnown);
  ExplainOrder order;
  if (const auto id = parameters.id("user_id")) order.user = UserId(*id);
  order.visitor = read_visitor(parameters);
  if (const auto id = parameters.id("dataset_id")) order.item = ItemId(*id);
  if (const auto id = parameters.id("target")) order.target = ItemId(*id);
  if (!order.user && !order.item) {
    throw http::ParameterError(
        "dataset_id", "neither user_id nor dataset_id is given; name one, or both for the data set's page as the user sees it");
  }
  order.limit = static_cast<std::size_t>(parameters.integer("limit", kDefaultLimit, 1, kMaxLimit));
  std::vector<std::int64_t> ids;
  parameters.ids("exclude", kMaxExcluded, ids);
  for (const std::int64_t id : ids) order.exclude.push_back(ItemId(id));
  order.filter = read_filter(parameters);
  return order;
}

ChannelAsk ask_of(const ExplainOrder& order) {
  ChannelAsk ask;
  ask.kind = order.kind();
  if (order.item) ask.item = raw(*order.item);
  if (order.user) ask.user = raw(*order.user);
  return ask;
}

/// One question while its channels are waited for.
struct Waiting {
  ExplainOrder order;
  ChannelAnswers answers;
  std::shared_ptr<const RunningChannels> running;
};

/// The handler; each of the port's threads uses its own slots and reader.
class Explainer {
 public:
  Explainer(ExplainSources sources, metrics::Registry& registry) : sources_(std::move(sources)) {
    for (std::size_t t = 0; t < sources_.n_threads; ++t) slots_.push_back(&registry.register_thread());
  }

  std::unique_ptr<http::Deferred> answer_or_wait(const http::Request& request, http::Response& response) {
    auto waiting = std::make_shared<Waiting>(Waiting{read_order(request), {}, sources_.channels.get()});
    const auto lineup = sources_.releases.lineup();
    if (!lineup || !lineup->current) {
      http::answer_problem(response, 503, "no_release: no bundle is loaded yet; /readyz says when there is one");
      return nullptr;
    }
    const ChannelAsk ask = ask_of(waiting->order);
    const bool is_known = !waiting->order.item || lineup->current->release().catalog.find(*waiting->order.item);
    if (!is_known ||
        sources_.channels.find(*waiting->running, ask, *slots_[static_cast<std::size_t>(request.thread)], waiting->answers)) {
      answer(*waiting, request, response);
      return nullptr;
    }
    auto rest = std::make_unique<http::Deferred>();
    rest->start = [this, waiting, ask, by = request.started + sources_.channel_time](std::function<void()> resume) {
      sources_.channels.gather(waiting->running, ask, by, std::shared_ptr<ChannelAnswers>(waiting, &waiting->answers),
                               std::move(resume));
    };
    rest->finish = [this, waiting](const http::Request& of, http::Response& to) { answer(*waiting, of, to); };
    return rest;
  }

 private:
  void answer(const Waiting& asked, const http::Request& request, http::Response& response) const {
    const ExplainOrder& order = asked.order;
    const auto lineup = sources_.releases.lineup();
    const auto running = sources_.experiments.get();
    const std::string unit = order.user ? std::to_string(raw(*order.user)) : order.visitor;
    const Assigned assigned = assign_unit(*lineup, *running, unit);
    const models::Release& release = assigned.release->release();
    const TimePoint now = sources_.clock.now();

    engine::PageRequest page = explained_page(release, order, now);
    models::ChannelWeights weights;
    tune_page(sources_.tuning(), assigned, weights, page);
    page.exploration = 0;  // what stands there when nothing is drawn
    LiveHistory history;
    history.read(&sources_.visitors, release, order.user, order.visitor, page);
    ExternalLists external;
    const bool is_complete = external.bind(asked.answers, asked.running->book.channels, release.catalog, page);
    page.external_names = asked.running->names;

    Explanation explanation(order.target);
    explanation.set_variants(variant_name(assigned.variant), assigned.assignment->label);
    explanation.make(release, page);
    if (assigned.release->live != nullptr) {
      // A second time, in memory that has grown: events wait for whoever reads the features.
      const std::size_t reader = sources_.first_reader + static_cast<std::size_t>(request.thread);
      const auto reading = assigned.release->live->read(reader, now, page);
      explanation.make(release, page);
      page.online = nullptr;
    }
    if (!is_complete) explanation.mark_bundle_only();
    explanation.append(response.out(), release, page);
  }

  ExplainSources sources_;
  std::vector<metrics::ThreadSlots*> slots_;
};

}  // namespace

void add_explain(http::Router& router, const std::string& token, ExplainSources sources, metrics::Registry& registry) {
  auto explainer = std::make_shared<Explainer>(std::move(sources), registry);
  router.add_deferred(http::Method::kGet, "/explain",
                      [&token, explainer](const http::Request& request, http::Response& response) {
                        return check_token(request, token, response) ? explainer->answer_or_wait(request, response) : nullptr;
                      });
}

}  // namespace lodestone::serving
