#pragma once
// The stages of the pipeline; each returns 0, or 3 when a gate refuses, and throws Error when it cannot do its work.

#include <atomic>

#include "base/config.hpp"
#include "lake/extract.hpp"
#include "lake_access.hpp"
#include "log_capture.hpp"
#include "verbs.hpp"

namespace lodestone::app {

/// How the sources are read, from the config.
lake::ExtractOptions extract_options(const Config& config, const PipelineArguments& arguments);
LogCaptureOptions log_capture_options(const Config& config, const lake::ExtractOptions& extract);

/// What one who runs the pipeline again and again keeps between runs.
struct Kept {
  const lake::LakeLock& lock;     ///< on the raw tables
  SourcePools& pools;             ///< of all databases
  const std::atomic<bool>& stop;  ///< looked at between stages
};

/// Runs the stages from .. to of the arguments, one after another; `kept` may be nullptr. Returns what the first stage returned that did
/// not return 0.
int run_stages(const Config& config, const PipelineArguments& arguments, const Kept* kept);

/// The extract stage for one who holds the lock on the raw tables.
int extract_sources(const Config& config, const PipelineArguments& arguments, const lake::LakeLock& lock, SourcePools& pools);
int run_extract_stage(const Config& config, const PipelineArguments& arguments);
int run_build_stage(const Config& config, const PipelineArguments& arguments);
int run_train_stage(const Config& config, const PipelineArguments& arguments);
int run_evaluate_stage(const Config& config, const PipelineArguments& arguments);
int run_publish_stage(const Config& config, const PipelineArguments& arguments);

}  // namespace lodestone::app
