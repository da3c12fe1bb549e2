// lodestone model list | export | import.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/nearest.hpp"
#include "bundle/store.hpp"
#include "models/ranking/onnx_export.hpp"
#include "release_store.hpp"
#include "verbs.hpp"
#include "version.hpp"

namespace lodestone::app {
namespace {

std::string choose_release(const bundle::BundleStore& store, const std::string& id) {
  if (!id.empty()) return id;
  const std::optional<std::string> current = store.current();
  if (!current)
    fail(ErrorCode::kNotFound,
         "{}: no bundle was published yet; lodestone pipeline run makes and publishes one, --bundle names another",
         store.folder().string());
  return *current;
}

/// The folder and manifest of a release.
struct Chosen {
  fs::path folder;
  bundle::Manifest manifest;
};

Chosen read_release(const Globals& globals, const std::string& id) {
  const bundle::BundleStore store = release_store(load_config(globals));
  Chosen out{store.path_of(choose_release(store, id)), {}};
  out.manifest = bundle::Manifest::load(out.folder);
  return out;
}

std::string choose_ranker(const bundle::Manifest& manifest, const std::string& name) {
  const std::vector<std::string>& names = manifest.rankers;
  if (names.empty())
    fail(ErrorCode::kNotFound, "bundle {} has no ranker; lodestone train fits some and keeps those that beat recall alone",
         manifest.id);
  if (name.empty()) return names.front();
  if (std::find(names.begin(), names.end(), name) == names.end())
    fail(ErrorCode::kNotFound, "bundle {} has no ranker \"{}\"{}", manifest.id, name, suggest(name, names));
  return name;
}

json::Value whole(std::size_t n) { return json::Value(static_cast<std::int64_t>(n)); }

/// What is told of a ranker.
struct Described {
  std::string format;
  std::optional<std::size_t> n_trees;  ///< an ONNX model need not have any
  std::size_t n_features = 0;
};

Described describe(const bundle::StoredRanker& ranker, const std::string& name) {
  if (ranker.format == models::RankerFormat::kOnnx)
    return {"onnx", std::nullopt, models::read_onnx_signature(ranker.bytes, name).feature_names.size()};
  const models::TreeEnsemble model = models::parse_tree_ensemble(ranker.bytes, name);
  return {"lightgbm", model.trees.size(), model.n_features()};
}

/// The features that a model to import names, or those of --features written into it.
std::string name_features(std::string bytes, const ModelArguments& arguments) {
  const std::string file = arguments.file.string();
  const models::OnnxSignature signature = models::read_onnx_signature(bytes, file);
  if (arguments.features.empty()) {
    if (signature.feature_names.empty())
      fail(ErrorCode::kInvalidArgument, "{}: has no metadata feature_names; name its {} columns by --features A,B,...", file,
           signature.n_features);
    return bytes;
  }
  if (signature.feature_names.empty()) return models::with_feature_names(bytes, arguments.features);
  if (signature.feature_names != arguments.features)
    fail(ErrorCode::kInvalidArgument, "{}: names other features than --features does: {}; leave --features out", file,
         fmt::join(signature.feature_names, ","));
  return bytes;
}

}  // namespace

int run_model_list(const Globals& globals, const ModelArguments& arguments) {
  const Chosen release = read_release(globals, arguments.bundle);
  json::Array out;
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : release.manifest.rankers) {
    const bundle::StoredRanker ranker = bundle::read_ranker(release.folder, release.manifest, name);
    const Described described = describe(ranker, name);
    const bool preferred = rows.empty();
    json::Value entry;
    entry.set("name", json::Value(name));
    entry.set("format", json::Value(described.format));
    entry.set("trees", described.n_trees ? whole(*described.n_trees) : json::Value());
    entry.set("features", whole(described.n_features));
    entry.set("bytes", whole(ranker.bytes.size()));
    entry.set("preferred", json::Value(preferred));
    out.push_back(std::move(entry));
    rows.push_back({name, preferred ? "preferred" : "", described.format,
                    described.n_trees ? fmt::format("{}", *described.n_trees) : "", fmt::format("{}", described.n_features),
                    fmt::format("{}", ranker.bytes.size())});
  }
  if (globals.json) {
    json::Value document;
    document.set("bundle", json::Value(release.manifest.id));
    document.set("rankers", json::Value(std::move(out)));
    print_json(json::format(document, 2));
  } else if (rows.empty()) {
    std::printf("bundle %s has no ranker; its lists are as recall has them\n", release.manifest.id.c_str());
  } else {
    print_table({"ranker", "", "format", "trees", "features", "bytes"}, rows);
  }
  return 0;
}

int run_model_export(const Globals& globals, const ModelArguments& arguments) {
  const Chosen release = read_release(globals, arguments.bundle);
  const std::string name = choose_ranker(release.manifest, arguments.ranker);
  const bundle::StoredRanker ranker = bundle::read_ranker(release.folder, release.manifest, name);
  const bool is_onnx = ranker.format == models::RankerFormat::kOnnx;
  if (arguments.onnx.empty()) {
    if (is_onnx) fail(ErrorCode::kInvalidArgument, "ranker {} is an ONNX model and has no text; --onnx FILE writes it", name);
    std::fwrite(ranker.bytes.data(), 1, ranker.bytes.size(), stdout);
    return 0;
  }
  const Described described = describe(ranker, name);
  const std::string bytes = is_onnx ? ranker.bytes : models::export_onnx(models::parse_tree_ensemble(ranker.bytes, name));
  if (!globals.dry_run) write_file_atomic(arguments.onnx, bytes);
  if (globals.json) {
    json::Value out;
    out.set("file", json::Value(arguments.onnx.string()));
    out.set("bundle", json::Value(release.manifest.id));
    out.set("ranker", json::Value(name));
    out.set("trees", described.n_trees ? whole(*described.n_trees) : json::Value());
    out.set("features", whole(described.n_features));
    out.set("bytes", whole(bytes.size()));
    print_json(json::format(out, 2));
    return 0;
  }
  std::printf("%s %s: ranker %s of %s, %zu features, %zu bytes\n", globals.dry_run ? "would write" : "wrote",
              arguments.onnx.c_str(), name.c_str(), release.manifest.id.c_str(), described.n_features, bytes.size());
  return 0;
}

int run_model_import(const Globals& globals, const ModelArguments& arguments) {
  const bundle::BundleStore store = release_store(load_config(globals));
  const bundle::ImportedRanker ranker{arguments.ranker, name_features(read_file(arguments.file), arguments)};
  const auto from = store.open(choose_release(store, arguments.bundle));
  const std::string& old = from->manifest().id;
  if (globals.dry_run) {
    bundle::check_new_ranker(ranker, *from, store.onnx_library());
    std::printf("would pack a new bundle from %s in %s, with %s as its preferred ranker\n", old.c_str(), store.folder().c_str(),
                ranker.name.c_str());
    return 0;
  }
  const std::string id = bundle::add_ranker(store, *from, ranker, SystemClock().now(), kVersion);
  if (globals.json) {
    json::Value out;
    out.set("bundle", json::Value(id));
    out.set("made_from", json::Value(old));
    out.set("ranker", json::Value(ranker.name));
    out.set("bytes", whole(ranker.bytes.size()));
    print_json(json::format(out, 2));
    return 0;
  }
  std::printf("packed %s from %s: %s is its preferred ranker; lodestone bundle rollback %s makes it current\n", id.c_str(),
              old.c_str(), ranker.name.c_str(), id.c_str());
  return 0;
}

}  // namespace lodestone::app
