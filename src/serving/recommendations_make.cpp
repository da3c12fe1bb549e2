// How the list of a request is made: who asks decides the release and the variant, the engine makes the page, and what was shown is counted and
// logged.

#include <algorithm>
#include <chrono>

#include "base/hash.hpp"
#include "http/problem.hpp"
#include "serving/worker.hpp"

namespace lodestone::serving {

namespace {

std::uint64_t nanoseconds_of(std::chrono::steady_clock::time_point at) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count());
}

std::uint64_t monotonic_nanoseconds() { return nanoseconds_of(std::chrono::steady_clock::now()); }

constexpr std::string_view kNothingThere =
    "empty: neither the models nor the fallback list of this bundle have an item for this page";
constexpr std::string_view kOutOfTime =
    "deadline: the time for this request was up before anything was found; try again in a second";

}  // namespace

void answer_unavailable(http::Response& response, std::string_view detail) {
  http::answer_problem(response, 503, detail);
  response.retry_after = 1;
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
  asked.lineup = lineup.serial;
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
  asked.page.ranking_nanoseconds = static_cast<std::uint64_t>(ranking_timeout_.count());
  asked.page.ranking_breaker = asked.release->ranking_breaker.get();
  bind_channels(asked, worker);
  // A shadow is to show what it would have made.
  const bool may_share = asked.unit.empty() && asked.shadow == nullptr && worker.running == nullptr;
  const std::optional<PageMemo::Key> key = may_share ? PageMemo::key_of(asked.page, asked.lineup, clock_->now()) : std::nullopt;
  worker.shared = key ? worker.memo.find(*key) : nullptr;
  if (worker.shared != nullptr) {
    metrics_->count_shared(worker.slots);
  } else {
    std::unique_lock<std::mutex> reading;
    const bool is_ranked = asked.page.kind != engine::PageKind::kTrending && asked.page.kind != engine::PageKind::kSearch;
    if (is_ranked && asked.release->live != nullptr)
      reading = asked.release->live->read(worker.number, clock_->now(), asked.page);
    engine::recommend(release, asked.page, worker.scratch, page, is_sampled ? &trace : nullptr);
    asked.page.online = nullptr;  // it may be read no longer
    const bool is_whole = !page.is_cut && page.n_failed_rankers == 0 && page.unranked == engine::Unranked::kNot;
    DriftCounts* const drift = asked.release->drift.get();
    if (drift != nullptr && (is_sampled || key))
      drift->pick_rows(worker.number, asked.page.kind, page, worker.scratch, worker.drift_rows);
    if (key && is_whole) worker.memo.keep(*key, page).rows = worker.drift_rows;
    if (asked.is_bundle_only) mark_bundle_only(page);
  }
  const engine::Page& shown = worker.shown();
  if (shown.items.empty() && (shown.is_cut || !asked.is_narrowed())) {
    answer_unavailable(response, shown.is_cut ? kOutOfTime : kNothingThere);
    metrics_->count_degraded(worker.slots, asked.endpoint, shown.is_cut ? Degrade::kDeadline : Degrade::kEmpty);
    worker.watched.is_empty = true;
    return false;
  }
  count_page(asked, worker);
  if (is_sampled && !shown.items.empty()) count_sample(asked, worker, trace);
  const bool is_as_meant = !shown.is_cut && shown.unranked == engine::Unranked::kNot;
  if (asked.shadow != nullptr && is_as_meant && (worker.shadow_due += asked.shadow_share) >= 1) {
    worker.shadow_due -= 1;
    shadow_->offer(asked.page, release, shown);
  }
  if (exposure_log_ != nullptr && request.method != http::Method::kHead) expose(request, asked, worker);
  return true;
}

void Recommendations::expose(const http::Request& request, const Asked& asked, Worker& worker) const {
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
  exposure.degrade_reason = degrade_name(asked.degrade_of(worker.shown()));
  exposure.origin = asked.origin;
  exposure.model_run_id = asked.run_id;
  exposure.feature_snapshot_id = asked.release->feature_snapshot_id;
  exposure.external_names = asked.page.external_names;
  ExposedItems items{release.catalog, worker.shown().items};
  if (SharedPage* shared = worker.shared; shared != nullptr) {
    if (shared->exposure.empty()) append_exposed(shared->exposure, items, exposure.external_names);
    items.text = shared->exposure;
  }
  exposure_log_->add(request.thread, exposure, items);
}

void Recommendations::count_page(const Asked& asked, Worker& worker) const {
  const models::Catalog& catalog = asked.release->release().catalog;
  const engine::Page& page = worker.shown();
  const Degrade degrade = asked.degrade_of(page);
  worker.watched.is_degraded = worker.watched.is_degraded || degrade != Degrade::kNone;
  std::size_t n_new = 0;
  for (const engine::PageItem& item : page.items) n_new += catalog.created_at(item.item) > worker.new_after ? 1U : 0U;
  metrics_->count_page(worker.slots, asked.endpoint, degrade, page, n_new);
  for (std::size_t c = 0; worker.running != nullptr && c < worker.running->counters.size(); ++c) {
    const std::uint32_t n_candidates = page.candidates[engine::kOwnChannels + c];
    if (n_candidates > 0) worker.slots.observe(worker.running->counters[c].candidates, n_candidates);
  }
  worker.slots.add((*asked.exposures)[static_cast<std::size_t>(asked.variant)][static_cast<std::size_t>(asked.endpoint)]
                                     [static_cast<std::size_t>(degrade)]);
}

/// A list that was there already cost nothing, and counts as any other in what is shown.
void Recommendations::count_sample(const Asked& asked, Worker& worker, const engine::RecallTrace& trace) const {
  const engine::Page& page = worker.shown();
  if (worker.shared == nullptr) metrics_->count_times(worker.slots, page, trace);
  metrics_->count_diversity(worker.slots, asked.endpoint, page, asked.release->release().catalog);
  if (asked.release->drift != nullptr)
    asked.release->drift->add(worker.number, worker.shared != nullptr ? worker.shared->rows : worker.drift_rows);
}

}  // namespace lodestone::serving
