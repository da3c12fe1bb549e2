#include "serving/recommendations.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/hash.hpp"
#include "base/json.hpp"
#include "engine/query.hpp"
#include "http/problem.hpp"
#include "serving/answer.hpp"

namespace lodestone::serving {

namespace {

constexpr std::int64_t kMaxLimit = 50;
constexpr std::int64_t kMaxTrending = 100;
constexpr std::size_t kMaxExcluded = 1'000;
constexpr std::size_t kMaxQueryBytes = 200;
constexpr std::size_t kMaxVisitorBytes = 64;
constexpr std::chrono::days kNewFor{30};
constexpr std::array<std::string_view, models::kTrendingWindows> kTimeframes = {"1h", "24h", "7d"};

std::uint64_t monotonic_nanoseconds() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

void answer_unavailable(http::Response& response, std::string_view detail) {
  http::answer_problem(response, 503, detail);
  response.retry_after = 1;
}

}  // namespace

/// What one thread keeps between requests.
struct Recommendations::Worker {
  Worker(const ReleaseHolder& holder, metrics::Registry& registry) : reader(holder), slots(registry.register_thread()) {
    ids.reserve(kMaxExcluded);
    exclude.reserve(kMaxExcluded);
    tokens.reserve(kMaxQueryBytes);  // a token has a byte at least
  }

  ReleaseReader reader;
  metrics::ThreadSlots& slots;
  engine::Scratch scratch;
  engine::Page page;
  std::string warm_for;       ///< id of the release that scratch and page are warm for, "" at first
  std::uint32_t n_pages = 0;  ///< made so far, to sample some of them
  std::vector<std::int64_t> ids;
  std::vector<ItemId> exclude;
  std::vector<std::uint64_t> tokens;
  features::RequestValues values;  ///< of now
  std::int64_t new_after = 0;      ///< items created later than this (microseconds since 1970) are new
};

/// One request, read.
struct Recommendations::Asked {
  Endpoint endpoint = Endpoint::kSimilar;
  engine::PageRequest page;
  std::optional<engine::Filter> filter;
  Detail detail = Detail::kScored;

