// Sources -> lake/raw, and lake/raw -> canonical tables. One line a table: rows in, rows out, seconds, manifest.

#include <chrono>
#include <cstdio>

#include "base/error.hpp"
#include "lake/canonical.hpp"
#include "lake/extract.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "stages.hpp"

namespace lodestone::app {
namespace {

void print_report(const lake::TableReport& report) { std::printf("%s\n", lake::format_report(report).c_str()); }

}  // namespace

int run_extract_stage(const Config& config, const PipelineArguments& arguments) {
  const SystemClock clock;
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  table::Engine engine(engine_options(config));
  lake::ExtractOptions options;
  options.lake = config.file_path("lake.folder");
  options.mode = arguments.full ? lake::ExtractMode::kFull : lake::ExtractMode::kKeepKind;
  options.capture = config.text("source.capture") == "full" ? lake::Capture::kFull : lake::Capture::kCursor;
  options.zone = config.text("source.zone");
  options.overlap = std::chrono::seconds(config.integer("source.overlap_seconds"));
  options.compare_every = std::chrono::seconds(static_cast<std::int64_t>(config.number("source.compare_hours") * 3600));
  options.compare_now = arguments.compare;
  for (NamedSource& named : open_sources(config)) {
    lake::extract(*named.source, contracts.of(named.name), engine, options, clock, print_report);
  }
  return 0;
}

int run_build_stage(const Config& config, const PipelineArguments&) {
  const SystemClock clock;
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  table::Engine engine(engine_options(config));
  lake::CanonicalOptions options;
  options.lake = config.file_path("lake.folder");
  options.sql_folder = config.file_path("lake.sql_folder");
  options.parameters = query_parameters(config);
  lake::build_canonical(contracts, engine, options, clock, print_report);
  return 0;
}

}  // namespace lodestone::app
