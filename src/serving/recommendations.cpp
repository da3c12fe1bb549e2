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
#include "serving/list_parameters.hpp"
#include "serving/worker.hpp"

namespace lodestone::serving {

namespace {

constexpr std::chrono::days kNewFor{30};
constexpr std::array<std::string_view, models::kTrendingWindows> kTimeframes = {"1h", "24h", "7d"};

std::uint64_t nanoseconds_of(std::chrono::steady_clock::time_point at) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}

std::uint64_t monotonic_nanoseconds() { return nanoseconds_of(std::chrono::steady_clock::now()); }

constexpr std::string_view kNothingThere =
    "empty: neither the models nor the fallback list of this bundle have an item for this page";
constexpr std::string_view kOutOfTime =
    "deadline: the time for this request was up before anything was found; try again in a second";

void answer_unavailable(http::Response& response, std::string_view detail) {
  http::answer_problem(response, 503, detail);
  response.retry_after = 1;
}

}  // namespace

Recommendations::Recommendations(const ReleaseHolder& releases, const ExperimentFile& experiments, Shadow& shadow,
                                 ServingMetrics& metrics, metrics::Registry& registry, const Clock& clock, int n_threads)
    : shadow_(&shadow), metrics_(&metrics), clock_(&clock) {
  for (int t = 0; t < n_threads; ++t)
    workers_.push_back(std::make_unique<Worker>(static_cast<std::size_t>(t), releases, experiments, registry));
}

Recommendations::~Recommendations() = default;

void Recommendations::set_tuning(const PageTuning& tuning) {
  vector_ef_.store(tuning.vector_ef, std::memory_order_relaxed);
  diversity_.store(static_cast<float>(tuning.diversity), std::memory_order_relaxed);
  exploration_.store(static_cast<float>(tuning.exploration), std::memory_order_relaxed);
}

PageTuning Recommendations::tuning() const {
  return {.vector_ef = vector_ef_.load(std::memory_order_relaxed),
          .diversity = static_cast<double>(diversity_.load(std::memory_order_relaxed)),
          .exploration = static_cast<double>(exploration_.load(std::memory_order_relaxed))};
}

void Recommendations::add_routes(http::Router& router) {
  add(router, "/similar/{dataset_id}", Endpoint::kSimilar, &Recommendations::similar);
  add(router, "/recommend/detail/{dataset_id}", Endpoint::kDetail, &Recommendations::detail);
  add(router, "/recommend/user/{user_id}", Endpoint::kUser, &Recommendations::user);
  add(router, "/hot/trending", Endpoint::kTrending, &Recommendations::trending);
  add(router, "/search", Endpoint::kSearch, &Recommendations::search);
  add(router, "/recommend/page", Endpoint::kPage, &Recommendations::page, http::Method::kPost);
}

void Recommendations::add(http::Router& router, std::string_view pattern, Endpoint endpoint, Build build, http::Method method) {
  patterns_.push_back({std::string(pattern.substr(0, pattern.find('{'))), endpoint});
  if (is_waiting(endpoint)) {
    return router.add_deferred(method, pattern, [this, endpoint, build](const http::Request& request, http::Response& response) {
      return answer_or_wait(endpoint, build, request, response);
    });
  }
  router.add(method, pattern, [this, endpoint, build](const http::Request& request, http::Response& response) {
    answer(endpoint, build, request, response);
  });
}

void Recommendations::count_shed(const http::Request& request) {
  const auto found =
      std::ranges::find_if(patterns_, [&](const Pattern& pattern) { return request.path.starts_with(pattern.begin); });
  metrics_->count_shed(workers_[static_cast<std::size_t>(request.thread)]->slots,
                       found == patterns_.end() ? std::nullopt : std::optional(found->endpoint));
}

