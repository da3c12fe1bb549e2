#pragma once
// Hidden clusters of taste over a real catalogue, made from its tags, so that text and behaviour agree.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "simulation/catalogue.hpp"

namespace lodestone::simulation {

/// A partition of items. Within a cluster neighbours share more tags than items far apart: walks step along this order.
struct Clustering {
  std::vector<std::string> names;                   ///< one a cluster, the tag that made it
  std::vector<std::vector<std::uint32_t>> members;  ///< item numbers of each cluster, in walking order
};

/// Greedy cover: the tag that is on most items without a cluster yet makes the next one, from tags that are on at most a twentieth of all
/// items, until no tag covers five more. What is left goes where its tags are most at home, else to a last cluster "other".
/// Tags are compared in lower case with '-' and '_' as blanks. Depends on nothing but the catalogue.
Clustering cluster_by_tags(std::span<const CatalogueItem> items);

}  // namespace lodestone::simulation
