#pragma once
// The experiments that run now: follows the file, and counts lists by what they were dealt.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "serving/experiments.hpp"
#include "serving/file_follower.hpp"
#include "serving/published.hpp"
#include "serving/serving_metrics.hpp"
#include "serving/stopped_variants.hpp"

namespace lodestone::serving {

/// An active experiment with guardrails.
struct WatchedExperiment {
  std::size_t experiment = 0;             ///< in all()
  std::vector<std::size_t> arms;          ///< of its variants: place in watch->arms()
  std::string fingerprint;                ///< fingerprint_of() it
  std::shared_ptr<GuardrailWatch> watch;  ///< goes on as long as the experiment stays what it is

  /// The arm that an assignment belongs to; none where it takes no part, or is of a variant without a share.
  [[nodiscard]] std::optional<std::size_t> arm_at(const Experiments& experiments, std::size_t place) const {
    const auto variant = experiments.variant_at(place, experiment);
    if (!variant || arms[*variant] == kNoArm) return std::nullopt;
    return arms[*variant];
  }
  static constexpr std::size_t kNoArm = SIZE_MAX;
};

/// One reading of the file with the counters of its assignments.
struct RunningExperiments {
  Experiments experiments;
  std::vector<ExposureCounters> counters;  ///< beside experiments.assignments()
  std::vector<WatchedExperiment> watched;
};

/// look() belongs to one thread at a time; the rest is safe from many.
class ExperimentFile {
 public:
  /// `path` "" = there are no experiments.
  ExperimentFile(fs::path path, ServingMetrics& metrics);

  /// Reads the file if it is another one than at the last look. A file with errors is logged and counted, and what was read before goes on; a file
  /// that is gone ends all experiments. Switches off what another server with the same file has stopped.
  void look();
  /// Switches a variant off, here and in the file beside the experiments (stopped_file()), so that it stays off until its experiment is another. Where that
  /// file cannot be written it is off here, and each look() tries again. On the thread that looks.
  void stop(StoppedVariant variant);
  [[nodiscard]] fs::path stopped_file() const { return fs::path(path_) += ".stopped.json"; }
  /// Notes each reading there; must outlive this.
  void set_audit(AuditLog& audit) { file_.set_audit(audit); }
  void collect() { running_.collect(); }

  /// What runs.
  [[nodiscard]] std::shared_ptr<const RunningExperiments> get() const { return running_.get(); }
  [[nodiscard]] Published<RunningExperiments>::Reader reader() const { return Published<RunningExperiments>::Reader(running_); }
  /// Why the file as it is does not run; none when all is well.
  [[nodiscard]] std::optional<std::string> problem() const { return file_.problem(); }

 private:
  void publish(Experiments experiments);
  /// The stopped variants that stand for what runs.
  static std::vector<StoppedVariant> stop_variants(Experiments& experiments, const std::vector<StoppedVariant>& stopped);
  void save();
  void look_at_stopped();
  [[nodiscard]] std::vector<WatchedExperiment> watch(const Experiments& experiments) const;

  fs::path path_;
  FileFollower file_;
  std::vector<StoppedVariant> stopped_;  ///< of what runs
  std::vector<StoppedVariant> unsaved_;  ///< not in the file yet
  bool is_save_failing_ = false;
  FileStamp seen_stopped_;
  ServingMetrics* metrics_;
  Published<RunningExperiments> running_;
};

}  // namespace lodestone::serving