void Recommendations::tick(int thread) {
  Worker& worker = *workers_[static_cast<std::size_t>(thread)];
  const TimePoint now = clock_->now();
  worker.new_after = (now - kNewFor).time_since_epoch().count();
  features::set_time(now.time_since_epoch().count(), worker.values);
  static_cast<void>(worker.experiments.current());
  const Lineup* lineup = worker.reader.lineup();
  if (lineup == nullptr || !lineup->current) return;
  const auto make_warm = [&](const LoadedRelease& release, std::string& warm_for) {
    if (release.release().id == warm_for) return;
    engine::warm(release.release(), worker.scratch, worker.page);
    warm_for = release.release().id;
  };
  const bool is_first = worker.warm_for.empty();
  make_warm(*lineup->current, worker.warm_for);
  if (lineup->trial && lineup->terms.mode == bundle::TrialMode::kRollout) make_warm(*lineup->trial, worker.warm_for_trial);
  if (!is_first) return;
  n_warm_.fetch_add(1, std::memory_order_release);
  n_warm_.notify_all();
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
  worker.watched = {};
  try {
    if (const Lineup* lineup = worker.reader.lineup(); lineup != nullptr && lineup->current) {
      (this->*build)(request, worker, *lineup, response);
    } else {
      answer_unavailable(response, "no_release: no bundle is loaded yet; /readyz says when there is one");
      metrics_->count_degraded(worker.slots, endpoint, Degrade::kNoRelease);
    }
  } catch (...) {
    http::answer_current_exception(request, response);
  }
  const bool known = response.status == 200 && http::etag_matches(request.if_none_match, response.etag);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - request.started;
  metrics_->count_answer(worker.slots, endpoint, known ? 304 : response.status, worker.watched.is_degraded, elapsed.count());
  if (worker.watched.running != nullptr) watch(worker, response.status, elapsed.count());
}

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

void Recommendations::assign(const http::Request& request, Asked& asked, Worker& worker, const Lineup& lineup) const {
  const RunningExperiments& running = *worker.experiments.current();
  static_cast<Assigned&>(asked) = assign_unit(lineup, running, asked.unit);
  if (lineup.trial && lineup.terms.mode == bundle::TrialMode::kShadow) {
    asked.shadow = lineup.trial.get();
    asked.shadow_share = lineup.terms.share;
  }
  if ((!running.watched.empty() || lineup.watch != nullptr) && !asked.unit.empty())
    worker.watched = {&running, lineup.watch.get(), GuardrailWatch::unit_hash(asked.unit), asked.place, asked.variant};
  asked.exposures = &running.counters[asked.place];
  tune_page(tuning(), asked, asked.weights, asked.page);
  asked.page.seed = xxh3(request.request_id);
}

bool Recommendations::make_page(const http::Request& request, Asked& asked, Worker& worker, http::Response& response) {
  const models::Release& release = asked.release->release();
  engine::Page& page = worker.page;
  engine::RecallTrace trace{monotonic_nanoseconds, {}};
  const bool is_sampled = worker.n_pages++ % ServingMetrics::kSampled == 0;
  narrow(request, asked);
  asked.page.values = worker.values;
  worker.live.read(visitors_, release, asked.page.user, asked.visitor, asked.page);
  if (asked.page.kind == engine::PageKind::kTrending)
    asked.page.trending = worker.hot.read(trending_, release, asked.release->bundle->manifest().created, clock_->now());
  asked.page.with_rows = asked.detail == Detail::kExplained;
  asked.page.deadline = {monotonic_nanoseconds, nanoseconds_of(request.started + request_timeout_)};
  if (channels_ != nullptr) bind_channels(asked, worker);
  {
    std::unique_lock<std::mutex> reading;
    const bool is_ranked = asked.page.kind != engine::PageKind::kTrending && asked.page.kind != engine::PageKind::kSearch;
    if (is_ranked && asked.release->live != nullptr)
      reading = asked.release->live->read(worker.number, clock_->now(), asked.page);
    engine::recommend(release, asked.page, worker.scratch, page, is_sampled ? &trace : nullptr);
    asked.page.online = nullptr;  // it may be read no longer
  }
  if (asked.is_bundle_only) mark_bundle_only(page);
  if (page.items.empty() && (page.is_cut || !asked.is_narrowed())) {
    answer_unavailable(response, page.is_cut ? kOutOfTime : kNothingThere);
    metrics_->count_degraded(worker.slots, asked.endpoint, page.is_cut ? Degrade::kDeadline : Degrade::kEmpty);
    worker.watched.is_empty = true;
    return false;
  }
  count_page(asked, worker, is_sampled ? &trace : nullptr);
  if (asked.shadow != nullptr && !page.is_cut && (worker.shadow_due += asked.shadow_share) >= 1) {
    worker.shadow_due -= 1;
    shadow_->offer(asked.page, release, page);
  }
  if (exposure_log_ != nullptr && request.method != http::Method::kHead) expose(request, asked, worker.page);
  return true;
}

