#pragma once
// What a release says about its features beside their values: as of when they are, and what the preferred ranker's rows were like when it was fitted
// (docs/formats/bundle.md). Internal to this folder.

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "features/stability.hpp"

namespace lodestone::bundle {

struct FeatureFacts {
  TimePoint as_of{};
  features::RowReference reference;
};

/// features.json.
std::string format_feature_facts(const FeatureFacts& facts);
/// Throws corrupt, naming the file, for anything that format_feature_facts() does not write: edges fall, shares are not beside the bins or no shares.
FeatureFacts parse_feature_facts(std::string_view text, const std::string& file);

}  // namespace lodestone::bundle
