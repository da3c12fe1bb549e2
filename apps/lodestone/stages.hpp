#pragma once
// The stages of the pipeline; each returns 0, or 3 when a gate refuses, and throws Error when it cannot do its work.

#include "base/config.hpp"
#include "lake/extract.hpp"
#include "log_capture.hpp"
#include "verbs.hpp"

namespace lodestone::app {

/// How the sources are read, from the config.
lake::ExtractOptions extract_options(const Config& config, const PipelineArguments& arguments);
LogCaptureOptions log_capture_options(const Config& config, const lake::ExtractOptions& extract);

int run_extract_stage(const Config& config, const PipelineArguments& arguments);
int run_build_stage(const Config& config, const PipelineArguments& arguments);
int run_train_stage(const Config& config, const PipelineArguments& arguments);
int run_evaluate_stage(const Config& config, const PipelineArguments& arguments);
int run_publish_stage(const Config& config, const PipelineArguments& arguments);

}  // namespace lodestone::app
