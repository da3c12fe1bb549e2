#pragma once
// Features made from the lake on the spot, for the verbs that ask for them.

#include <string>

#include "base/config.hpp"
#include "features/build/feature_builder.hpp"
#include "lake/reader.hpp"
#include "table/engine.hpp"

namespace lodestone::app {

/// The lake as an engine with its canonical tables. Throws not_found where one of those that features need is missing.
class FeatureLake {
 public:
  explicit FeatureLake(const Config& config);
  /// The features as of a time in text, of the newest event when that is "". Throws invalid_argument for a text that is no time.
  features::FeatureSet build(const std::string& as_of);

  table::Engine engine;

 private:
  const Config* config_;
  lake::Reader reader_;
};

}  // namespace lodestone::app
