#include "training/dense.hpp"

#include <cblas.h>

#include <algorithm>
#include <atomic>

#include "base/error.hpp"
#include "base/thread_pool.hpp"

// LAPACK's Cholesky, which OpenBLAS carries; its C header is another package.
extern "C" void spotrf_(const char* uplo, const blasint* n, float* a, const blasint* lda, blasint* info);

namespace lodestone::training {
namespace {

constexpr std::size_t kTile = 256;

blasint size(std::size_t n) { return static_cast<blasint>(n); }

/// The matrix in tiles: tile (i, j) begins at row i * kTile, column j * kTile.
class Tiles {
 public:
  Tiles(std::span<float> matrix, std::size_t n) : data_(matrix.data()), n_(n) {}
  [[nodiscard]] std::size_t count() const { return (n_ + kTile - 1) / kTile; }
  [[nodiscard]] std::size_t rows(std::size_t i) const { return std::min(kTile, n_ - i * kTile); }
  [[nodiscard]] float* at(std::size_t i, std::size_t j) const { return data_ + (i * kTile) * n_ + j * kTile; }
  [[nodiscard]] blasint stride() const { return size(n_); }

 private:
  float* data_;
  std::size_t n_;
};

/// Lower Cholesky factor in place of the lower triangle, right-looking.
void factor(const Tiles& t, int threads) {
  const blasint stride = t.stride();
  for (std::size_t k = 0; k < t.count(); ++k) {
    const blasint order = size(t.rows(k));
    blasint info = 0;
    // Row-major lower is column-major upper.
    spotrf_("U", &order, t.at(k, k), &stride, &info);
    if (info != 0) {
      fail(ErrorCode::kInvalidArgument, "the item matrix is not positive definite at row {}; a larger lambda makes it so",
           k * kTile + static_cast<std::size_t>(info));
    }
    const std::size_t below = t.count() - k - 1;
    parallel_for(below, 1, threads, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin + k + 1; i < end + k + 1; ++i) {
        cblas_strsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, size(t.rows(i)), order, 1, t.at(k, k),
                    stride, t.at(i, k), stride);
      }
    });
    parallel_for(below * (below + 1) / 2, 1, threads, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t pair = begin; pair < end; ++pair) {
        std::size_t row = 0;
        while ((row + 1) * (row + 2) / 2 <= pair) ++row;
        const std::size_t i = k + 1 + row;
        const std::size_t j = k + 1 + pair - row * (row + 1) / 2;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(t.rows(i)), size(t.rows(j)), order, -1, t.at(i, k), stride,
                    t.at(j, k), stride, 1, t.at(i, j), stride);
      }
    });
  }
}

/// From L in the lower triangle: columns [c, c + width) of the inverse, from row c on (the rest follows by symmetry), written as rows into the
/// strict upper triangle, which the factor does not use; the diagonal goes to `diagonal`.
void solve_columns(std::span<float> matrix, std::size_t n, std::size_t c, std::vector<float>& block,
                   std::vector<float>& diagonal) {
  const std::size_t width = std::min(kTile, n - c);
  const std::size_t rows = n - c;
  block.assign(rows * width, 0);
  for (std::size_t r = 0; r < width; ++r) block[r * width + r] = 1;
  const float* factor_at = matrix.data() + c * n + c;
  cblas_strsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, size(rows), size(width), 1, factor_at, size(n),
              block.data(), size(width));
  cblas_strsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, size(rows), size(width), 1, factor_at, size(n),
              block.data(), size(width));
  for (std::size_t j = 0; j < width; ++j) {
    diagonal[c + j] = block[j * width + j];
    float* row = matrix.data() + (c + j) * n + c;
    for (std::size_t r = j + 1; r < rows; ++r) row[r] = block[r * width + j];
  }
}

}  // namespace

void invert_spd(std::span<float> matrix, std::size_t n, int threads) {
  LODESTONE_ASSERT(matrix.size() == n * n, "{} floats for order {}", matrix.size(), n);
  // Parallelism is ours: each call below runs on the thread that makes it.
  openblas_set_num_threads(1);
  const Tiles tiles(matrix, n);
  factor(tiles, threads);
  std::vector<float> diagonal(n);
  std::vector<std::vector<float>> blocks(static_cast<std::size_t>(threads > 0 ? threads : usable_cores()));
  parallel_for(tiles.count(), 1, threads, [&](std::size_t begin, std::size_t end, int thread) {
    for (std::size_t t = begin; t < end; ++t)
      solve_columns(matrix, n, t * kTile, blocks[static_cast<std::size_t>(thread)], diagonal);
  });
  parallel_for(tiles.count(), 1, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t i = t * kTile; i < std::min(n, (t + 1) * kTile); ++i) {
        matrix[i * n + i] = diagonal[i];
        for (std::size_t j = 0; j < i; ++j) matrix[i * n + j] = matrix[j * n + i];
      }
    }
  });
}

void multiply_symmetric(std::span<const float> matrix, std::span<const float> vector, std::span<float> out) {
  const blasint n = size(vector.size());
  cblas_sgemv(CblasRowMajor, CblasNoTrans, n, n, 1, matrix.data(), n, vector.data(), 1, 0, out.data(), 1);
}

}  // namespace lodestone::training
