#pragma once
// The stages of the pipeline; each returns 0, or 3 when a gate refuses, and throws Error when it cannot do its work.

#include "base/config.hpp"
#include "verbs.hpp"

namespace lodestone::app {

int run_extract_stage(const Config& config, const PipelineArguments& arguments);
int run_build_stage(const Config& config, const PipelineArguments& arguments);
int run_train_stage(const Config& config, const PipelineArguments& arguments);
int run_evaluate_stage(const Config& config, const PipelineArguments& arguments);
int run_publish_stage(const Config& config, const PipelineArguments& arguments);

}  // namespace lodestone::app
