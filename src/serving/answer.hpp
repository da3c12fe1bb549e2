#pragma once
// Writes lists of items as JSON straight into the connection's buffer: the card of an item is ready text of the bundle, only score and
// reason are formatted.

#include <string>
#include <string_view>

#include "engine/recommender.hpp"

namespace lodestone::serving {

/// What an item says besides its card.
enum class Detail {
  kCard,           ///< nothing
  kCardAndReason,  ///< `reason`: trending items of a fallback
  kScored,         ///< `score` and `reason`
  kExplained,  ///< also `channels`: rank (from 1) and raw score in each channel that gave the item; where a ranker put the page in order,
  ///< `ranker` and `features`: what each feature adds to the mean raw score `expected`, whose logistic function is `score`
  kAccounted,  ///< the same, with `features` always there, empty where no ranker speaks
};

/// Appends "[{...},...]".
void append_items(std::string& out, const models::Release& release, const engine::Page& page, Detail detail);

}  // namespace lodestone::serving
