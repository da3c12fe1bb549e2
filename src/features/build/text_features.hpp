#pragma once
// The features of items that count tokens: SQL has no tokenizer, and serving must count as training did. Internal to this folder.

#include <string_view>

#include "features/build/feature_builder.hpp"

namespace lodestone::features {

/// Whether the program counts a feature, not a query.
bool is_text_feature(std::string_view name);

/// Fills them for the items of the table, from the table items of `engine`.
void fill_text_features(table::Engine& engine, FeatureTable& items);

}  // namespace lodestone::features
