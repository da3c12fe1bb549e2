#include "serving/experiment_file.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/log.hpp"

namespace lodestone::serving {

ExperimentFile::ExperimentFile(fs::path path, ServingMetrics& metrics)
    : path_(path), file_("experiments", std::move(path)), metrics_(&metrics) {
  publish({});
}

void ExperimentFile::look() {
  save();
  const FileFollower::Look look = file_.look([this](std::string_view text, const std::string& name) {
    Experiments experiments = Experiments::parse(text, name);
    for (const Experiment& one : experiments.all()) {
      if (!one.guardrails.guardrails.empty() && one.variants.size() > GuardrailWatch::kMaxArms) {
        fail(ErrorCode::kInvalidArgument,
             "{}: experiment {} has {} variants, with guardrails at most {} are watched; make it two", name, one.name,
             one.variants.size(), GuardrailWatch::kMaxArms);
      }
    }
    seen_stopped_ = stamp_of(stopped_file());
    std::vector<StoppedVariant> stopped = load_stopped(stopped_file());
    stopped.insert(stopped.end(), unsaved_.begin(), unsaved_.end());
    stopped_ = stop_variants(experiments, stopped);
    publish(std::move(experiments));
    for (const Experiment& one : running_.get()->experiments.all())
      log_info("serving", "experiment {} is {}, {} variants", one.name, one.is_active ? "active" : "paused", one.variants.size());
  });
  if (look == FileFollower::Look::kSame) return look_at_stopped();
  metrics_->count_file_read(WatchedFile::kExperiments, look == FileFollower::Look::kTaken ? ServingMetrics::Reload::kLoaded
                                                                                          : ServingMetrics::Reload::kRefused);
}

void ExperimentFile::stop(StoppedVariant variant) {
  Experiments experiments = running_.get()->experiments;
  stopped_.push_back(variant);
  stopped_ = stop_variants(experiments, stopped_);
  publish(std::move(experiments));  // at once, whatever the disk says
  unsaved_.push_back(std::move(variant));
  save();
}

void ExperimentFile::save() {
  if (unsaved_.empty()) return;
  try {
    add_stopped(stopped_file(), unsaved_);
    unsaved_.clear();
    is_save_failing_ = false;
  } catch (const std::exception& error) {  // this thread must go on looking
    if (!is_save_failing_)
      log_error("serving",
                "{} stopped variants are off here, but not yet after a restart or on other servers, and are tried again: {}",
                unsaved_.size(), error.what());
    is_save_failing_ = true;
  }
}

void ExperimentFile::look_at_stopped() {
  if (path_.empty()) return;
  const FileStamp now = stamp_of(stopped_file());
  if (now == seen_stopped_) return;
  seen_stopped_ = now;
  try {
    Experiments experiments = running_.get()->experiments;
    std::vector<StoppedVariant> stopped = stopped_;  // what is off stays off, also when the file is gone
    const std::vector<StoppedVariant> read = load_stopped(stopped_file());
    stopped.insert(stopped.end(), read.begin(), read.end());
    stopped = stop_variants(experiments, stopped);
    const bool is_more = stopped.size() > stopped_.size();
    stopped_ = std::move(stopped);
    if (is_more) publish(std::move(experiments));
  } catch (const std::exception& error) {  // this thread must go on looking
    log_error("serving", "what other servers have stopped is not known: {}", error.what());
  }
}

std::vector<StoppedVariant> ExperimentFile::stop_variants(Experiments& experiments, const std::vector<StoppedVariant>& stopped) {
  std::vector<StoppedVariant> out;
  for (const StoppedVariant& one : stopped) {
    const auto& all = experiments.all();
    const auto of = std::ranges::find(all, one.experiment, &Experiment::name);
    if (of == all.end() || fingerprint_of(*of) != one.fingerprint) continue;
    const auto variant = std::ranges::find(of->variants, one.variant, &ExperimentVariant::name);
    const bool is_known = std::ranges::any_of(
        out, [&](const StoppedVariant& other) { return other.experiment == one.experiment && other.variant == one.variant; });
    if (variant == of->variants.end() || is_known) continue;
    out.push_back(one);
    if (!variant->stopped.empty()) continue;
    const auto e = static_cast<std::size_t>(of - all.begin());
    const auto v = static_cast<std::size_t>(variant - of->variants.begin());
    log_warn("serving", "variant {} of {} stays off since {}: {}", one.variant, one.experiment, format_rfc3339(one.at),
             one.detail);
    experiments.stop(e, v, one.detail);
  }
  return out;
}

std::vector<WatchedExperiment> ExperimentFile::watch(const Experiments& experiments) const {
  std::vector<WatchedExperiment> out;
  const auto before = running_.get();
  for (std::size_t e = 0; e < experiments.all().size(); ++e) {
    const Experiment& one = experiments.all()[e];
    if (!one.is_active || one.guardrails.guardrails.empty()) continue;
    WatchedExperiment next;
    next.experiment = e;
    next.fingerprint = fingerprint_of(one);
    std::vector<GuardrailArm> arms(1);
    for (const ExperimentVariant& variant : one.variants) {
      const bool is_control = variant.name == "control";
      if (is_control) arms[0] = {variant.name, variant.allocation};
      next.arms.push_back(is_control ? 0 : variant.allocation > 0 ? arms.size() : WatchedExperiment::kNoArm);
      if (!is_control && variant.allocation > 0) arms.push_back({variant.name, variant.allocation});
    }
    if (arms.size() < 2) continue;
    for (const WatchedExperiment& old : before ? before->watched : std::vector<WatchedExperiment>{}) {
      if (old.fingerprint == next.fingerprint) next.watch = old.watch;
    }
    if (next.watch == nullptr) next.watch = std::make_shared<GuardrailWatch>(one.guardrails, std::move(arms));
    out.push_back(std::move(next));
  }
  return out;
}

void ExperimentFile::publish(Experiments experiments) {
  auto next = std::make_shared<RunningExperiments>();
  for (const Assignment& one : experiments.assignments()) next->counters.push_back(metrics_->exposure_counters(one.label));
  next->watched = watch(experiments);
  next->experiments = std::move(experiments);
  running_.set(std::move(next));
}

}  // namespace lodestone::serving
