#pragma once
// Opens the place that `lodestone simulate --to` names.

#include <memory>
#include <optional>
#include <string>

#include "simulation/sink.hpp"

namespace lodestone::simulation {

struct SinkOptions {
  std::string to;                        ///< files:DIR
  FileFormat format = FileFormat::kCsv;  ///< of files
};

/// Throws invalid_argument for a place that is none, else what the sink throws.
std::unique_ptr<MarketplaceSink> open_sink(const SinkOptions& options);

}  // namespace lodestone::simulation
