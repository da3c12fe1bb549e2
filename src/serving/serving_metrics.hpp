#pragma once
// What serving counts, under the names that dashboards know (docs/http-api.md lists them). Every series is resolved here once, so that
// counting is an index.

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "bundle/trial.hpp"
#include "engine/recommender.hpp"
#include "metrics/registry.hpp"
#include "serving/fallback_ratio.hpp"

namespace lodestone::serving {

/// The numbers index arrays.
enum class Endpoint : std::uint8_t { kSimilar, kDetail, kUser, kTrending, kSearch, kPage };
inline constexpr std::size_t kEndpoints = 6;
/// "similar", "recommend_detail", "recommend_user", "hot_trending", "search", "recommend_page".
std::string_view endpoint_name(Endpoint endpoint);

/// Why an answer is not what it should be. The numbers index arrays.
enum class Degrade : std::uint8_t {
  kNone,          ///< "none"
  kNoCandidates,  ///< "no_candidates": the channels had nothing for this page; a fallback list is shown
  kNoRelease,     ///< "no_release": 503, no bundle is loaded yet
  kEmpty,         ///< "empty": 503, the fallback is empty too
  kChannelLate,   ///< "channel_late": a channel outside of the engine was late or failed; the list is made without it
  kDeadline,      ///< "deadline": the request's time was up; the list is of what was there by then, or 503 when that was nothing
  kUnranked,  ///< "unranked": the rankers failed, took too long or were left out as they kept failing; the list is as recall has it
};
inline constexpr std::size_t kDegrades = 7;
std::string_view degrade_name(Degrade degrade);
/// Whether an endpoint's lists can be degraded so: what cannot be is not counted, and has no series that stays 0 for ever.
bool can_degrade(Endpoint endpoint, Degrade degrade);

/// What an answer was worth by the objective (SLO). Requests that the client got wrong, statuses 4xx, are none of ours. The numbers index arrays.
enum class Worth : std::uint8_t {
  kGood,      ///< "good"
  kSlow,      ///< "slow": as it should be, but later than serving.slo_latency_ms
  kDegraded,  ///< "degraded": a list from a fallback, or without a channel that was late
  kFailed,    ///< "failed": 5xx, refused ones included
};
inline constexpr std::size_t kWorths = 4;
std::string_view worth_name(Worth worth);
/// None for 4xx.
std::optional<Worth> worth_of(int status, bool is_degraded, double seconds, double most_seconds);

/// Which release a list is from. The numbers index arrays.
enum class Variant : std::uint8_t { kPrimary, kRollout };
inline constexpr std::size_t kVariants = 2;
/// "primary", "rollout".
std::string_view variant_name(Variant variant);

/// Files that are followed while the server runs. The numbers index arrays.
enum class WatchedFile : std::uint8_t { kExperiments, kRules, kKeys, kChannels };
inline constexpr std::size_t kWatchedFiles = 4;

/// The series of recommendation_exposures_total with one experiment_variant; [variant][endpoint][degrade].
using ExposureCounters = std::array<std::array<std::array<metrics::Counter, kDegrades>, kEndpoints>, kVariants>;

/// The series of a channel outside of the engine.
struct ChannelCounters {
  metrics::Histogram candidates;
  std::array<metrics::Counter, kEndpoints> late;  ///< of the endpoints that hear it
};

/// Different categories / items of a list, in (0, 1]; 1 when no two share a category. The list is not empty.
double diversity_score(std::span<const engine::PageItem> items, const models::Catalog& catalog);

/// Counting belongs to the thread that owns the slots; the rest is safe from any thread.
class ServingMetrics {
 public:
  explicit ServingMetrics(metrics::Registry& registry);

