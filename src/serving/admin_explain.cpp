// GET /explain of the admin port.

#include "http/parameters.hpp"
#include "http/problem.hpp"
#include "serving/admin.hpp"
#include "serving/explain.hpp"
#include "serving/token.hpp"

namespace lodestone::serving {
namespace {

ExplainOrder read_order(const http::Request& request) {
  static constexpr std::string_view kKnown[] = {"user_id", "dataset_id", "target", "limit", "filter", "exclude"};
  const http::Parameters parameters(request, kKnown);
  ExplainOrder order;
  if (const auto id = parameters.id("user_id")) order.user = UserId(*id);
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
  if (const auto text = parameters.find("filter"); text && !text->empty()) {
    try {
      order.filter = engine::Filter::parse(*text);
    } catch (const Error& error) {
      throw http::ParameterError("filter", error.message());
    }
  }
  return order;
}

}  // namespace

void add_explain(http::Router& router, const std::string& token, const ReleaseHolder& releases, const Clock& clock,
                 std::function<PageTuning()> tuning) {
  router.add(http::Method::kGet, "/explain",
             [&token, &releases, &clock, tuning = std::move(tuning)](const http::Request& request, http::Response& response) {
               if (!check_token(request, token, response)) return;
               ExplainOrder order = read_order(request);
               const PageTuning now = tuning();
               order.vector_ef = now.vector_ef;
               order.diversity = static_cast<float>(now.diversity);
               const auto lineup = releases.lineup();
               if (!lineup || !lineup->current) {
                 return http::answer_problem(response, 503,
                                             "no_release: no bundle is loaded yet; /readyz says when there is one");
               }
               order.rules = lineup->current_rules.get();
               append_explanation(response.out(), lineup->current->release(), order, clock.now());
             });
}

}  // namespace lodestone::serving
