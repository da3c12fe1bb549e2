#pragma once
// Scaling of rows and columns by a power of their activity, which EASE and SLIM share.

#include <vector>

#include "models/interactions.hpp"

namespace lodestone::training {

/// Multiplies every weight by (n_u / median)^-user_exponent (n_i / median)^-item_exponent, n_u items of user u and n_i users of item i,
/// the upper median of what is above 0. Returns the items' factors, 0 for an item that nobody touched.
std::vector<float> scale_by_activity(models::Interactions& x, double user_exponent, double item_exponent);

}  // namespace lodestone::training