  /// One answer of whatever status; `is_degraded` counts where it is below 500.
  void count_answer(metrics::ThreadSlots& slots, Endpoint endpoint, int status, bool is_degraded, double seconds) const;
  /// How late a good answer may be. Before the first request.
  void set_slo_latency(std::chrono::duration<double> most) { slo_seconds_ = most.count(); }
  /// A list that was there already.
  void count_shared(metrics::ThreadSlots& slots) const { slots.add(shared_); }
  /// A request that was refused because the server is late, and the list that it was for, if any.
  void count_shed(metrics::ThreadSlots& slots, std::optional<Endpoint> endpoint) const;
  /// The list of a 200 answer: its length, how many of its items are new, and what the channels gave.
  void count_page(metrics::ThreadSlots& slots, Endpoint endpoint, Degrade degrade, const engine::Page& page,
                  std::size_t n_new) const;
  /// Series for a channel outside of the engine and the endpoints that hear it. Any thread, not for requests.
  ChannelCounters channel_counters(const std::string& name, std::span<const Endpoint> heard_by);
  /// How long one of them let a request wait.
  metrics::Histogram recall_duration(const std::string& channel);
  /// Series for lists with that experiment_variant. Any thread, not for requests.
  ExposureCounters exposure_counters(const std::string& experiment_variant);
  /// How the breaker around the rankers of a release stands: of the current one, or of one that is rolled out. Null for none. One thread.
  void set_ranking_breaker(Variant variant, const Breaker* breaker) const;
  /// One page in so many is looked at closer, the first of each thread included: what a clock read costs (20 to 30 ns) is felt in a
  /// request of 3 us.
  static constexpr std::uint32_t kSampled = 64;
  /// Of a sampled page that was made: the time of its ranker and of each channel that gave anything.
  void count_times(metrics::ThreadSlots& slots, const engine::Page& page, const engine::RecallTrace& trace) const;
  /// Of a sampled page that is shown: how many of the items differ in category.
  void count_diversity(metrics::ThreadSlots& slots, Endpoint endpoint, const engine::Page& page,
                       const models::Catalog& catalog) const;
  /// An answer that is degraded, with status 200 or 503; where the deadline is why, it counts as a timeout, too.
  void count_degraded(metrics::ThreadSlots& slots, Endpoint endpoint, Degrade degrade) const;

  void set_bundle(const std::string& id, TimePoint loaded_at);
  enum class Reload { kLoaded, kRefused };
  void count_reload(Reload reload);
  void count_file_read(WatchedFile file, Reload reload);
  void set_trial_share(const bundle::Trial& trial);
  void clear_trial_share();

  /// Takes one reading for recommendation_fallback_ratio; called once a second.
  void sample_fallback_ratio();

 private:
  void count_status(metrics::ThreadSlots& slots, Endpoint endpoint, int status) const;
  static constexpr std::array<int, 8> kStatuses = {200, 304, 400, 404, 415, 422, 500, 503};

  struct OfEndpoint {
    std::array<metrics::Counter, kStatuses.size()> requests;
    std::array<metrics::Counter, kWorths> by_worth;
    metrics::Histogram latency;
    metrics::Histogram count;
    metrics::Histogram diversity;
    metrics::Counter items;
    metrics::Counter new_items;
    metrics::Counter out_of_time;
    metrics::Counter late_ranking;
    std::array<metrics::Counter, kDegrades> degraded;  ///< [0] is unused
    metrics::Gauge fallback_ratio;
    FallbackRatio ratio;
  };
  void register_endpoint(Endpoint endpoint);

  metrics::Registry* registry_;
  double slo_seconds_ = 0.05;
  std::array<OfEndpoint, kEndpoints> endpoints_;
  metrics::Counter shared_;
  metrics::Counter shed_;
  metrics::Counter fallback_popular_;
  metrics::Counter fallback_catalog_;
  metrics::Counter ranker_to_next_;
  std::array<metrics::Counter, engine::kUnranked> ranker_to_recall_;  ///< by Unranked, [0] is unused
  std::array<metrics::Gauge, kVariants> ranking_breakers_;            ///< by Variant
  metrics::Counter fallback_bundle_;
  metrics::Counter fallback_partial_;
  std::array<metrics::Histogram, 2> inference_;  ///< of the preferred ranker, of one behind it
  std::array<metrics::Histogram, engine::kOwnChannels> candidates_;
  std::array<metrics::Histogram, engine::kOwnChannels> durations_;
  metrics::Gauge loaded_at_;
  std::mutex reload_mutex_;
  metrics::ThreadSlots* reload_slots_;
  std::array<metrics::Counter, 2> reloads_;                                ///< by Reload
  std::array<std::array<metrics::Counter, 2>, kWatchedFiles> file_reads_;  ///< by WatchedFile, by Reload
  std::array<metrics::Gauge, 2> trial_share_;                              ///< by TrialMode
};

}  // namespace lodestone::serving
