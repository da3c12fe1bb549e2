// The story of a run, read top to bottom: extract -> build -> train -> evaluate -> publish. Each stage reads only what the one before it
// left on disk, so a run can be taken up at any of them.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/error.hpp"
#include "base/log.hpp"
#include "stages.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

/// A stage: what it is called and what it does; the answer is an exit code, 0 to go on.
struct Stage {
  const char* name;
  int (*run)(const Config& config, const PipelineArguments& arguments);
};

constexpr std::array<Stage, 5> kStages = {{
    {"extract", run_extract_stage},    // sources -> lake/raw, row by row against the table contracts
    {"build", run_build_stage},        // lake/raw -> canonical tables: items, users, events
    {"train", run_train_stage},        // canonical tables -> models -> a packed bundle that nobody serves yet
    {"evaluate", run_evaluate_stage},  // its measures against popularity and against the current one; a worse one stops here
    {"publish", run_publish_stage},    // CURRENT names it; servers follow
}};

std::size_t find_stage(const std::string& option, const std::string& name) {
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    if (kStages[i].name == name) return i;
  }
  fail(ErrorCode::kInvalidArgument, "{} \"{}\" is no stage; they are extract, build, train, evaluate, publish", option, name);
}

}  // namespace

int run_stages(const Config& config, const PipelineArguments& arguments, const lake::LakeLock* lock,
               const std::atomic<bool>* stop) {
  const std::size_t from = find_stage("--from", arguments.from);
  const std::size_t to = find_stage("--to", arguments.to);
  if (from > to) fail(ErrorCode::kInvalidArgument, "--from {} comes after --to {}", arguments.from, arguments.to);
  for (std::size_t i = from; i <= to; ++i) {
    if (stop != nullptr && *stop) return 0;
    const auto start = std::chrono::steady_clock::now();
    try {
      const int code = i == 0 && lock != nullptr ? extract_sources(config, arguments, *lock) : kStages[i].run(config, arguments);
      if (code != 0) return code;
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", kStages[i].name, error.message()));
    }
    log_info("pipeline", "{} done in {:.1f} s", kStages[i].name,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return 0;
}

int run_pipeline(const Globals& globals, const PipelineArguments& arguments) {
  return run_stages(load_config(globals), arguments, nullptr, nullptr);
}

}  // namespace lodestone::app
