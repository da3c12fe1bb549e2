#include "serving/experiment_file.hpp"

#include "base/log.hpp"

namespace lodestone::serving {

ExperimentFile::ExperimentFile(fs::path path, ServingMetrics& metrics)
    : file_("experiments", std::move(path)), metrics_(&metrics) {
  publish({});
}

void ExperimentFile::look() {
  const FileFollower::Look look = file_.look([this](std::string_view text, const std::string& name) {
    publish(Experiments::parse(text, name));
    for (const Experiment& one : running_.get()->experiments.all())
      log_info("serving", "experiment {} is {}, {} variants", one.name, one.is_active ? "active" : "paused", one.variants.size());
  });
  if (look == FileFollower::Look::kSame) return;
  metrics_->count_file_read(WatchedFile::kExperiments, look == FileFollower::Look::kTaken ? ServingMetrics::Reload::kLoaded
                                                                                          : ServingMetrics::Reload::kRefused);
}

void ExperimentFile::publish(Experiments experiments) {
  auto next = std::make_shared<RunningExperiments>();
  for (const Assignment& one : experiments.assignments()) next->counters.push_back(metrics_->exposure_counters(one.label));
  next->experiments = std::move(experiments);
  running_.set(std::move(next));
}

}  // namespace lodestone::serving