void Recommendations::expose(const http::Request& request, const Asked& asked, const engine::Page& page) const {
  const models::Release& release = asked.release->release();
  Exposure exposure;
  exposure.at = clock_->now();
  exposure.request_id = request.request_id;
  exposure.user = asked.page.user;
  exposure.visitor_id = asked.visitor;
  if (asked.page.item) exposure.page = release.catalog.id(*asked.page.item);
  exposure.algorithm_version = release.id;
  exposure.endpoint = endpoint_name(asked.endpoint);
  exposure.slot = asked.slot;
  exposure.variant = variant_name(asked.variant);
  exposure.experiment_variant = asked.assignment->label;
  exposure.degrade_reason = degrade_name(asked.degrade_of(page));
  exposure.origin = asked.origin;
  exposure.model_run_id = asked.run_id;
  exposure.feature_snapshot_id = asked.release->feature_snapshot_id;
  exposure_log_->add(request.thread, exposure, release.catalog, page.items);
}

void Recommendations::count_page(const Asked& asked, Worker& worker, const engine::RecallTrace* trace) const {
  const models::Catalog& catalog = asked.release->release().catalog;
  const engine::Page& page = worker.page;
  const Degrade degrade = asked.degrade_of(page);
  worker.watched.is_degraded = worker.watched.is_degraded || degrade != Degrade::kNone;
  std::size_t n_new = 0;
  for (const engine::PageItem& item : page.items) n_new += catalog.created_at(item.item) > worker.new_after ? 1U : 0U;
  metrics_->count_page(worker.slots, asked.endpoint, degrade, page, n_new);
  worker.slots.add((*asked.exposures)[static_cast<std::size_t>(asked.variant)][static_cast<std::size_t>(asked.endpoint)]
                                     [static_cast<std::size_t>(degrade)]);
  if (trace == nullptr || page.items.empty()) return;
  metrics_->count_sample(worker.slots, asked.endpoint, page, *trace, catalog);
  if (asked.release->drift != nullptr) asked.release->drift->add(worker.number, asked.page.kind, page, worker.scratch);
}

/// Ends the document after its list and sets the tag.
void Recommendations::finish_list(const http::Request& request, const Asked& asked, http::Response& response,
                                  std::size_t list_begin) {
  std::string& out = response.out();
  response.etag = xxh3(std::string_view(out).substr(list_begin), asked.release->etag_seed);
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
  const std::size_t begin = out.size();
  append_items(out, release, worker.page, asked.detail);
  finish_list(request, asked, response, begin);
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
  const std::size_t begin = out.size();
  append_items(out, asked.release->release(), worker.page, asked.detail);
  finish_list(request, asked, response, begin);
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
  const Detail detail = worker.page.degrade_reason.empty() ? Detail::kCard : Detail::kCardAndReason;
  std::string& out = response.out();
  out.append("{\"timeframe\":\"").append(kTimeframes[window]).append("\",\"items\":");
  const std::size_t begin = out.size();
  append_items(out, release.release(), worker.page, detail);
  response.etag = xxh3(std::string_view(out).substr(begin), release.etag_seed);
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
  const std::size_t begin = out.size();
  append_items(out, release.release(), worker.page, asked.detail);
  response.etag = xxh3(std::string_view(out).substr(begin), release.etag_seed);
  out.append(",\"request_id\":\"").append(request.request_id);
  out.append("\",\"algorithm_version\":\"").append(release.release().id).append("\"}");
}

}  // namespace lodestone::serving
