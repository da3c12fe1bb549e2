// The endpoints that answer with one list: their parameters and their documents.

#include <fmt/core.h>

#include <array>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "engine/query.hpp"
#include "http/problem.hpp"
#include "serving/answer.hpp"
#include "serving/list_parameters.hpp"
#include "serving/worker.hpp"

namespace lodestone::serving {

namespace {

constexpr std::array<std::string_view, models::kTrendingWindows> kTimeframes = {"1h", "24h", "7d"};

}  // namespace

void Recommendations::read_common(const http::Request& request, const http::Parameters& parameters, Worker& worker,
                                  Asked& asked) const {
  asked.origin = read_origin(request, parameters.find("source"));
  asked.page.limit = static_cast<std::size_t>(parameters.integer("limit", kDefaultLimit, 1, kMaxLimit));
  parameters.ids("exclude", kMaxExcluded, worker.ids);
  worker.exclude.assign(worker.ids.size(), ItemId{});
  for (std::size_t i = 0; i < worker.ids.size(); ++i) worker.exclude[i] = ItemId(worker.ids[i]);
  asked.page.exclude = worker.exclude;
  asked.filter = read_filter(parameters);
  if (asked.filter) asked.page.filter = &*asked.filter;
  if (parameters.flag("explain")) asked.detail = Detail::kExplained;
}

std::uint64_t Recommendations::put_items(const Asked& asked, Worker& worker, http::Response& response) {
  std::string& out = response.out();
  const auto append = [&](std::string& to) {
    const std::size_t begin = to.size();
    append_items(to, asked.release->release(), worker.shown(), asked.detail);
    return xxh3(std::string_view(to).substr(begin), asked.release->etag_seed);
  };
  SharedPage* shared = worker.shared;
  if (shared == nullptr) return append(out);
  LODESTONE_ASSERT(asked.detail == Detail::kScored, "a shared list says one thing of its items");
  if (shared->answer.empty()) shared->etag = append(shared->answer);
  out += shared->answer;
  return shared->etag;
}

/// Ends the document after its list.
void Recommendations::finish_list(const http::Request& request, const Asked& asked, http::Response& response) {
  std::string& out = response.out();
  out.append(",\"request_id\":\"").append(request.request_id);
  out.append("\",\"algorithm_version\":\"").append(asked.release->release().id);
  out.append("\",\"variant\":\"").append(variant_name(asked.variant));
  out.append("\",\"experiment_variant\":\"").append(asked.assignment->label).append("\"}");
}

void Recommendations::about_item(const http::Request& request, Worker& worker, http::Response& response,
                                 std::string_view list_name, Asked& asked) {
  const models::Release& release = asked.release->release();
  const std::int64_t id = http::path_id(request, 0);
  asked.page.item = release.catalog.find(ItemId(id));
  if (!asked.page.item || !may_see(request, worker, asked, *asked.page.item))
    fail(ErrorCode::kNotFound, "data set {} is not in bundle {}", id, release.id);
  if (!make_page(request, asked, worker, response)) return;
  std::string& out = response.out();
  out += "{\"dataset_id\":";
  json::append_number(out, id);
  out.append(",\"").append(list_name).append("\":");
  response.etag = put_items(asked, worker, response);
  finish_list(request, asked, response);
}

void Recommendations::similar(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response) {
  static constexpr std::string_view kKnown[] = {"limit", "filter", "exclude", "explain", "source"};
  Asked asked;
  read_common(request, http::Parameters(request, kKnown), worker, asked);
  assign(request, asked, worker, lineup);
  about_item(request, worker, response, "similar_items", asked);
}

void Recommendations::detail(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response) {
  static constexpr std::string_view kKnown[] = {"limit", "filter", "exclude", "explain", "user_id", "visitor_id", "source"};
  const http::Parameters parameters(request, kKnown);
  Asked asked;
  asked.endpoint = Endpoint::kDetail;
  asked.page.kind = engine::PageKind::kDetail;
  read_common(request, parameters, worker, asked);
  asked.visitor = read_visitor(parameters);
  asked.unit = asked.visitor;
  if (const auto id = parameters.id("user_id")) {
    asked.page.user = UserId(*id);
    asked.set_unit(*id);
  }
  assign(request, asked, worker, lineup);
  about_item(request, worker, response, "recommendations", asked);
}

void Recommendations::user(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response) {
  static constexpr std::string_view kKnown[] = {"limit", "filter", "exclude", "explain", "source"};
  Asked asked;
  asked.endpoint = Endpoint::kUser;
  asked.page.kind = engine::PageKind::kUser;
  read_common(request, http::Parameters(request, kKnown), worker, asked);
  const std::int64_t id = http::path_id(request, 0);
  asked.page.user = UserId(id);
  asked.set_unit(id);
  assign(request, asked, worker, lineup);
  if (!make_page(request, asked, worker, response)) return;
  std::string& out = response.out();
  out += "{\"user_id\":";
  json::append_number(out, id);
  out += ",\"recommendations\":";
  response.etag = put_items(asked, worker, response);
  finish_list(request, asked, response);
}

void Recommendations::trending(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response) {
  static constexpr std::string_view kKnown[] = {"timeframe", "limit", "source"};
  const http::Parameters parameters(request, kKnown);
  Asked asked;
  asked.endpoint = Endpoint::kTrending;
  asked.page.kind = engine::PageKind::kTrending;
  asked.origin = read_origin(request, parameters.find("source"));
  const std::size_t window = parameters.choice("timeframe", 0, kTimeframes);
  asked.page.window = static_cast<models::TrendingWindow>(window);
  asked.page.limit = static_cast<std::size_t>(parameters.integer("limit", kDefaultTrending, 1, kMaxTrending));
  assign(request, asked, worker, lineup);
  const LoadedRelease& release = *asked.release;
  if (!make_page(request, asked, worker, response)) return;
  // The four fields of a card; a list that is no list of trending items says so in each item.
  asked.detail = worker.shown().degrade_reason.empty() ? Detail::kCard : Detail::kCardAndReason;
  std::string& out = response.out();
  out.append("{\"timeframe\":\"").append(kTimeframes[window]).append("\",\"items\":");
  response.etag = put_items(asked, worker, response);
  out.append(",\"request_id\":\"").append(request.request_id);
  out.append("\",\"algorithm_version\":\"").append(release.release().id).append("\"}");
}

void Recommendations::search(const http::Request& request, Worker& worker, const Lineup& lineup, http::Response& response) {
  static constexpr std::string_view kKnown[] = {"q", "limit", "filter", "source"};
  const http::Parameters parameters(request, kKnown);
  Asked asked;
  asked.endpoint = Endpoint::kSearch;
  asked.page.kind = engine::PageKind::kSearch;
  read_common(request, parameters, worker, asked);
  assign(request, asked, worker, lineup);
  const LoadedRelease& release = *asked.release;
  const std::string_view query = parameters.find("q").value_or("");
  if (query.size() > kMaxQueryBytes) {
    throw http::ParameterError("q", fmt::format("q has {} bytes, at most {} are allowed", query.size(), kMaxQueryBytes));
  }
  const bool blank = query.find_first_not_of(' ') == std::string_view::npos;
  worker.tokens.clear();
  if (!blank) {
    engine::search_tokens(release.release(), query, worker.tokens);
    if (worker.tokens.empty())
      worker.tokens.push_back(0);  // a query of signs only finds nothing, where no query finds what is popular
  }
  asked.page.query_tokens = worker.tokens;
  if (!make_page(request, asked, worker, response)) return;
  std::string& out = response.out();
  out += "{\"query\":";
  json::append_string(out, query);
  out += ",\"items\":";
  response.etag = put_items(asked, worker, response);
  out.append(",\"request_id\":\"").append(request.request_id);
  out.append("\",\"algorithm_version\":\"").append(release.release().id).append("\"}");
}

}  // namespace lodestone::serving
