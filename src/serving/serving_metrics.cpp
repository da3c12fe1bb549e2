#include "serving/serving_metrics.hpp"

#include <fmt/core.h>

#include <algorithm>

namespace lodestone::serving {

namespace {

constexpr double kLatencyBounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1};
constexpr double kListBounds[] = {0, 1, 2, 5, 10, 20, 30, 50, 100};
constexpr double kDiversityBounds[] = {0.1, 0.3, 0.5, 0.7, 0.9, 1};  // the original system's
constexpr double kRecallBounds[] = {0.0000005, 0.000001, 0.0000025, 0.000005, 0.00001, 0.000025, 0.00005, 0.0001, 0.00025,
                                    0.0005,    0.001,    0.0025,    0.005,    0.01,    0.025,    0.05,    0.1,    0.25};
constexpr std::string_view kTimeoutsHelp = "Lists for which something missed its deadline, by what.";
constexpr double kCandidateBounds[] = {1, 5, 10, 25, 50, 100, 200, 300, 500, 1000};

std::size_t index(Endpoint endpoint) { return static_cast<std::size_t>(endpoint); }
std::size_t index(Degrade degrade) { return static_cast<std::size_t>(degrade); }
std::size_t index(Worth worth) { return static_cast<std::size_t>(worth); }

}  // namespace

std::string_view endpoint_name(Endpoint endpoint) {
  switch (endpoint) {
    case Endpoint::kSimilar: return "similar";
    case Endpoint::kDetail: return "recommend_detail";
    case Endpoint::kUser: return "recommend_user";
    case Endpoint::kTrending: return "hot_trending";
    case Endpoint::kSearch: return "search";
    case Endpoint::kPage: return "recommend_page";
  }
  return "";
}

std::string_view degrade_name(Degrade degrade) {
  switch (degrade) {
    case Degrade::kNone: return "none";
    case Degrade::kNoCandidates: return "no_candidates";
    case Degrade::kNoRelease: return "no_release";
    case Degrade::kEmpty: return "empty";
    case Degrade::kChannelLate: return "channel_late";
    case Degrade::kDeadline: return "deadline";
    case Degrade::kUnranked: return "unranked";
  }
  return "";
}

bool can_degrade(Endpoint endpoint, Degrade degrade) {
  if (degrade == Degrade::kDeadline) return endpoint != Endpoint::kTrending;  // whose lists lie ready
  if (degrade == Degrade::kChannelLate || degrade == Degrade::kUnranked)
    return endpoint != Endpoint::kTrending && endpoint != Endpoint::kSearch;
  return degrade != Degrade::kNone;
}

std::string_view worth_name(Worth worth) {
  switch (worth) {
    case Worth::kGood: return "good";
    case Worth::kSlow: return "slow";
    case Worth::kDegraded: return "degraded";
    case Worth::kFailed: return "failed";
  }
  return "";
}

std::optional<Worth> worth_of(int status, bool is_degraded, double seconds, double most_seconds) {
  if (status >= 500) return Worth::kFailed;
  if (status >= 400) return std::nullopt;
  if (is_degraded) return Worth::kDegraded;
  return seconds > most_seconds ? Worth::kSlow : Worth::kGood;
}

std::string_view variant_name(Variant variant) { return variant == Variant::kPrimary ? "primary" : "rollout"; }

double diversity_score(std::span<const engine::PageItem> items, const models::Catalog& catalog) {
  std::size_t n_different = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::int32_t category = catalog.category_number(items[i].item);
    const auto before = items.first(i);
    n_different += std::ranges::none_of(
        before, [&](const engine::PageItem& item) { return catalog.category_number(item.item) == category; });
  }
  return static_cast<double>(n_different) / static_cast<double>(items.size());
}

