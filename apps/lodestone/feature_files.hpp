#pragma once
// The files of features in the lake's folder features/: Parquet for analysts, the store for look-ups by key.

#include "base/config.hpp"
#include "base/file.hpp"
#include "features/build/feature_builder.hpp"

namespace lodestone::app {

struct FeatureFile {
  fs::path path;
  std::uint64_t rows = 0;
  std::size_t features = 0;
};

/// lake.folder/features.
fs::path features_folder(const Config& config);

/// Writes user.parquet, item.parquet and features.sqlite, each atomically; returns the first two.
std::vector<FeatureFile> write_feature_files(table::Engine& engine, const features::FeatureSet& set, const fs::path& folder);

/// Makes the views user_features and item_features of the Parquet files that are there.
void attach_feature_files(table::Engine& engine, const fs::path& folder);

}  // namespace lodestone::app
