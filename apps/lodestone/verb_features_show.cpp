// lodestone features show: the vector of one item or user, by key from the store or a bundle, or as of a time from the lake, with where each value is from.

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <functional>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "bundle/store.hpp"
#include "feature_files.hpp"
#include "feature_lake.hpp"
#include "features/build/feature_store.hpp"
#include "release_store.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using features::Feature;
using features::Group;

/// One vector, and where it is from.
struct Vector {
  std::vector<const Feature*> features;
  std::vector<float> values;                                                            ///< NaN = missing
  std::function<std::string(std::string_view domain, std::size_t code)> category_text;  ///< of a category's code
  std::string kind;                                                                     ///< "store", "bundle" or "lake"
  std::string from;   ///< file of the store, id of the bundle, folder of the lake
  std::string as_of;  ///< nothing later counts; "" = not known
};

struct Asked {
  Group group = Group::kItem;
  std::int64_t id = 0;
};

void take_all(Group group, Vector& out) {
  for (const Feature& feature : features::features_of(group)) out.features.push_back(&feature);
}

void take_vocabularies(const features::Vocabularies& vocabularies, Vector& out) {
  out.category_text = [vocabularies](std::string_view domain, std::size_t code) {
    return vocabularies.find(domain)->second.at(code);
  };
}

[[noreturn]] void fail_unknown(const Asked& asked, const std::string& where, std::int64_t n, std::int64_t first,
                               std::int64_t last) {
  const std::string_view what = features::group_name(asked.group);
  if (n == 0) fail(ErrorCode::kNotFound, "there is no {} in {}", what, where);
  fail(ErrorCode::kNotFound, "there is no {} {} in {}; it has {} of them, from {} to {}", what, asked.id, where, n, first, last);
}

Vector read_store(const fs::path& path, const Asked& asked) {
  const features::FeatureStore store(path);
  std::optional<std::vector<float>> values = store.find(asked.group, asked.id);
  if (!values) {
    const features::FeatureStore::Ids ids = store.ids(asked.group);
    fail_unknown(asked, fmt::format("the lake as of {}, by {}", format_rfc3339(store.as_of()), path.string()), ids.n, ids.first,
                 ids.last);
  }
  Vector out;
  take_all(asked.group, out);
  out.values = std::move(*values);
  take_vocabularies(store.vocabularies(), out);
  out.kind = "store";
  out.from = path.string();
  out.as_of = format_rfc3339(store.as_of());
  return out;
}

Vector build_from_lake(const Config& config, const std::string& as_of, const Asked& asked) {
  const features::FeatureSet set = FeatureLake(config).build(as_of);
  const features::FeatureTable& table = asked.group == Group::kUser ? set.users : set.items;
  const std::optional<std::size_t> row = table.find(asked.id);
  if (!row)
    fail_unknown(asked, fmt::format("the lake as of {}", format_rfc3339(set.as_of)), static_cast<std::int64_t>(table.ids.size()),
                 table.ids.empty() ? 0 : table.ids.front(), table.ids.empty() ? 0 : table.ids.back());
  Vector out;
  take_all(asked.group, out);
  out.values.assign(table.row(*row).begin(), table.row(*row).end());
  take_vocabularies(set.vocabularies, out);
  out.kind = "lake";
  out.from = config.file_path("lake.folder").string();
  out.as_of = format_rfc3339(set.as_of);
  return out;
}

