#include "training/als_exact.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

// LAPACK's Cholesky, which OpenBLAS carries; its C header is another package.
extern "C" void spotrf_(const char* uplo, const blasint* n, float* a, const blasint* lda, blasint* info);
extern "C" void spotrs_(const char* uplo, const blasint* n, const blasint* nrhs, const float* a, const blasint* lda, float* b,
                        const blasint* ldb, blasint* info);

namespace lodestone::training {

void solve_observed(FactorRows factors, std::span<const std::int32_t> at, std::span<const float> confidences,
                    std::span<float> matrix, std::vector<float>& scratch, std::span<float> out) {
  const std::size_t f = out.size();
  const auto order = static_cast<blasint>(f);
  scratch.resize(at.size() * f);
  std::fill(out.begin(), out.end(), 0.0F);
  for (std::size_t k = 0; k < at.size(); ++k) {
    const float* y = factors.data + static_cast<std::size_t>(at[k]) * factors.stride;
    const float root = std::sqrt(confidences[k]);
    for (std::size_t j = 0; j < f; ++j) {
      scratch[k * f + j] = root * y[j];
      out[j] += (1 + confidences[k]) * y[j];
    }
  }
  if (!at.empty()) {
    cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, order, static_cast<blasint>(at.size()), 1, scratch.data(), order, 1,
                matrix.data(), order);
  }
  const blasint one = 1;
  blasint info = 0;
  // Row-major upper is column-major lower.
  spotrf_("L", &order, matrix.data(), &order, &info);
  if (info != 0)
    fail(ErrorCode::kInvalidArgument,
         "the matrix of a row is not positive definite in floats; a larger regularization makes it so");
  spotrs_("L", &order, &one, matrix.data(), &order, out.data(), &order, &info);
}

}  // namespace lodestone::training