ServingMetrics::ServingMetrics(metrics::Registry& registry) : registry_(&registry), reload_slots_(&registry.register_thread()) {
  for (std::size_t e = 0; e < kEndpoints; ++e) register_endpoint(static_cast<Endpoint>(e));
  shared_ =
      registry.counter("lists_shared_total", "Lists of related items that were as another guest got them in the same second.");
  shed_ = registry.counter("requests_shed_total", "Requests refused with 503 because more came than could be answered in time.");
  const auto fallback = [&](const char* level) {
    return registry.counter("fallback_triggered_total", "Answers from a fallback list, by why and by which list.",
                            {{"reason", std::string(degrade_name(Degrade::kNoCandidates))}, {"level", level}});
  };
  fallback_popular_ = fallback("popular");
  fallback_catalog_ = fallback("catalog");
  const auto ranker_fallback = [&](const char* reason, const char* level) {
    return registry.counter("fallback_triggered_total", "Answers from a fallback list, by why and by which list.",
                            {{"reason", reason}, {"level", level}});
  };
  ranker_to_next_ = ranker_fallback("ranker_failed", "next_ranker");
  constexpr std::array<const char*, engine::kUnranked> kWhyUnranked = {"", "ranker_failed", "ranker_late", "ranker_open"};
  for (std::size_t u = 1; u < kWhyUnranked.size(); ++u) ranker_to_recall_[u] = ranker_fallback(kWhyUnranked[u], "recall");
  constexpr std::array<const char*, kVariants> kBreakers = {"ranking", "ranking_rollout"};
  for (std::size_t v = 0; v < kVariants; ++v) {
    ranking_breakers_[v] = registry.gauge("circuit_breaker_state", "0 closed, 1 half open, 2 open.", {{"breaker", kBreakers[v]}});
  }
  fallback_bundle_ = registry.counter("fallback_triggered_total", "Answers from a fallback list, by why and by which list.",
                                      {{"reason", std::string(degrade_name(Degrade::kChannelLate))}, {"level", "bundle"}});
  fallback_partial_ = registry.counter("fallback_triggered_total", "Answers from a fallback list, by why and by which list.",
                                       {{"reason", std::string(degrade_name(Degrade::kDeadline))}, {"level", "partial"}});
  for (std::size_t m = 0; m < inference_.size(); ++m) {
    inference_[m] = registry.histogram("model_inference_latency_seconds",
                                       fmt::format("Time in which a ranker put the candidates of a page in order, features "
                                                   "included; of one list in {} unless guests share it.",
                                                   kSampled),
                                       kRecallBounds, {{"model", m == 0 ? "preferred" : "fallback"}});
  }
  for (std::size_t c = 0; c < engine::kOwnChannels; ++c) {
    if (!engine::gives_items(static_cast<engine::Channel>(c))) continue;
    const metrics::Labels labels = {{"channel", std::string(engine::channel_name(static_cast<engine::Channel>(c)))}};
    candidates_[c] = registry.histogram(
        "recall_candidates_count", "Candidates that a channel gave, in requests where it gave any.", kCandidateBounds, labels);
    durations_[c] = recall_duration(labels[0].value);
  }
  loaded_at_ =
      registry.gauge("bundle_loaded_timestamp", "Time at which the serving bundle was loaded, seconds since 1970; 0 before.");
  constexpr std::array<const char*, 2> kResults = {"loaded", "refused"};
  constexpr std::array<const char*, kWatchedFiles> kFiles = {"experiments", "rules", "keys", "channels"};
  for (std::size_t r = 0; r < kResults.size(); ++r) {
    reloads_[r] = registry.counter("bundle_reloads_total", "Bundles that were loaded or refused.", {{"result", kResults[r]}});
    for (std::size_t f = 0; f < file_reads_.size(); ++f) {
      file_reads_[f][r] = registry.counter("watched_file_reads_total", "Readings of a file that is followed, after it changed.",
                                           {{"file", kFiles[f]}, {"result", kResults[r]}});
    }
  }
  for (std::size_t m = 0; m < trial_share_.size(); ++m) {
    trial_share_[m] = registry.gauge(
        "bundle_trial_share", "Share of the visitors (rollout) or requests (shadow) in which another bundle is tried; 0 = none.",
        {{"mode", std::string(trial_mode_name(static_cast<bundle::TrialMode>(m)))}});
  }
}

