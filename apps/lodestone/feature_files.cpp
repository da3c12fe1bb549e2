#include "feature_files.hpp"

#include <fmt/format.h>

#include "features/build/feature_store.hpp"

namespace lodestone::app {
namespace {

fs::path parquet_file(const fs::path& folder, features::Group group) {
  return folder / fmt::format("{}.parquet", features::group_name(group));
}

}  // namespace

fs::path features_folder(const Config& config) { return config.file_path("lake.folder") / "features"; }

std::vector<FeatureFile> write_feature_files(table::Engine& engine, const features::FeatureSet& set, const fs::path& folder) {
  std::vector<FeatureFile> out;
  for (const features::FeatureTable* table : {&set.users, &set.items}) {
    const fs::path path = parquet_file(folder, table->group);
    out.push_back({path, features::write_features(engine, set, *table, path), table->n_features()});
  }
  features::write_feature_store(set, folder / features::kFeatureStoreFile);
  return out;
}

void attach_feature_files(table::Engine& engine, const fs::path& folder) {
  for (const features::Group group : {features::Group::kUser, features::Group::kItem}) {
    const fs::path path = parquet_file(folder, group);
    if (!fs::is_regular_file(path)) continue;
    engine.execute(fmt::format("CREATE OR REPLACE VIEW {}_features AS SELECT * FROM read_parquet({})",
                               features::group_name(group), table::quote_literal(path.string())));
  }
}

}  // namespace lodestone::app
