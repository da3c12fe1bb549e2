#pragma once
// The words of a catalogue, for completing what somebody types into a search box.

#include <cstddef>
#include <span>
#include <vector>

#include "features/text/prefix.hpp"
#include "models/catalog.hpp"

namespace lodestone::training {

/// Words of titles and tags with the number of items that have them, most first, of equal ones by their bytes; at most `max_words`. Words are cut by
/// the segmenter; single letters and numbers are no help to anybody and are left out.
std::vector<features::WeightedWord> build_vocabulary(std::span<const models::Item> items, std::size_t max_words = 200'000);

}  // namespace lodestone::training
