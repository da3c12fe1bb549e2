#pragma once
// The rows of the schema. Internal to this folder; everybody else reads features/schema.hpp.

#include <span>

#include "features/schema.hpp"

namespace lodestone::features {

/// Ordered by group.
std::span<const Feature> feature_table();

}  // namespace lodestone::features
