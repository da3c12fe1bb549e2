#pragma once
// Features as a release stores them: the columns that its rankers take, beside its users and items.

#include "features/build/feature_builder.hpp"
#include "features/vectorizer.hpp"
#include "models/release.hpp"

namespace lodestone::app {

/// The columns of a set for the users and items of `data`, whatever of them the set does not know with its defaults, and the codes of the
/// items' tags. No rankers.
models::OwnedRanking store_features(const features::FeatureSet& set, const features::StoredColumns& columns,
                                    const models::ReleaseData& data);

}  // namespace lodestone::app
