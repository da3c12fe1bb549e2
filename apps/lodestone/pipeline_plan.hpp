#pragma once
// What each stage of the pipeline would read and write, a line an effect on stdout. Nothing is changed; sources and files are read where
// the stage reads them first. Throws what the stage would throw for what it finds before it writes.

#include "base/config.hpp"
#include "bundle/store.hpp"
#include "verbs.hpp"

namespace lodestone::app {

void plan_extract_stage(const Config& config, const PipelineArguments& arguments);
void plan_build_stage(const Config& config, const PipelineArguments& arguments);
void plan_train_stage(const Config& config, const PipelineArguments& arguments);
void plan_evaluate_stage(const Config& config, const PipelineArguments& arguments);
void plan_publish_stage(const Config& config, const PipelineArguments& arguments);

/// The bundle that train packed last. Throws not_found when there is none.
std::string candidate_of(const bundle::BundleStore& store);

}  // namespace lodestone::app