void ServingMetrics::register_endpoint(Endpoint endpoint) {
  const std::string name(endpoint_name(endpoint));
  OfEndpoint& of = endpoints_[index(endpoint)];
  for (std::size_t s = 0; s < kStatuses.size(); ++s) {
    of.requests[s] =
        registry_->counter("recommendation_requests_total", "Answers of the recommendation endpoints by HTTP status.",
                           {{"endpoint", name}, {"status", std::to_string(kStatuses[s])}});
  }
  of.latency = registry_->histogram("recommendation_latency_seconds", "From the last byte of a request to its finished answer.",
                                    kLatencyBounds, {{"endpoint", name}});
  of.count = registry_->histogram("recommendation_count", "Items in an answer.", kListBounds, {{"endpoint", name}});
  of.diversity = registry_->histogram("recommendation_diversity_score",
                                      fmt::format("Different categories / items of a list, 0 to 1; of one list in {}.", kSampled),
                                      kDiversityBounds, {{"endpoint", name}});
  for (std::size_t o = 0; o < kWorths; ++o) {
    of.by_worth[o] = registry_->counter("slo_requests_total",
                                        "Requests by what their answer was worth; those that the client got wrong apart.",
                                        {{"endpoint", name}, {"outcome", std::string(worth_name(static_cast<Worth>(o)))}});
  }
  if (can_degrade(endpoint, Degrade::kDeadline))
    of.out_of_time =
        registry_->counter("recommendation_timeouts_total", kTimeoutsHelp, {{"endpoint", name}, {"operation", "request"}});
  if (can_degrade(endpoint, Degrade::kUnranked))
    of.late_ranking =
        registry_->counter("recommendation_timeouts_total", kTimeoutsHelp, {{"endpoint", name}, {"operation", "ranking"}});
  of.items = registry_->counter("recommendation_items_total", "Items shown.", {{"endpoint", name}});
  of.new_items =
      registry_->counter("new_item_exposure_total", "Items shown that were created within 30 days.", {{"endpoint", name}});
  of.fallback_ratio = registry_->gauge("recommendation_fallback_ratio", "Share of degraded answers in the last five minutes.",
                                       {{"endpoint", name}});
  for (std::size_t d = 0; d < kDegrades; ++d) {
    const auto degrade = static_cast<Degrade>(d);
    const std::string reason(degrade_name(degrade));
    if (can_degrade(endpoint, degrade)) {
      of.degraded[d] = registry_->counter("recommendation_degraded_total", "Answers that are not what they should be, by why.",
                                          {{"endpoint", name}, {"reason", reason}});
    }
  }
}

metrics::Histogram ServingMetrics::recall_duration(const std::string& channel) {
  return registry_->histogram("recall_duration_seconds",
                              fmt::format("Time in which a channel found and scored its candidates; of one list in {} unless "
                                          "guests share it, and of each request "
                                          "to a channel outside of the engine.",
                                          kSampled),
                              kRecallBounds, {{"channel", channel}});
}

ChannelCounters ServingMetrics::channel_counters(const std::string& name, std::span<const Endpoint> heard_by) {
  ChannelCounters out;
  out.candidates =
      registry_->histogram("recall_candidates_count", "Candidates that a channel gave, in requests where it gave any.",
                           kCandidateBounds, {{"channel", name}});
  for (const Endpoint endpoint : heard_by) {
    out.late[index(endpoint)] = registry_->counter("recommendation_timeouts_total", kTimeoutsHelp,
                                                   {{"endpoint", std::string(endpoint_name(endpoint))}, {"operation", name}});
  }
  return out;
}

ExposureCounters ServingMetrics::exposure_counters(const std::string& experiment_variant) {
  ExposureCounters out;
  for (std::size_t v = 0; v < kVariants; ++v) {
    for (std::size_t e = 0; e < kEndpoints; ++e) {
      // The others are 503s, which expose nothing.
      for (const Degrade degrade :
           {Degrade::kNone, Degrade::kNoCandidates, Degrade::kChannelLate, Degrade::kDeadline, Degrade::kUnranked}) {
        if (degrade != Degrade::kNone && !can_degrade(static_cast<Endpoint>(e), degrade)) continue;
        out[v][e][index(degrade)] = registry_->counter("recommendation_exposures_total", "Lists shown.",
                                                       {{"endpoint", std::string(endpoint_name(static_cast<Endpoint>(e)))},
                                                        {"variant", std::string(variant_name(static_cast<Variant>(v)))},
                                                        {"experiment_variant", experiment_variant},
                                                        {"degrade_reason", std::string(degrade_name(degrade))}});
      }
    }
  }
  return out;
}

void ServingMetrics::count_answer(metrics::ThreadSlots& slots, Endpoint endpoint, int status, bool is_degraded,
                                  double seconds) const {
  count_status(slots, endpoint, status);
  const OfEndpoint& of = endpoints_[index(endpoint)];
  slots.observe(of.latency, seconds);
  if (const auto worth = worth_of(status, is_degraded, seconds, slo_seconds_)) slots.add(of.by_worth[index(*worth)]);
}

void ServingMetrics::count_status(metrics::ThreadSlots& slots, Endpoint endpoint, int status) const {
  const auto found = std::ranges::find(kStatuses, status);
  LODESTONE_ASSERT(found != kStatuses.end(), "{} answered with status {}", endpoint_name(endpoint), status);
  slots.add(endpoints_[index(endpoint)].requests[static_cast<std::size_t>(found - kStatuses.begin())]);
}

void ServingMetrics::count_shed(metrics::ThreadSlots& slots, std::optional<Endpoint> endpoint) const {
  slots.add(shed_);
  if (!endpoint) return;
  count_status(slots, *endpoint, 503);
  slots.add(endpoints_[index(*endpoint)].by_worth[index(Worth::kFailed)]);
}

