// Sources -> lake/raw, and lake/raw -> canonical tables. One line a table: rows in, rows out, seconds, manifest.

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/error.hpp"
#include "base/log.hpp"
#include "exposure_logs.hpp"
#include "lake/canonical.hpp"
#include "lake/extract.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "log_capture.hpp"
#include "matomo.hpp"
#include "stages.hpp"

namespace lodestone::app {
namespace {

void print_report(const lake::TableReport& report) { std::printf("%s\n", lake::format_report(report).c_str()); }

lake::Capture capture_of(const Config& config) {
  const std::string& text = config.text("source.capture");
  if (text == "binlog") return lake::Capture::kLog;
  return text == "full" ? lake::Capture::kFull : lake::Capture::kCursor;
}

// Once a run, so that a change of major version is seen in the log of the day it came.
void log_matomo_version(const Config& config, SourcePools& pools) {
  const auto source = open_database(config, "matomo", pools);
  const auto version = matomo_version(*source, config.text("source.matomo_prefix"));
  if (!version) return;
  if (version->is_tested) {
    log_info("sources", "{}", describe(*version));
  } else {
    log_warn("sources", "{}", describe(*version));
  }
}

// What was committed until now, by the log of a database.
void capture_to_end(const Config& config, const std::string& name, SourcePools& pools,
                    const std::vector<const lake::Contract*>& contracts, table::Engine& engine,
                    const lake::ExtractOptions& options, const Clock& clock, const lake::LakeLock& lock) {
  LogCapture capture([&] { return open_database(config, name, pools); }, contracts, engine, log_capture_options(config, options),
                     clock, lock, print_report);
  const auto start = std::chrono::steady_clock::now();
  const auto print_changes = [&] {
    for (lake::TableReport report : capture.reports()) {
      report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      print_report(report);
    }
  };
  try {
    capture.run_to_end();
  } catch (const Error&) {
    print_changes();
    throw;
  }
  print_changes();
}

}  // namespace

lake::ExtractOptions extract_options(const Config& config, const PipelineArguments& arguments) {
  lake::ExtractOptions options;
  options.lake = config.file_path("lake.folder");
  options.mode = arguments.full ? lake::ExtractMode::kFull : lake::ExtractMode::kKeepKind;
  options.capture = capture_of(config);
  options.zone = config.text("source.zone");
  options.overlap = std::chrono::seconds(config.integer("source.overlap_seconds"));
  options.compare_every = std::chrono::seconds(static_cast<std::int64_t>(config.number("source.compare_hours") * 3600));
  options.compare_now = arguments.compare;
  return options;
}

LogCaptureOptions log_capture_options(const Config& config, const lake::ExtractOptions& extract) {
  LogCaptureOptions options;
  options.extract = extract;
  options.server_id = static_cast<std::uint32_t>(config.integer("source.replica_id"));
  return options;
}

int extract_sources(const Config& config, const PipelineArguments& arguments, const lake::LakeLock& lock, SourcePools& pools) {
  const SystemClock clock;
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  table::Engine engine(engine_options(config));
  const lake::ExtractOptions options = extract_options(config, arguments);
  if (arguments.followed.empty()) lake::clean_lake(options.lake, lake::LakeLayer::kRaw);
  std::vector<Error> failures;  // what is wrong with one source is no reason to leave the other
  for (const std::string& name : source_names(config)) {
    if (std::find(arguments.followed.begin(), arguments.followed.end(), name) != arguments.followed.end()) continue;
    try {
      if (name == "matomo" && is_database(config, name)) log_matomo_version(config, pools);
      if (options.capture == lake::Capture::kLog && is_database(config, name)) {
        capture_to_end(config, name, pools, contracts.of(name), engine, options, clock, lock);
      } else {
        const NamedSource named = open_source(config, name, pools);
        lake::extract(*named.source, contracts.of(name), engine, options, clock, print_report, lock);
      }
    } catch (const Error& error) {
      failures.push_back(error);
    }
  }
  try {
    extract_exposures(config, contracts, engine, clock, print_report, lock);
  } catch (const Error& error) {
    failures.push_back(error);
  }
  for (const auto& [name, pool] : pools) log_info("sources", "{}", sources::format_pool_status(pool));
  if (failures.empty()) return 0;
  std::string sentences;
  for (const Error& error : failures) {
    if (sentences.find(error.message()) == std::string::npos)
      sentences += (sentences.empty() ? "" : "\n") + std::string(error.message());
  }
  fail(failures.front().code(), "{}", sentences);
}

int run_extract_stage(const Config& config, const PipelineArguments& arguments) {
  const lake::LakeLock lock(config.file_path("lake.folder"), lake::LakeLayer::kRaw);
  SourcePools pools;
  return extract_sources(config, arguments, lock, pools);
}

int run_build_stage(const Config& config, const PipelineArguments&) {
  const SystemClock clock;
  const lake::Contracts contracts = lake::Contracts::load(config.file_path("lake.contracts_folder"));
  table::Engine engine(engine_options(config));
  lake::CanonicalOptions options;
  options.lake = config.file_path("lake.folder");
  options.sql_folder = config.file_path("lake.sql_folder");
  options.parameters = query_parameters(config);
  for (const std::string& sentence : missing_dimensions(config)) log_warn("pipeline", "{}", sentence);
  lake::build_canonical(contracts, engine, options, clock, print_report);
  return 0;
}

}  // namespace lodestone::app
