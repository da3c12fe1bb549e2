#pragma once
// Squared distance between vectors of floats, with the widest instructions of the processor, found at run time.

#include <cstddef>

namespace lodestone::models {

/// Floats in one step; vectors are padded with zeros to a multiple of it.
inline constexpr std::size_t kVectorLanes = 16;

/// Sum of (a_i - b_i)^2 over [stride] floats, a multiple of kVectorLanes; any alignment. The order of the sum is one;
/// whether a product and a sum are rounded once or twice depends on the processor.
using SquaredDistance = float (*)(const float* a, const float* b, std::size_t stride);
SquaredDistance find_squared_distance();

}  // namespace lodestone::models
