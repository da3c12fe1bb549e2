#pragma once
// Which items may lead a list of what is popular: not junk that a few people once touched. Lists take the others only where they would else be
// too short.

#include <cstdint>
#include <span>
#include <vector>

#include "models/catalog.hpp"
#include "models/interactions.hpp"

namespace lodestone::training {

struct QualityGateOptions {
  std::size_t min_people = 2;  ///< different people, at least
  /// And this share of the median over the touched items of the category, so that a crowded category asks for more than a small one.
  double median_share = 0.25;
  double max_idle_days = 180;  ///< since the last event, counted back from the newest of all
};

/// 1 for each item that may be shown, has a title, and a description or a tag, was touched by enough people, and lately enough. `last_at`
/// runs beside the interactions (microseconds); empty = idleness is not looked at. `category_of` as models::number_categories.
std::vector<std::uint8_t> quality_gate(std::span<const models::Item> items, std::span<const std::int32_t> category_of,
                                       const models::Interactions& interactions, std::span<const std::int64_t> last_at,
                                       const QualityGateOptions& options);

}  // namespace lodestone::training