  /// True when the caller left out items, so that an empty list may be just what was asked for.
  [[nodiscard]] bool is_narrowed() const { return filter.has_value() || !page.exclude.empty() || !page.query_tokens.empty(); }
};

Recommendations::Recommendations(const ReleaseHolder& releases, ServingMetrics& metrics, metrics::Registry& registry,
                                 const Clock& clock, int n_threads)
    : metrics_(&metrics), clock_(&clock) {
  for (int t = 0; t < n_threads; ++t) workers_.push_back(std::make_unique<Worker>(releases, registry));
}

Recommendations::~Recommendations() = default;

void Recommendations::add_routes(http::Router& router) {
  add(router, "/similar/{dataset_id}", Endpoint::kSimilar, &Recommendations::similar);
  add(router, "/recommend/detail/{dataset_id}", Endpoint::kDetail, &Recommendations::detail);
  add(router, "/recommend/user/{user_id}", Endpoint::kUser, &Recommendations::user);
  add(router, "/hot/trending", Endpoint::kTrending, &Recommendations::trending);
  add(router, "/search", Endpoint::kSearch, &Recommendations::search);
}

void Recommendations::add(http::Router& router, std::string_view pattern, Endpoint endpoint, Build build) {
  router.add(http::Method::kGet, pattern, [this, endpoint, build](const http::Request& request, http::Response& response) {
    answer(endpoint, build, request, response);
  });
}

void Recommendations::tick(int thread) {
  Worker& worker = *workers_[static_cast<std::size_t>(thread)];
  const TimePoint now = clock_->now();
  worker.new_after = (now - kNewFor).time_since_epoch().count();
  features::set_time(now.time_since_epoch().count(), worker.values);
  const LoadedRelease* release = worker.reader.current();
  if (release == nullptr || release->release().id == worker.warm_for) return;
  engine::warm(release->release(), worker.scratch, worker.page);
  if (worker.warm_for.empty()) {
    n_warm_.fetch_add(1, std::memory_order_release);
    n_warm_.notify_all();
  }
  worker.warm_for = release->release().id;
}

void Recommendations::wait_until_warm() const {
  for (std::size_t n = n_warm_.load(std::memory_order_acquire); n < workers_.size();
       n = n_warm_.load(std::memory_order_acquire)) {
    n_warm_.wait(n, std::memory_order_acquire);
  }
}

void Recommendations::answer(Endpoint endpoint, Build build, const http::Request& request, http::Response& response) {
  Worker& worker = *workers_[static_cast<std::size_t>(request.thread)];
  response.more_headers = "Vary: X-API-Key\r\n";
  try {
    if (const LoadedRelease* release = worker.reader.current()) {
      (this->*build)(request, worker, *release, response);
    } else {
      answer_unavailable(response, "no_release: no bundle is loaded yet; /readyz says when there is one");
      metrics_->count_degraded(worker.slots, endpoint, Degrade::kNoRelease);
    }
  } catch (...) {
    http::answer_current_exception(request, response);
  }
  const bool known = response.status == 200 && http::etag_matches(request.if_none_match, response.etag);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - request.started;
  metrics_->count_answer(worker.slots, endpoint, known ? 304 : response.status, elapsed.count());
}

void Recommendations::read_common(const http::Parameters& parameters, Worker& worker, Asked& asked) const {
  asked.page.limit = static_cast<std::size_t>(parameters.integer("limit", 10, 1, kMaxLimit));
  parameters.ids("exclude", kMaxExcluded, worker.ids);
  worker.exclude.assign(worker.ids.size(), ItemId{});
  for (std::size_t i = 0; i < worker.ids.size(); ++i) worker.exclude[i] = ItemId(worker.ids[i]);
  asked.page.exclude = worker.exclude;
  if (const auto text = parameters.find("filter"); text && !text->empty()) {
    try {
      asked.filter = engine::Filter::parse(*text);
    } catch (const Error& error) {
      throw http::ParameterError("filter", error.message());
    }
    asked.page.filter = &*asked.filter;
  }
  if (parameters.flag("explain")) asked.detail = Detail::kExplained;
}

bool Recommendations::make_page(Asked& asked, Worker& worker, const LoadedRelease& release, http::Response& response) {
  engine::Page& page = worker.page;
  engine::RecallTrace trace{monotonic_nanoseconds, {}};
  const bool is_sampled = worker.n_pages++ % ServingMetrics::kSampled == 0;
  asked.page.values = worker.values;
  asked.page.with_rows = asked.detail == Detail::kExplained;
  asked.page.vector_ef = vector_ef_.load(std::memory_order_relaxed);
  engine::recommend(release.release(), asked.page, worker.scratch, page, is_sampled ? &trace : nullptr);
  const Degrade degrade = page.degrade_reason.empty() ? Degrade::kNone : Degrade::kNoCandidates;
  if (page.items.empty() && !asked.is_narrowed()) {
    answer_unavailable(response, "empty: neither the models nor the fallback list of this bundle have an item for this page");
    metrics_->count_degraded(worker.slots, asked.endpoint, Degrade::kEmpty);
    return false;
  }
  std::size_t n_new = 0;
  for (const engine::PageItem& item : page.items) {
    if (release.release().catalog.created_at(item.item) > worker.new_after) ++n_new;
  }
  metrics_->count_page(worker.slots, asked.endpoint, degrade, page, n_new);
  if (is_sampled && !page.items.empty()) {
    metrics_->count_sample(worker.slots, asked.endpoint, page, trace, release.release().catalog);
  }
  return true;
}

/// Ends the document after its list and sets the tag.
void Recommendations::finish_list(const http::Request& request, const LoadedRelease& release, http::Response& response,
                                  std::size_t list_begin) const {
  std::string& out = response.out();
  response.etag = xxh3(std::string_view(out).substr(list_begin), release.etag_seed);
  out.append(",\"request_id\":\"").append(request.request_id);
  out.append("\",\"algorithm_version\":\"").append(release.release().id);
  out += "\",\"variant\":\"primary\",\"experiment_variant\":\"control\"}";
}

void Recommendations::about_item(const http::Request& request, Worker& worker, const LoadedRelease& release,
                                 http::Response& response, std::string_view list_name, Asked& asked) {
  const std::int64_t id = http::path_id(request, 0);
  asked.page.item = release.release().catalog.find(ItemId(id));
  if (!asked.page.item) fail(ErrorCode::kNotFound, "data set {} is not in bundle {}", id, release.release().id);
  if (!make_page(asked, worker, release, response)) return;
  std::string& out = response.out();
  out += "{\"dataset_id\":";
  json::append_number(out, id);
  out.append(",\"").append(list_name).append("\":");
  const std::size_t begin = out.size();
  append_items(out, release.release(), worker.page, asked.detail);
  finish_list(request, release, response, begin);
}

void Recommendations::similar(const http::Request& request, Worker& worker, const LoadedRelease& release,
                              http::Response& response) {
  static constexpr std::string_view kKnown[] = {"limit", "filter", "exclude", "explain"};
  Asked asked;
  read_common(http::Parameters(request, kKnown), worker, asked);
  about_item(request, worker, release, response, "similar_items", asked);
}

void Recommendations::detail(const http::Request& request, Worker& worker, const LoadedRelease& release,
                             http::Response& response) {
  static constexpr std::string_view kKnown[] = {"limit", "filter", "exclude", "explain", "user_id", "visitor_id"};
  const http::Parameters parameters(request, kKnown);
  Asked asked;
  asked.endpoint = Endpoint::kDetail;
  asked.page.kind = engine::PageKind::kDetail;
  read_common(parameters, worker, asked);
  if (const auto id = parameters.id("user_id")) asked.page.user = UserId(*id);
  if (const auto visitor = parameters.find("visitor_id"); visitor && (visitor->empty() || visitor->size() > kMaxVisitorBytes)) {
    throw http::ParameterError("visitor_id",
                               fmt::format("visitor_id has {} bytes, expected 1 to {}", visitor->size(), kMaxVisitorBytes));
  }
  about_item(request, worker, release, response, "recommendations", asked);
}

void Recommendations::user(const http::Request& request, Worker& worker, const LoadedRelease& release, http::Response& response) {
  static constexpr std::string_view kKnown[] = {"limit", "filter", "exclude", "explain"};
  Asked asked;
  asked.endpoint = Endpoint::kUser;
  asked.page.kind = engine::PageKind::kUser;
  read_common(http::Parameters(request, kKnown), worker, asked);
  const std::int64_t id = http::path_id(request, 0);
  asked.page.user = UserId(id);
  if (!make_page(asked, worker, release, response)) return;
  std::string& out = response.out();
  out += "{\"user_id\":";
  json::append_number(out, id);
  out += ",\"recommendations\":";
  const std::size_t begin = out.size();
  append_items(out, release.release(), worker.page, asked.detail);
  finish_list(request, release, response, begin);
}

void Recommendations::trending(const http::Request& request, Worker& worker, const LoadedRelease& release,
                               http::Response& response) {
  static constexpr std::string_view kKnown[] = {"timeframe", "limit"};
  const http::Parameters parameters(request, kKnown);
  Asked asked;
  asked.endpoint = Endpoint::kTrending;
  asked.page.kind = engine::PageKind::kTrending;
  const std::size_t window = parameters.choice("timeframe", 0, kTimeframes);
  asked.page.window = static_cast<models::TrendingWindow>(window);
  asked.page.limit = static_cast<std::size_t>(parameters.integer("limit", 20, 1, kMaxTrending));
  if (!make_page(asked, worker, release, response)) return;
  // The four fields of a card; a list that is no list of trending items says so in each item.
  const Detail detail = worker.page.degrade_reason.empty() ? Detail::kCard : Detail::kCardAndReason;
  std::string& out = response.out();
  out.append("{\"timeframe\":\"").append(kTimeframes[window]).append("\",\"items\":");
  const std::size_t begin = out.size();
  append_items(out, release.release(), worker.page, detail);
  response.etag = xxh3(std::string_view(out).substr(begin), release.etag_seed);
  out.append(",\"request_id\":\"").append(request.request_id);
  out.append("\",\"algorithm_version\":\"").append(release.release().id).append("\"}");
}

void Recommendations::search(const http::Request& request, Worker& worker, const LoadedRelease& release,
                             http::Response& response) {
  static constexpr std::string_view kKnown[] = {"q", "limit", "filter"};
  const http::Parameters parameters(request, kKnown);
  Asked asked;
  asked.endpoint = Endpoint::kSearch;
  asked.page.kind = engine::PageKind::kSearch;
  read_common(parameters, worker, asked);
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
  if (!make_page(asked, worker, release, response)) return;
  std::string& out = response.out();
  out += "{\"query\":";
  json::append_string(out, query);
  out += ",\"items\":";
  const std::size_t begin = out.size();
  append_items(out, release.release(), worker.page, asked.detail);
  response.etag = xxh3(std::string_view(out).substr(begin), release.etag_seed);
  out.append(",\"request_id\":\"").append(request.request_id);
  out.append("\",\"algorithm_version\":\"").append(release.release().id).append("\"}");
}

}  // namespace lodestone::serving
