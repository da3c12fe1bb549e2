#pragma once
// The releases that answer requests: the current one, and one that is tried beside it. A request takes its release once and keeps to it,
// so no answer mixes two; requests in flight finish on the old one.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/breaker.hpp"
#include "base/clock.hpp"
#include "bundle/bundle.hpp"
#include "bundle/trial.hpp"
#include "engine/rules.hpp"
#include "serving/drift.hpp"
#include "serving/guardrail.hpp"
#include "serving/live_features.hpp"
#include "serving/published.hpp"

namespace lodestone::serving {

/// A bundle that is open, verified and warm, with what is computed once for it. Const, safe from many threads.
struct LoadedRelease {
  std::shared_ptr<const bundle::Bundle> bundle;
  std::uint64_t etag_seed = 0;  ///< of the bundle id
  std::string demo;             ///< answer of /demo, "" when there is no demo page
  TimePoint loaded_at;
  std::string feature_snapshot_id;           ///< first 16 digits of the SHA-256 of the release's features, "" when it has none
  std::shared_ptr<const LiveFeatures> live;  ///< null when none of its features moves with events
  std::shared_ptr<DriftCounts> drift;  ///< of the rows that its ranker scores; null when there is nothing to compare them with

  std::shared_ptr<Breaker> ranking_breaker;  ///< around its rankers: another release begins anew

  [[nodiscard]] const models::Release& release() const { return bundle->release(); }
};
using ReleasePointer = std::shared_ptr<const LoadedRelease>;

/// What there is to answer with at one time.
struct Lineup {
  ReleasePointer current;  ///< null before the first bundle
  ReleasePointer trial;    ///< null = none
  bundle::Trial terms;     ///< of the trial
  /// Of the operator, for each; null = there are none.
  std::shared_ptr<const engine::Rules> current_rules;
  std::shared_ptr<const engine::Rules> trial_rules;
  std::shared_ptr<GuardrailWatch> watch;  ///< of a rollout; null = nothing is watched
  std::uint64_t serial = 0;               ///< no other that was ever in place has it
};

/// Safe from many threads.
class ReleaseHolder {
 public:
  /// Replaces the current release; the old one goes once nobody uses it, at a later collect(). A trial of the same bundle ends.
  void set(ReleasePointer next);
  /// Starts a trial, in place of any other.
  void set_trial(ReleasePointer trial, bundle::Trial terms);
  void end_trial();
  /// What rollouts must not make worse; before the first one.
  void set_rollout_limits(const RolloutLimits& limits) { rollout_limits_ = limits; }
  /// Rules for the releases that are there and for all that come.
  void set_rules(std::shared_ptr<const engine::RuleBook> book);

  /// The current release, nullptr before the first set().
  [[nodiscard]] ReleasePointer get() const;
  [[nodiscard]] std::shared_ptr<const Lineup> lineup() const { return lineups_.get(); }

  /// Destroys replaced releases that no thread holds any more; unmapping is too slow for a thread that answers requests.
  void collect() { lineups_.collect(); }
  /// Replaced lineups that are not destroyed yet.
  [[nodiscard]] std::size_t n_retired() const { return lineups_.n_retired(); }

 private:
  friend class ReleaseReader;
  /// Binds the rules to what is in it, and publishes it.
  void replace(Lineup next);
  /// Counts anew: what is compared with what has changed.
  void watch(Lineup& next) const;
  Published<Lineup> lineups_;
  RolloutLimits rollout_limits_;
  std::shared_ptr<const engine::RuleBook> book_;
  std::uint64_t last_serial_ = 0;
  std::mutex change_mutex_;  ///< held while something is replaced
};

/// One thread's view of it.
class ReleaseReader {
 public:
  explicit ReleaseReader(const ReleaseHolder& holder) : reader_(holder.lineups_) {}

  /// The lineup now, nullptr when there was none yet. Valid until the next call on this reader, as all that follows from it.
  const Lineup* lineup() { return reader_.current(); }
  /// The current release now, nullptr when there is none.
  const LoadedRelease* current() {
    const Lineup* now = lineup();
    return now == nullptr ? nullptr : now->current.get();
  }

 private:
  Published<Lineup>::Reader reader_;
};

}  // namespace lodestone::serving
