// lodestone plan: what a catalogue of a given size will need, stage by stage.

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "size_plan.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

struct Row {
  const char* what;
  const char* kind;
  std::uint64_t bytes;
};

}  // namespace

int run_plan(const Globals& globals, const PlanArguments& arguments) {
  const Config config = load_config(globals);
  if (arguments.items == 0) fail(ErrorCode::kInvalidArgument, "--items is 0, expected how many data sets there are, at least 1");
  const SizeSettings settings = size_settings(config);
  // Each person has at most one pair with an item, so a few people cannot make many pairs.
  CatalogueSize size{arguments.items, arguments.events, 0, arguments.users};
  const std::uint64_t users = std::max<std::uint64_t>(1, arguments.users);
  const auto most = static_cast<double>(users) * static_cast<double>(arguments.items);
  if (most < 0.62 * static_cast<double>(arguments.events)) size.pairs = static_cast<std::uint64_t>(std::max(1.0, most));
  const SizePlan plan = plan_size(size, settings);
  const Row rows[] = {{"lake", "disk", plan.lake},
                      {"bundle, each release", "disk", plan.bundle},
                      {"extract and build", "memory", plan.extract},
                      {"train", "memory", plan.train},
                      {"serve", "memory", plan.serve}};
  if (globals.json) {
    json::Value out = json::Object{};
    out.set("items", json::Value(static_cast<std::int64_t>(arguments.items)));
    out.set("users", json::Value(static_cast<std::int64_t>(arguments.users)));
    out.set("events", json::Value(static_cast<std::int64_t>(arguments.events)));
    json::Value needs = json::Object{};
    needs.set("lake_disk_bytes", json::Value(static_cast<std::int64_t>(plan.lake)));
    needs.set("bundle_disk_bytes", json::Value(static_cast<std::int64_t>(plan.bundle)));
    needs.set("extract_memory_bytes", json::Value(static_cast<std::int64_t>(plan.extract)));
    needs.set("train_memory_bytes", json::Value(static_cast<std::int64_t>(plan.train)));
    needs.set("serve_memory_bytes", json::Value(static_cast<std::int64_t>(plan.serve)));
    out.set("needs", std::move(needs));
    print_json(json::format(out, 2));
    return 0;
  }
  std::vector<std::vector<std::string>> table;
  for (const Row& row : rows)
    table.push_back({row.what, row.kind, fmt::format("{:.0f}", static_cast<double>(row.bytes) / (1024.0 * 1024.0))});
  print_table({"what", "needs", "MiB"}, table);
  return 0;
}

}  // namespace lodestone::app
