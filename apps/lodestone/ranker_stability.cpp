#include "ranker_stability.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/thread_pool.hpp"
#include "engine/recommender.hpp"

namespace lodestone::app {
namespace {

constexpr const char* kStabilityFile = "stability.json";

}  // namespace

std::vector<FeatureStability> measure_stability(const models::Release& release, const std::vector<engine::PageRequest>& pages,
                                                const std::vector<features::FeatureBins>& reference, std::size_t depth,
                                                int threads) {
  const models::Ranker& ranker = *release.ranking->rankers.front();
  const std::size_t n_columns = ranker.columns().size();
  LODESTONE_ASSERT(reference.size() == n_columns, "bins of {} features for {} columns", reference.size(), n_columns);
  std::vector<std::vector<float>> parts(pages.size());
  parallel_for(pages.size(), 16, threads, [&](std::size_t begin, std::size_t end, int) {
    engine::Scratch scratch;
    engine::Page page;
    for (std::size_t p = begin; p < end; ++p) {
      engine::PageRequest request = pages[p];
      request.limit = depth;
      engine::make_candidate_rows(release, request, ranker.vectorizer(), depth, scratch, page);
      parts[p].assign(scratch.rows.begin(), scratch.rows.begin() + static_cast<std::ptrdiff_t>(scratch.pool.size() * n_columns));
    }
  });
  std::vector<FeatureStability> out;
  std::vector<float> values;
  for (std::size_t c = 0; c < n_columns; ++c) {
    values.clear();
    for (const std::vector<float>& part : parts) {
      for (std::size_t at = c; at < part.size(); at += n_columns) values.push_back(part[at]);
    }
    out.push_back(
        {reference[c].name, features::stability_index(reference[c].shares, features::count_shares(reference[c], values))});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const FeatureStability& a, const FeatureStability& b) { return a.index > b.index; });
  return out;
}

void save_stability(const bundle::BundleStore& store, const std::string& id, const std::vector<FeatureStability>& stability) {
  json::Array features;
  for (const FeatureStability& feature : stability) {
    json::Value row = json::Object{};
    row.set("name", json::Value(feature.name));
    row.set("index", json::Value(feature.index));
    features.push_back(std::move(row));
  }
  json::Value out = json::Object{};
  out.set("bundle", json::Value(id));
  out.set("features", json::Value(std::move(features)));
  write_file_atomic(store.folder() / kStabilityFile, json::format(out, 1) + "\n");
}

std::vector<FeatureStability> load_stability(const bundle::BundleStore& store, const std::string& id) {
  const fs::path path = store.folder() / kStabilityFile;
  std::vector<FeatureStability> out;
  if (!fs::is_regular_file(path)) return out;
  const json::Value document = json::parse(read_file(path), path.string());
  const json::Value* bundle = document.find("bundle");
  const json::Value* features = document.find("features");
  if (bundle == nullptr || bundle->as_string() == nullptr || features == nullptr || features->as_array() == nullptr)
    fail(ErrorCode::kCorrupt, "{}: holds no stability of features; remove it and train again", path.string());
  if (*bundle->as_string() != id) return out;
  for (const json::Value& row : *features->as_array()) {
    const json::Value* name = row.find("name");
    const json::Value* index = row.find("index");
    if (name == nullptr || name->as_string() == nullptr || index == nullptr || !index->as_number())
      fail(ErrorCode::kCorrupt, "{}: holds a feature without name or index; remove it and train again", path.string());
    out.push_back({*name->as_string(), *index->as_number()});
  }
  return out;
}

}  // namespace lodestone::app
