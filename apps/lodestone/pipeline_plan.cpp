// pipeline run --dry-run: what each stage would read and write, after the checks that can be made without writing.

#include "pipeline_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>

#include "app.hpp"
#include "base/error.hpp"
#include "bundle/store.hpp"
#include "exposure_logs.hpp"
#include "lake/canonical.hpp"
#include "lake/contract.hpp"
#include "lake/extract.hpp"
#include "lake/reader.hpp"
#include "lake/table_folder.hpp"
#include "lake_access.hpp"
#include "release_store.hpp"
#include "table/sql_text.hpp"

namespace lodestone::app {
namespace {

fs::path lake_of(const Config& config) { return config.file_path("lake.folder"); }

/// What the first stage of a run reads must be there; what a later one reads is made by those before it.
bool is_first(const PipelineArguments& arguments, std::string_view stage) { return arguments.from == stage; }

std::string candidate_name(const Config& config, const PipelineArguments& arguments) {
  const bool is_made_here = arguments.from == "extract" || arguments.from == "build" || arguments.from == "train";
  return is_made_here ? "the bundle that train packs" : candidate_of(release_store(config));
}

}  // namespace

std::string candidate_of(const bundle::BundleStore& store) {
  const fs::path path = store.folder() / "CANDIDATE";
  if (!fs::exists(path)) fail(ErrorCode::kNotFound, "{}: nothing was trained yet; run lodestone train", store.folder().string());
  std::string id = read_file(path);
  if (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

void plan_extract_stage(const Config& config, const PipelineArguments& arguments) {
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  lake::ExtractOptions options;
  options.lake = lake_of(config);
  options.mode = arguments.full ? lake::ExtractMode::kFull : lake::ExtractMode::kKeepKind;
  SourcePools pools;
  for (NamedSource& named : open_sources(config, pools)) {
    for (const lake::PlannedTable& table : lake::plan_extract(*named.source, contracts.of(named.name), options)) {
      const std::string from = table.is_kept               ? "keep the rows of"
                               : table.source_name.empty() ? "write an empty"
                                                           : fmt::format("read {} of {} {} into", table.source_name,
                                                                         named.source->kind(), named.source->location());
      std::printf("extract: would %s %s\n", from.c_str(), table.folder.c_str());
    }
  }
  if (const fs::path folder = exposure_folder(config); !folder.empty()) {
    std::printf("extract: would read what is new in the exposure logs of %s into %s\n", folder.c_str(),
                lake::table_path(options.lake, "exposures", "exposures").c_str());
  }
}

void plan_build_stage(const Config& config, const PipelineArguments& arguments) {
  if (is_first(arguments, "build")) (void)lake::Reader(lake_of(config));
  for (const std::string_view name : lake::canonical_tables()) {
    const table::SqlFile query = table::SqlFile::load(config.file_path("lake.sql_folder"), fmt::format("mapping/{}", name));
    std::printf("build: would run %s over %s into %s\n", query.origin().c_str(), (lake_of(config) / "raw").c_str(),
                lake::table_path(lake_of(config), "canonical", name).c_str());
  }
}

void plan_train_stage(const Config& config, const PipelineArguments& arguments) {
  if (is_first(arguments, "train")) require_training_tables(lake::Reader(lake_of(config)));
  std::vector<std::string> queries;
  for (const char* name : {"labels/interactions", "labels/owned", "labels/trending"})
    queries.push_back(table::SqlFile::load(config.file_path("lake.sql_folder"), name).origin());
  std::printf("train: would run %s over %s\n", fmt::format("{}", fmt::join(queries, ", ")).c_str(),
              (lake_of(config) / "canonical").c_str());
  std::printf("train: would fit the behaviour model (%s) and the content model\n",
              config.text("training.behavior_method").c_str());
  std::printf("train: would pack a bundle into %s and name it in CANDIDATE\n", config.file_path("bundle.folder").c_str());
}

void plan_evaluate_stage(const Config& config, const PipelineArguments& arguments) {
  std::printf("evaluate: would compare %s with popularity alone, and stop with exit code 3 if it is worse\n",
              candidate_name(config, arguments).c_str());
}

void plan_publish_stage(const Config& config, const PipelineArguments& arguments) {
  const bundle::BundleStore store = release_store(config);
  std::printf("publish: would make %s current in %s, in place of %s\n", candidate_name(config, arguments).c_str(),
              store.folder().c_str(), fs::exists(store.folder()) ? store.current().value_or("none").c_str() : "none");
  std::printf("publish: would keep the newest %lld bundles, the current one and the one before it, and remove others\n",
              static_cast<long long>(config.integer("bundle.keep")));
}

}  // namespace lodestone::app
