// The story of a run, read top to bottom: extract -> build -> train -> evaluate -> publish. Each stage reads only what the one before it
// left on disk, so a run can be taken up at any of them.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>

#include "base/error.hpp"
#include "base/log.hpp"
#include "pipeline_plan.hpp"
#include "stages.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

/// A stage: what it is called, what it does (the answer is an exit code, 0 to go on), and how it says what it would do.
struct Stage {
  const char* name;
  int (*run)(const Config& config, const PipelineArguments& arguments);
  void (*plan)(const Config& config, const PipelineArguments& arguments);
};

constexpr std::array<Stage, 5> kStages = {{
    // sources -> lake/raw, row by row against the table contracts
    {"extract", run_extract_stage, plan_extract_stage},
    // lake/raw -> canonical tables: items, users, events
    {"build", run_build_stage, plan_build_stage},
    // canonical tables -> models -> a packed bundle that nobody serves yet
    {"train", run_train_stage, plan_train_stage},
    // its measures against popularity and against the current one; a worse one stops here
    {"evaluate", run_evaluate_stage, plan_evaluate_stage},
    // CURRENT names it; servers follow
    {"publish", run_publish_stage, plan_publish_stage},
}};

std::size_t find_stage(const std::string& option, const std::string& name) {
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    if (kStages[i].name == name) return i;
  }
  fail(ErrorCode::kInvalidArgument, "{} \"{}\" is no stage; they are extract, build, train, evaluate, publish", option, name);
}

/// Numbers of the first and the last stage of a run.
struct StageRange {
  std::size_t from = 0;
  std::size_t to = 0;
};

StageRange find_range(const PipelineArguments& arguments) {
  const StageRange range{find_stage("--from", arguments.from), find_stage("--to", arguments.to)};
  if (range.from > range.to) fail(ErrorCode::kInvalidArgument, "--from {} comes after --to {}", arguments.from, arguments.to);
  return range;
}

/// Errors of a stage say which one it was.
void at_stage(const Stage& stage, const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", stage.name, error.message()));
  }
}

}  // namespace

int run_stages(const Config& config, const PipelineArguments& arguments, const Kept* kept) {
  const StageRange range = find_range(arguments);
  int code = 0;
  for (std::size_t i = range.from; i <= range.to && code == 0; ++i) {
    if (kept != nullptr && kept->stop) return 0;
    const auto start = std::chrono::steady_clock::now();
    at_stage(kStages[i], [&] {
      code = i == 0 && kept != nullptr ? extract_sources(config, arguments, kept->lock, kept->pools)
                                       : kStages[i].run(config, arguments);
    });
    if (code != 0) return code;
    log_info("pipeline", "{} done in {:.1f} s", kStages[i].name,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 0;
}

int run_pipeline(const Globals& globals, const PipelineArguments& arguments) {
  const Config config = load_config(globals);
  if (!globals.dry_run) return run_stages(config, arguments, nullptr);
  const StageRange range = find_range(arguments);
  for (std::size_t i = range.from; i <= range.to; ++i) at_stage(kStages[i], [&] { kStages[i].plan(config, arguments); });
  return 0;
}

}  // namespace lodestone::app
