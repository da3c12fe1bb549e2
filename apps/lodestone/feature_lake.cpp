#include "feature_lake.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "lake_access.hpp"

namespace lodestone::app {
namespace {

TimePoint time_of(table::Engine& engine, const std::string& text) {
  if (text.empty()) return features::newest_event(engine).value_or(SystemClock().now());
  const std::optional<TimePoint> at = parse_time(text);
  if (!at) fail(ErrorCode::kInvalidArgument, "--as-of \"{}\" is no time; write it as 2026-01-31T00:00:00Z", text);
  return *at;
}

}  // namespace

FeatureLake::FeatureLake(const Config& config)
    : engine(engine_options(config)), config_(&config), reader_(config.file_path("lake.folder")) {
  for (const char* name : {"items", "users", "events", "item_images", "attributions"}) (void)reader_.get("canonical", name);
  reader_.attach(engine);
}

features::FeatureSet FeatureLake::build(const std::string& as_of) {
  features::BuildOptions options;
  options.sql_folder = config_->file_path("lake.sql_folder");
  options.parameters = query_parameters(*config_);
  options.n_threads = static_cast<int>(config_->integer("pipeline.threads"));
  return features::build_features(engine, options, time_of(engine, as_of));
}

}  // namespace lodestone::app
