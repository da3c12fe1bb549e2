#pragma once
// Brings releases in: opens and verifies a bundle, warms it, then swaps it in. Follows CURRENT and TRIAL of the bundle store. A bundle that
// cannot be loaded is refused with a log line and counted, and the old one goes on.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "bundle/store.hpp"
#include "serving/audit_log.hpp"
#include "serving/file_stamp.hpp"
#include "serving/release_holder.hpp"
#include "serving/serving_metrics.hpp"

namespace lodestone::serving {

/// Safe from many threads; loads run one after the other, never on a thread that answers public requests.
class ReleaseLoader {
 public:
  /// `make_demo` makes the answer of /demo for a release; may be empty. `live_features` may be null. `n_threads` answer requests.
  ReleaseLoader(bundle::BundleStore store, ReleaseHolder& releases, ServingMetrics& metrics, const Clock& clock,
                std::function<std::string(const models::Release&)> make_demo, LiveFeatureSet* live_features = nullptr,
                int n_threads = 1);
  ReleaseLoader(const ReleaseLoader&) = delete;
  ReleaseLoader& operator=(const ReleaseLoader&) = delete;

  [[nodiscard]] const bundle::BundleStore& store() const { return store_; }
  /// Of the rankers of each release; before the first one.
  void set_ranking_breaker(const Breaker::Options& options) { ranking_breaker_ = options; }
  /// Notes there what look() finds changed; must outlive this.
  void set_audit(AuditLog& audit) { audit_ = &audit; }

  /// Loads what CURRENT and TRIAL name, where they are other files than at the last look. Refusals are logged, counted and remembered.
  void look();

  /// Loads CURRENT now, whatever was looked at before. Throws as Bundle::open does; not_found without CURRENT. Returns the id.
  std::string reload_current();
  /// Loads `id` and makes it current; a trial of it ends. Throws as BundleStore and Bundle::open do; then nothing has changed.
  void load(const std::string& id);
  /// Loads what the trial names and starts it, in place of any other. Throws as load() does, and as BundleStore::start_trial().
  void start_trial(const bundle::Trial& trial);
  /// Ends the trial of `id`; not_found when there is none.
  void end_trial(const std::string& id, std::string_view why = "its share was set to 0");
  /// Ends the rollout, if there is one: what it rolled out is what somebody wants to be rid of. Otherwise makes the newest bundle older than
  /// the current one current, and loads it. Returns the id that everybody gets now.
  std::string roll_back();

  /// Why the bundle that CURRENT names is not the one that answers; none when all is well.
  [[nodiscard]] std::optional<std::string> last_refusal() const;

 private:
  void look_at_current();
  void look_at_trial();
  ReleasePointer open(const std::string& id) const;
  void swap_in(ReleasePointer next);
  void begin(ReleasePointer release, const bundle::Trial& trial);
  void stop_trial(std::string_view why);
  void refuse(const std::string& sentence);
  /// That a file of the store changed, and what came of it.
  void note(std::string_view file, json::Value arguments, const std::string& problem = "") const;
  /// Counts and logs what `load` throws, and lets it go on.
  template <typename Load>
  void run_load(const std::string& id, Load load);

  const bundle::BundleStore store_;
  ReleaseHolder* releases_;
  ServingMetrics* metrics_;
  const Clock* clock_;
  AuditLog* audit_ = nullptr;
  std::function<std::string(const models::Release&)> make_demo_;
  LiveFeatureSet* live_features_;
  std::size_t n_threads_;
  Breaker::Options ranking_breaker_;

  std::mutex load_mutex_;  ///< held for a whole load; guards the stamps
  FileStamp seen_current_;
  FileStamp seen_trial_;
  mutable std::mutex state_mutex_;  ///< guards refusal_
  std::optional<std::string> refusal_;
};

}  // namespace lodestone::serving
