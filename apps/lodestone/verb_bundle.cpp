// lodestone bundle list | show | verify | diff | rollback.

#include <fmt/format.h>

#include <cstdio>

#include "base/error.hpp"
#include "base/json.hpp"
#include "bundle/store.hpp"
#include "release_store.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

bundle::BundleStore open_store(const Globals& globals) { return release_store(load_config(globals)); }

json::Value describe(const bundle::BundleEntry& entry) {
  json::Value out;
  out.set("id", json::Value(entry.id));
  out.set("current", json::Value(entry.is_current));
  out.set("trial", json::Value(entry.is_trial));
  out.set("created", json::Value(format_rfc3339(entry.created)));
  out.set("bytes", json::Value(static_cast<std::int64_t>(entry.bytes)));
  out.set("problem", entry.problem.empty() ? json::Value() : json::Value(entry.problem));
  return out;
}

}  // namespace

int run_bundle_list(const Globals& globals) {
  const bundle::BundleStore store = open_store(globals);
  const std::vector<bundle::BundleEntry> entries = store.list();
  if (globals.json) {
    json::Array out;
    for (const bundle::BundleEntry& entry : entries) out.push_back(describe(entry));
    print_json(json::format(json::Value(std::move(out)), 2));
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const bundle::BundleEntry& entry : entries) {
    rows.push_back({entry.id,
                    entry.is_current ? "current"
                    : entry.is_trial ? "trial"
                                     : "",
                    format_rfc3339(entry.created), fmt::format("{:.1f}", static_cast<double>(entry.bytes) / 1048576.0),
                    entry.problem});
  }
  if (rows.empty()) {
    std::printf("%s holds no bundle yet; lodestone pipeline run makes one\n", store.folder().c_str());
  } else {
    print_table({"id", "", "created", "MiB", "problem"}, rows);
  }
  return 0;
}

int run_bundle_show(const Globals& globals, const BundleArguments& arguments) {
  const bundle::Manifest manifest = bundle::Manifest::load(open_store(globals).path_of(arguments.id));
  print_json(json::format(manifest.document, 2));
  return 0;
}

int run_bundle_verify(const Globals& globals, const BundleArguments& arguments) {
  const bundle::BundleStore store = open_store(globals);
  const fs::path folder = store.path_of(arguments.id);
  if (const auto problems = bundle::find_problems(folder, {.n_threads = 0, .onnx_library = store.onnx_library()});
      !problems.empty()) {
    fail(ErrorCode::kCorrupt, "{}", fmt::join(problems, "\n"));  // all of them, a line each
  }
  const auto opened = store.open(arguments.id);
  std::printf("%s is whole: %zu files, %llu bytes, %zu items, %zu users\n", arguments.id.c_str(), opened->manifest().files.size(),
              static_cast<unsigned long long>(opened->manifest().bytes()), opened->release().catalog.n_items(),
              opened->release().users.size());
  return 0;
}

int run_bundle_rollback(const Globals& globals, const BundleArguments& arguments) {
  const bundle::BundleStore store = open_store(globals);
  if (globals.dry_run) {
    std::printf("would make %s current in %s, in place of %s\n",
                store.find_rollback(arguments.id.empty() ? std::nullopt : std::optional(arguments.id)).c_str(),
                store.folder().c_str(), store.current().value_or("none").c_str());
    return 0;
  }
  const std::string id = store.rollback(arguments.id.empty() ? std::nullopt : std::optional(arguments.id));
  std::printf("%s is current\n", id.c_str());
  return 0;
}

int run_bundle_diff(const Globals& globals, const BundleArguments& arguments) {
  const bundle::BundleDiff diff = open_store(globals).diff(arguments.id, arguments.other);
  const auto count = [](std::size_t n) { return json::Value(static_cast<std::int64_t>(n)); };
  json::Value out;
  out.set("before", json::Value(arguments.id));
  out.set("after", json::Value(arguments.other));
  out.set("items_added", count(diff.items_added));
  out.set("items_removed", count(diff.items_removed));
  out.set("items_changed", count(diff.items_changed));
  out.set("items_in_both", count(diff.lists_compared));
  out.set("behavior_top10_kept", json::Value(diff.behavior_kept));
  out.set("content_top10_kept", json::Value(diff.content_kept));
  out.set("popular_top10_kept", json::Value(diff.popular_kept));
  out.set("users_before", count(diff.users_before));
  out.set("users_after", count(diff.users_after));
  if (globals.json) {
    json::Array numbers;
    for (const bundle::NumberChange& change : diff.numbers) {
      json::Value entry;
      entry.set("name", json::Value(change.name));
      entry.set("before", json::Value(change.before));
      entry.set("after", json::Value(change.after));
      numbers.push_back(std::move(entry));
    }
    out.set("numbers", json::Value(std::move(numbers)));
    print_json(json::format(out, 2));
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (const json::Member& member : *out.as_object()) {
    const auto real = member.value.as_int() == nullptr ? member.value.as_number() : std::nullopt;
    rows.push_back({member.key, real                                  ? fmt::format("{:.3f}", *real)
                                : member.value.as_string() != nullptr ? *member.value.as_string()
                                                                      : json::format(member.value)});
  }
  for (const bundle::NumberChange& change : diff.numbers)
    rows.push_back({change.name, fmt::format("{} -> {}", change.before, change.after)});
  print_table({"what", "value"}, rows);
  return 0;
}

}  // namespace lodestone::app
