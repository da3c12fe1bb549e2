// lodestone features: the schema, the vector of one item or user with where each value is from, and all of them as Parquet for analysts.

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "features/build/feature_builder.hpp"
#include "lake/reader.hpp"
#include "lake_access.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using features::Feature;
using features::Group;

/// The lake as an engine with its canonical tables.
struct OpenLake {
  explicit OpenLake(const Config& config) : engine(engine_options(config)), reader(config.file_path("lake.folder")) {
    for (const char* name : {"items", "users", "events", "item_images", "attributions"}) (void)reader.get("canonical", name);
    reader.attach(engine);
  }
  table::Engine engine;
  lake::Reader reader;
};

TimePoint time_of(table::Engine& engine, const std::string& text) {
  if (text.empty()) return features::newest_event(engine).value_or(SystemClock().now());
  const std::optional<TimePoint> at = parse_time(text);
  if (!at) fail(ErrorCode::kInvalidArgument, "--as-of \"{}\" is no time; write it as 2026-01-31T00:00:00Z", text);
  return *at;
}

features::FeatureSet build(table::Engine& engine, const Config& config, const std::string& as_of) {
  features::BuildOptions options;
  options.sql_folder = config.file_path("lake.sql_folder");
  options.parameters = query_parameters(config);
  return features::build_features(engine, options, time_of(engine, as_of));
}

/// A value as people read it, and where it is from: its tables, or "default" where it is missing.
struct Shown {
  json::Value value;
  std::string text;
  bool is_default = false;
};

Shown show(const Feature& feature, float value, const features::Vocabularies& vocabularies) {
  const bool is_missing = std::isnan(value);
  if (is_missing && std::isnan(feature.fallback)) return {{}, "missing", true};
  if (is_missing || feature.type == features::Type::kFloat) {
    const float shown = is_missing ? feature.fallback : value;
    return {static_cast<double>(shown), fmt::format("{}", shown), is_missing};
  }
  const std::string& text = vocabularies.find(feature.domain)->second.at(static_cast<std::size_t>(value));
  return {text, text.empty() ? "(a rare one)" : text, false};
}

[[noreturn]] void fail_unknown(const features::FeatureSet& set, const features::FeatureTable& table, std::int64_t id) {
  const std::string_view what = features::group_name(table.group);
  if (table.ids.empty()) fail(ErrorCode::kNotFound, "there is no {} in the lake as of {}", what, format_rfc3339(set.as_of));
  fail(ErrorCode::kNotFound, "there is no {} {} in the lake as of {}; it has {} of them, from {} to {}", what, id,
       format_rfc3339(set.as_of), table.ids.size(), table.ids.front(), table.ids.back());
}

void print_features(const Globals& globals, const features::FeatureSet& set, const features::FeatureTable& table,
                    std::int64_t id) {
  const std::optional<std::size_t> row = table.find(id);
  if (!row) fail_unknown(set, table, id);
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  const std::span<const Feature> schema = features::features_of(table.group);
  for (std::size_t f = 0; f < schema.size(); ++f) {
    const Shown shown = show(schema[f], table.row(*row)[f], set.vocabularies);
    const std::string origin = shown.is_default ? "default" : std::string(schema[f].source);
    rows.push_back({std::string(schema[f].name), shown.text, origin, std::string(schema[f].doc)});
    json::Value document = json::Object{};
    document.set("name", json::Value(std::string(schema[f].name)));
    document.set("value", shown.value);
    document.set("origin", json::Value(origin));
    document.set("description", json::Value(std::string(schema[f].doc)));
    documents.push_back(std::move(document));
  }
  if (!globals.json) {
    std::printf("%s %lld as of %s\n", std::string(features::group_name(table.group)).c_str(), static_cast<long long>(id),
                format_rfc3339(set.as_of).c_str());
    return print_table({"name", "value", "origin", "description"}, rows);
  }
  json::Value out = json::Object{};
  out.set(std::string(features::group_name(table.group)) + "_id", json::Value(id));
  out.set("as_of", json::Value(format_rfc3339(set.as_of)));
  out.set("schema", json::Value(features::schema_hash()));
  out.set("features", json::Value(std::move(documents)));
  print_json(json::format(out, 1));
}

}  // namespace

int run_features_list(const Globals& globals, const FeatureArguments& arguments) {
  if (arguments.markdown) {
    std::fputs(features::format_feature_document().c_str(), stdout);
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  for (const Feature& feature : features::all_features()) {
    const std::string group(features::group_name(feature.group));
    const std::string type(features::type_name(feature.type));
    const bool stays_missing = std::isnan(feature.fallback);
    rows.push_back({std::string(feature.name), group, type, stays_missing ? "missing" : fmt::format("{}", feature.fallback),
                    std::string(feature.source), std::string(feature.doc)});
    json::Value document = json::Object{};
    document.set("name", json::Value(std::string(feature.name)));
    document.set("group", json::Value(group));
    document.set("type", json::Value(type));
    document.set("domain", json::Value(std::string(feature.domain)));
    document.set("default", stays_missing ? json::Value() : json::Value(static_cast<double>(feature.fallback)));
    document.set("source", json::Value(std::string(feature.source)));
    document.set("description", json::Value(std::string(feature.doc)));
    documents.push_back(std::move(document));
  }
  if (globals.json) {
    json::Value out = json::Object{};
    out.set("schema", json::Value(features::schema_hash()));
    out.set("features", json::Value(std::move(documents)));
    print_json(json::format(out, 1));
  } else {
    print_table({"name", "group", "type", "default", "source", "description"}, rows);
  }
  return 0;
}

int run_features_show(const Globals& globals, const FeatureArguments& arguments) {
  const Config config = load_config(globals);
  OpenLake lake(config);
  const features::FeatureSet set = build(lake.engine, config, arguments.as_of);
  if (arguments.item) print_features(globals, set, set.items, *arguments.item);
  if (arguments.user) print_features(globals, set, set.users, *arguments.user);
  return 0;
}

int run_features_build(const Globals& globals, const FeatureArguments& arguments) {
  const Config config = load_config(globals);
  OpenLake lake(config);
  const features::FeatureSet set = build(lake.engine, config, arguments.as_of);
  const fs::path folder = config.file_path("lake.folder") / "features";
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  for (const features::FeatureTable* table : {&set.users, &set.items}) {
    const fs::path path = folder / fmt::format("{}.parquet", features::group_name(table->group));
    const std::uint64_t n_rows = features::write_features(lake.engine, set, *table, path);
    rows.push_back({path.string(), fmt::format("{}", n_rows), fmt::format("{}", table->n_features()), format_rfc3339(set.as_of)});
    json::Value document = json::Object{};
    document.set("file", json::Value(path.string()));
    document.set("rows", json::Value(static_cast<std::int64_t>(n_rows)));
    document.set("features", json::Value(static_cast<std::int64_t>(table->n_features())));
    document.set("as_of", json::Value(format_rfc3339(set.as_of)));
    documents.push_back(std::move(document));
  }
  if (globals.json) {
    print_json(json::format(json::Value(std::move(documents)), 1));
  } else {
    print_table({"file", "rows", "features", "as of"}, rows);
  }
  return 0;
}

}  // namespace lodestone::app
