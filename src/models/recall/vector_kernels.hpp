#pragma once
// Squared distances between vectors of floats, with the widest instructions of the processor, found at run time.

#include <cstddef>
#include <cstdint>

namespace lodestone::models {

/// Floats in one step; vectors are padded with zeros to a multiple of it.
inline constexpr std::size_t kVectorLanes = 16;

/// Sum of (a_i - b_i)^2 over [stride] floats, a multiple of kVectorLanes; any alignment. The order of the sum is one;
/// whether a product and a sum are rounded once or twice depends on the processor.
using SquaredDistance = float (*)(const float* a, const float* b, std::size_t stride);

/// out[k] = the same between `query` and row rows[k] of `vectors` [n, stride], for k < n_rows. The memory of the rows ahead is called for while
/// one is summed, as rows lie far apart. Without `rows` it is row k, of rows that lie one behind the other.
using SquaredDistances = void (*)(const float* query, const float* vectors, std::size_t stride, const std::int32_t* rows,
                                  std::size_t n_rows, float* out);

/// The same of rows of bytes, `row_bytes` apart, each taken as a float.
using CodeDistances = void (*)(const float* query, const std::int8_t* codes, std::size_t row_bytes, std::size_t stride,
                               const std::int32_t* rows, std::size_t n_rows, float* out);

/// Sum of a_i * b_i over [stride] floats, a multiple of kVectorLanes; any alignment. The same bits on every processor: one order, and each product
/// is rounded.
using DotProduct = float (*)(const float* a, const float* b, std::size_t stride);
DotProduct find_dot_product();

struct VectorKernels {
  SquaredDistance distance;
  SquaredDistances distances;
  CodeDistances code_distances;
};
VectorKernels find_vector_kernels();

}  // namespace lodestone::models
