#pragma once
// The exact solution of one row of implicit ALS by Cholesky: for the solver of that name, and for histories that are folded in.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lodestone::training {

/// Row r begins at data + r * stride; its first f floats count.
struct FactorRows {
  const float* data = nullptr;
  std::size_t stride = 0;
};

/// out [f] = (M + sum_k c_k y_k y_k')^-1  sum_k (1 + c_k) y_k  with y_k row at[k] of `factors` and c_k = confidences[k] >= 0. M,
/// [f, f], is in the upper triangle of `matrix`, which is overwritten; `scratch` is any. Calls BLAS. Throws invalid_argument when
/// the sum is not positive definite in floats.
void solve_observed(FactorRows factors, std::span<const std::int32_t> at, std::span<const float> confidences,
                    std::span<float> matrix, std::vector<float>& scratch, std::span<float> out);

}  // namespace lodestone::training
