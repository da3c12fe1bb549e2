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

namespace lodestone::serving {

/// One reading of the file with the counters of its assignments.
struct RunningExperiments {
  Experiments experiments;
  std::vector<ExposureCounters> counters;  ///< beside experiments.assignments()
};

/// look() belongs to one thread at a time; the rest is safe from many.
class ExperimentFile {
 public:
  /// `path` "" = there are no experiments.
  ExperimentFile(fs::path path, ServingMetrics& metrics);

  /// Reads the file if it is another one than at the last look. A file with errors is logged and counted, and what was read before goes on; a file
  /// that is gone ends all experiments.
  void look();
  void collect() { running_.collect(); }

  /// What runs.
  [[nodiscard]] std::shared_ptr<const RunningExperiments> get() const { return running_.get(); }
  [[nodiscard]] Published<RunningExperiments>::Reader reader() const { return Published<RunningExperiments>::Reader(running_); }
  /// Why the file as it is does not run; none when all is well.
  [[nodiscard]] std::optional<std::string> problem() const { return file_.problem(); }

 private:
  void publish(Experiments experiments);

  FileFollower file_;
  ServingMetrics* metrics_;
  Published<RunningExperiments> running_;
};

}  // namespace lodestone::serving
