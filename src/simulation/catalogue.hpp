#pragma once
// A real catalogue to put simulated visits over: a JSON-lines file (gzip by suffix) with a YAML file of the same stem beside it that
// names its columns, as data set descriptions do. What a catalogue lacks (price, dates, images) is simulated.

#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"

namespace lodestone::simulation {

struct CatalogueItem {
  std::string external_id;  ///< unique within its catalogue only
  std::string title;
  std::string description;  ///< "" when there is none
  std::vector<std::string> tags;
  std::string owner;
  std::string category;
};

/// The items of all files: in the order of the files, within one by external id (bytes). Throws not_found for a missing file or column map,
/// invalid_argument for a bad map (every error at once), contract for a line without id or title or with an id that came before,
/// corrupt for a line that is no JSON.
std::vector<CatalogueItem> load_catalogues(std::span<const fs::path> files);

/// aws.jsonl.gz -> aws.yaml, beside it.
fs::path column_map_path(const fs::path& catalogue);

}  // namespace lodestone::simulation
