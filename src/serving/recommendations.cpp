// What surrounds every list: routes, threads and their memory, and the boundary of a request.

#include "serving/recommendations.hpp"

#include <algorithm>
#include <chrono>

#include "http/problem.hpp"
#include "serving/worker.hpp"

namespace lodestone::serving {

namespace {

constexpr std::chrono::days kNewFor{30};

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
  if (channels_ != nullptr && may_wait(endpoint)) {
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

void Recommendations::answer(Endpoint endpoint, Build build, const http::Request& request, http::Response& response,
                             const RunningChannels* running) {
  Worker& worker = *workers_[static_cast<std::size_t>(request.thread)];
  worker.running = running;
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

}  // namespace lodestone::serving