/// The row as serving sees it: the columns that the release's rankers take.
Vector read_bundle(const Config& config, const std::string& id, const Asked& asked) {
  const bundle::BundleStore store = release_store(config);
  const std::shared_ptr<const bundle::Bundle> opened = id.empty() ? store.open_current() : store.open(id);
  const models::Release& release = opened->release();
  const std::string& name = opened->manifest().id;
  if (release.ranking == nullptr) fail(ErrorCode::kNotFound, "{} stores no features, as no ranker orders its lists", name);
  std::optional<std::size_t> row;
  if (asked.group == Group::kUser) {
    row = release.users.find(UserId(asked.id));
  } else if (const auto item = release.catalog.find(ItemId(asked.id))) {
    row = static_cast<std::size_t>(*item);
  }
  if (!row) fail(ErrorCode::kNotFound, "there is no {} {} in {}", features::group_name(asked.group), asked.id, name);
  const models::FeatureRows& rows = asked.group == Group::kUser ? release.ranking->users : release.ranking->items;
  Vector out;
  for (const std::string& column : rows.columns)
    out.features.push_back(&features::features_of(asked.group)[features::find_feature(asked.group, column).value()]);
  out.values.assign(rows.row(*row).begin(), rows.row(*row).end());
  out.category_text = [opened](std::string_view domain, std::size_t code) {
    return std::string(opened->release().ranking->vocabularies.find(domain)->second[code]);
  };
  out.kind = "bundle";
  out.from = name;
  if (release.ranking->as_of) out.as_of = format_rfc3339(*release.ranking->as_of);
  return out;
}

/// A value as people read it.
struct Shown {
  json::Value value;
  std::string text;
  bool is_default = false;
};

Shown show(const Feature& feature, float value, const Vector& vector) {
  const bool is_missing = std::isnan(value);
  if (is_missing && std::isnan(feature.fallback)) return {{}, "missing", true};
  if (is_missing || feature.type == features::Type::kFloat) {
    const float shown = is_missing ? feature.fallback : value;
    return {static_cast<double>(shown), fmt::format("{}", shown), is_missing};
  }
  const std::string text = vector.category_text(feature.domain, static_cast<std::size_t>(value));
  return {text, text.empty() ? "(a rare one)" : text, false};
}

void print_vector(const Globals& globals, const Asked& asked, const Vector& vector) {
  std::vector<std::vector<std::string>> rows;
  json::Array documents;
  for (std::size_t f = 0; f < vector.features.size(); ++f) {
    const Feature& feature = *vector.features[f];
    const Shown shown = show(feature, vector.values[f], vector);
    const std::string origin = shown.is_default ? "default" : std::string(feature.source);
    rows.push_back({std::string(feature.name), shown.text, origin, std::string(feature.doc)});
    json::Value document = json::Object{};
    document.set("name", json::Value(std::string(feature.name)));
    document.set("value", shown.value);
    document.set("origin", json::Value(origin));
    document.set("description", json::Value(std::string(feature.doc)));
    documents.push_back(std::move(document));
  }
  const std::string group(features::group_name(asked.group));
  if (!globals.json) {
    std::printf("%s %lld%s, from the %s %s\n", group.c_str(), static_cast<long long>(asked.id),
                vector.as_of.empty() ? "" : (" as of " + vector.as_of).c_str(), vector.kind.c_str(), vector.from.c_str());
    return print_table({"name", "value", "origin", "description"}, rows);
  }
  json::Value from = json::Object{};
  from.set("kind", json::Value(vector.kind));
  from.set(vector.kind == "bundle" ? "bundle" : "path", json::Value(vector.from));
  json::Value out = json::Object{};
  out.set(group + "_id", json::Value(asked.id));
  out.set("as_of", vector.as_of.empty() ? json::Value() : json::Value(vector.as_of));
  out.set("from", std::move(from));
  out.set("schema", json::Value(features::schema_hash()));
  out.set("features", json::Value(std::move(documents)));
  print_json(json::format(out, 1));
}

}  // namespace

int run_features_show(const Globals& globals, const FeatureArguments& arguments) {
  const Config config = load_config(globals);
  const Asked asked = arguments.user ? Asked{Group::kUser, *arguments.user} : Asked{Group::kItem, arguments.item.value()};
  const fs::path store = features_folder(config) / features::kFeatureStoreFile;
  if (arguments.bundle) {
    print_vector(globals, asked, read_bundle(config, *arguments.bundle, asked));
  } else if (arguments.as_of.empty() && fs::is_regular_file(store)) {
    print_vector(globals, asked, read_store(store, asked));
  } else {
    print_vector(globals, asked, build_from_lake(config, arguments.as_of, asked));
  }
  return 0;
}

}  // namespace lodestone::app
