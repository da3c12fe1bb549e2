#pragma once
// Opens the place that `lodestone simulate --to` names.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/sink.hpp"

namespace lodestone::simulation {

struct SinkOptions {
  std::string to;                        ///< files:DIR or mysql://USER@HOST:PORT/DATABASE
  FileFormat format = FileFormat::kCsv;  ///< of files
  std::string matomo = {};               ///< database of the Matomo tables; "" is the database matomo on the server of `to`
  std::string password = {};             ///< of the account of `to`, and of `matomo` where that has none
  std::string matomo_password = {};
  Existing existing = Existing::kRefuse;  ///< of a database; files of the same names are always replaced
};

/// What would be written, a line a table, without touching the place: "DIR/user.csv", "table user of mysql HOST:PORT/DB". Throws
/// invalid_argument for a place that is none.
std::vector<std::string> describe_targets(const SinkOptions& options);

/// Throws invalid_argument for a place that is none, else what the sink throws.
std::unique_ptr<MarketplaceSink> open_sink(const SinkOptions& options);

}  // namespace lodestone::simulation
