// lodestone features list and build: the schema, and the features of all users and items as files.

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "feature_files.hpp"
#include "feature_lake.hpp"
#include "features/build/feature_store.hpp"
#include "verbs.hpp"

namespace lodestone::app {

using features::Feature;

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

int run_features_build(const Globals& globals, const FeatureArguments& arguments) {
  const Config config = load_config(globals);
  FeatureLake lake(config);
  const features::FeatureSet set = lake.build(arguments.as_of);
  const fs::path folder = features_folder(config);
  const std::string store = (folder / features::kFeatureStoreFile).string();
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  for (const FeatureFile& file : write_feature_files(lake.engine, set, folder)) {
    rows.push_back(
        {file.path.string(), fmt::format("{}", file.rows), fmt::format("{}", file.features), format_rfc3339(set.as_of)});
    json::Value document = json::Object{};
    document.set("file", json::Value(file.path.string()));
    document.set("rows", json::Value(static_cast<std::int64_t>(file.rows)));
    document.set("features", json::Value(static_cast<std::int64_t>(file.features)));
    document.set("as_of", json::Value(format_rfc3339(set.as_of)));
    document.set("store", json::Value(store));
    documents.push_back(std::move(document));
  }
  if (globals.json) {
    print_json(json::format(json::Value(std::move(documents)), 1));
  } else {
    print_table({"file", "rows", "features", "as of"}, rows);
    std::printf("both by key in %s\n", store.c_str());
  }
  return 0;
}

}  // namespace lodestone::app