void ServingMetrics::count_page(metrics::ThreadSlots& slots, Endpoint endpoint, Degrade degrade, const engine::Page& page,
                                std::size_t n_new) const {
  const OfEndpoint& of = endpoints_[index(endpoint)];
  slots.observe(of.count, static_cast<double>(page.items.size()));
  slots.add(of.items, page.items.size());
  slots.add(of.new_items, n_new);
  for (std::size_t c = 0; c < engine::kOwnChannels; ++c) {
    if (page.candidates[c] > 0) slots.observe(candidates_[c], page.candidates[c]);
  }
  if (page.ranker != nullptr && page.n_failed_rankers > 0) slots.add(ranker_to_next_);
  if (page.unranked != engine::Unranked::kNot) slots.add(ranker_to_recall_[static_cast<std::size_t>(page.unranked)]);
  if (page.unranked == engine::Unranked::kLate) slots.add(of.late_ranking);
  if (degrade == Degrade::kNone) return;
  count_degraded(slots, endpoint, degrade);
  if (degrade == Degrade::kChannelLate) return slots.add(fallback_bundle_);
  if (degrade == Degrade::kDeadline) return slots.add(fallback_partial_);
  if (degrade == Degrade::kUnranked) return;  // counted above, by why
  const bool popular = page.candidates[static_cast<std::size_t>(engine::Channel::kFallback)] > 0;
  slots.add(popular ? fallback_popular_ : fallback_catalog_);
}

void ServingMetrics::count_times(metrics::ThreadSlots& slots, const engine::Page& page, const engine::RecallTrace& trace) const {
  for (std::size_t c = 0; c < engine::kOwnChannels; ++c) {
    if (page.candidates[c] > 0) slots.observe(durations_[c], static_cast<double>(trace.nanoseconds[c]) * 1e-9);
  }
  if (trace.ranking > 0) slots.observe(inference_[page.n_failed_rankers > 0 ? 1 : 0], static_cast<double>(trace.ranking) * 1e-9);
}

void ServingMetrics::count_diversity(metrics::ThreadSlots& slots, Endpoint endpoint, const engine::Page& page,
                                     const models::Catalog& catalog) const {
  slots.observe(endpoints_[index(endpoint)].diversity, diversity_score(page.items, catalog));
}

void ServingMetrics::count_degraded(metrics::ThreadSlots& slots, Endpoint endpoint, Degrade degrade) const {
  slots.add(endpoints_[index(endpoint)].degraded[index(degrade)]);
  if (degrade == Degrade::kDeadline) slots.add(endpoints_[index(endpoint)].out_of_time);
}

void ServingMetrics::set_ranking_breaker(Variant variant, const Breaker* breaker) const {
  const Breaker::State state = breaker == nullptr ? Breaker::State::kClosed : breaker->state();
  ranking_breakers_[static_cast<std::size_t>(variant)].set(static_cast<double>(state));
}

void ServingMetrics::set_bundle(const std::string& id, TimePoint loaded_at) {
  registry_->set_info("bundle_info", "The bundle that answers requests.", {{"id", id}});
  loaded_at_.set(std::chrono::duration<double>(loaded_at.time_since_epoch()).count());
}

void ServingMetrics::count_reload(Reload reload) {
  const std::lock_guard lock(reload_mutex_);  // the admin thread and the follower share these slots
  reload_slots_->add(reloads_[static_cast<std::size_t>(reload)]);
}

void ServingMetrics::count_file_read(WatchedFile file, Reload reload) {
  const std::lock_guard lock(reload_mutex_);
  reload_slots_->add(file_reads_[static_cast<std::size_t>(file)][static_cast<std::size_t>(reload)]);
}

void ServingMetrics::set_trial_share(const bundle::Trial& trial) {
  clear_trial_share();
  trial_share_[static_cast<std::size_t>(trial.mode)].set(trial.share);
}

void ServingMetrics::clear_trial_share() {
  for (const metrics::Gauge& gauge : trial_share_) gauge.set(0);
}

void ServingMetrics::sample_fallback_ratio() {
  for (OfEndpoint& of : endpoints_) {
    std::uint64_t answers = 0;
    std::uint64_t degraded = 0;
    for (const metrics::Counter counter : of.requests) answers += registry_->value(counter);
    for (std::size_t d = 1; d < kDegrades; ++d) {
      if (can_degrade(static_cast<Endpoint>(&of - endpoints_.data()), static_cast<Degrade>(d)))
        degraded += registry_->value(of.degraded[d]);
    }
    of.ratio.sample(answers, degraded);
    of.fallback_ratio.set(of.ratio.ratio());
  }
}

}  // namespace lodestone::serving
