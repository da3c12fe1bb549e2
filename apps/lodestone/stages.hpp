#pragma once
// The stages of the pipeline; each returns 0, or 3 when a gate refuses, and throws Error when it cannot do its work.

#include <atomic>

#include "base/config.hpp"
#include "lake/extract.hpp"
#include "log_capture.hpp"
#include "verbs.hpp"

namespace lodestone::app {

/// How the sources are read, from the config.
lake::ExtractOptions extract_options(const Config& config, const PipelineArguments& arguments);
LogCaptureOptions log_capture_options(const Config& config, const lake::ExtractOptions& extract);

/// Runs the stages from .. to of the arguments, one after another. `lock` is that on the raw tables when the caller holds it, else nullptr;
/// `stop` (may be nullptr) is looked at between stages. Returns what the first stage returned that did not return 0.
int run_stages(const Config& config, const PipelineArguments& arguments, const lake::LakeLock* lock,
               const std::atomic<bool>* stop);

/// The extract stage for one who holds the lock on the raw tables.
int extract_sources(const Config& config, const PipelineArguments& arguments, const lake::LakeLock& lock);
int run_extract_stage(const Config& config, const PipelineArguments& arguments);
int run_build_stage(const Config& config, const PipelineArguments& arguments);
int run_train_stage(const Config& config, const PipelineArguments& arguments);
int run_evaluate_stage(const Config& config, const PipelineArguments& arguments);
int run_publish_stage(const Config& config, const PipelineArguments& arguments);

}  // namespace lodestone::app
