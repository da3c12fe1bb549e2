#pragma once
// Dense linear algebra that gives the same bits for any number of threads: tiles of work, each by one single-threaded BLAS call.
// OpenBLAS's own threads split a product differently for each thread count.

#include <cstddef>
#include <span>
#include <vector>

namespace lodestone::training {

/// Replaces the lower triangle of a symmetric positive definite matrix [n, n] (row-major) by its whole inverse: Cholesky in
/// tiles, the inverse of the factor, its product with itself. n^3 / 2 multiply-adds, 256 n floats beside the matrix and as many a
/// thread. Throws invalid_argument when it is not positive definite.
void invert_spd(std::span<float> matrix, std::size_t n, int threads);

/// out = matrix * vector, on the calling thread alone; `matrix` [n, n] symmetric and whole.
void multiply_symmetric(std::span<const float> matrix, std::span<const float> vector, std::span<float> out);

}  // namespace lodestone::training
