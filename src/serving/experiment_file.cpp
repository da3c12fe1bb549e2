#include "serving/experiment_file.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {

ExperimentFile::ExperimentFile(fs::path path, ServingMetrics& metrics) : path_(std::move(path)), metrics_(&metrics) {
  publish({});
}

void ExperimentFile::look() {
  if (path_.empty()) return;
  const FileStamp now = stamp_of(path_);
  if (now == seen_) return;
  seen_ = now;
  std::optional<std::string> problem;
  try {
    publish(now.size < 0 ? Experiments() : Experiments::parse(read_file(path_), path_.string()));
    for (const Experiment& one : running_.get()->experiments.all())
      log_info("serving", "experiment {} is {}, {} variants", one.name, one.is_active ? "active" : "paused", one.variants.size());
    metrics_->count_experiments(ServingMetrics::Reload::kLoaded);
  } catch (const std::exception& error) {  // whatever it is, this thread must go on looking
    problem = error.what();
    log_error("serving", "the experiments go on as they were: {}", *problem);
    metrics_->count_experiments(ServingMetrics::Reload::kRefused);
  }
  const std::lock_guard lock(mutex_);
  problem_ = std::move(problem);
}

void ExperimentFile::publish(Experiments experiments) {
  auto next = std::make_shared<RunningExperiments>();
  for (const Assignment& one : experiments.assignments()) next->counters.push_back(metrics_->exposure_counters(one.label));
  next->experiments = std::move(experiments);
  running_.set(std::move(next));
}

std::optional<std::string> ExperimentFile::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

}  // namespace lodestone::serving
