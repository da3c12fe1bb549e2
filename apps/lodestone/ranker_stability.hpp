#pragma once
// Whether a release that is to be published shows its ranker what the ranker was fitted on.

#include <string>
#include <vector>

#include "bundle/store.hpp"
#include "engine/page.hpp"
#include "features/stability.hpp"
#include "models/release.hpp"

namespace lodestone::app {

/// One feature of the preferred ranker.
struct FeatureStability {
  std::string name;
  double index = 0;  ///< population stability index of the release's rows against those of the fit
};

/// Rows of the pages as the release makes them, against the bins of the rows of the fit; the largest index first. `reference` has a feature of each of
/// the preferred ranker's columns.
std::vector<FeatureStability> measure_stability(const models::Release& release, const std::vector<engine::PageRequest>& pages,
                                                const std::vector<features::FeatureBins>& reference, std::size_t depth,
                                                int threads);

/// Keeps it beside the bundles until the release is judged.
void save_stability(const bundle::BundleStore& store, const std::string& id, const std::vector<FeatureStability>& stability);
/// What was kept for that bundle, the largest first; empty when it has no ranker or was packed elsewhere.
std::vector<FeatureStability> load_stability(const bundle::BundleStore& store, const std::string& id);

}  // namespace lodestone::app
