#pragma once
// What a ranker can be fitted on: the checks of RankerRows. Internal to this folder.

#include <string>
#include <string_view>
#include <vector>

#include "training/ranker.hpp"

namespace lodestone::training {

/// Throws invalid_argument as fit_ranker; `part` is "training" or "validation". The values' shape is the caller's own and asserted.
void check_ranker_rows(const RankerRows& rows, RankerObjective objective, std::string_view part);

/// Names of the features that have one value, or none, in all rows. A value that is missing in some rows makes two.
std::vector<std::string> find_unused_features(const RankerRows& rows);

}  // namespace lodestone::training
