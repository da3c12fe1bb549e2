#include "training/dense.hpp"

#include <cblas.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/thread_pool.hpp"

// LAPACK's Cholesky and triangular inverse, which OpenBLAS carries; their C header is another package.
extern "C" void spotrf_(const char* uplo, const blasint* n, float* a, const blasint* lda, blasint* info);
extern "C" void strtri_(const char* uplo, const char* diag, const blasint* n, float* a, const blasint* lda, blasint* info);

namespace lodestone::training {
namespace {

constexpr std::size_t kTile = 256;
constexpr std::size_t kMirror = 32;  // rows and columns whose lines stay in the cache while they are mirrored

blasint size(std::size_t n) { return static_cast<blasint>(n); }

/// The matrix in tiles: tile (i, j) begins at row i * kTile, column j * kTile. Beside it the inverses of the factor's diagonal
/// tiles.
class Tiles {
 public:
  Tiles(std::span<float> matrix, std::size_t n) : data_(matrix.data()), n_(n), inverses_(count() * kTile * kTile, 0) {}
  [[nodiscard]] std::size_t count() const { return (n_ + kTile - 1) / kTile; }
  [[nodiscard]] std::size_t first(std::size_t i) const { return std::min(n_, i * kTile); }
  [[nodiscard]] std::size_t rows(std::size_t i) const { return first(i + 1) - first(i); }
  [[nodiscard]] float* at(std::size_t i, std::size_t j) const { return data_ + first(i) * n_ + first(j); }
  [[nodiscard]] blasint stride() const { return size(n_); }
  /// Lower triangle, rows kTile apart, zeros above.
  [[nodiscard]] float* inverse(std::size_t i) { return inverses_.data() + i * kTile * kTile; }

 private:
  float* data_;
  std::size_t n_;
  std::vector<float> inverses_;
};

/// The factor of diagonal tile k in place, and its inverse beside.
void factor_diagonal(Tiles& t, std::size_t k) {
  const blasint order = size(t.rows(k));
  const blasint stride = t.stride();
  blasint info = 0;
  // Row-major lower is column-major upper.
  spotrf_("U", &order, t.at(k, k), &stride, &info);
  if (info != 0) {
    fail(ErrorCode::kInvalidArgument, "the item matrix is not positive definite at row {}; a larger lambda makes it so",
         k * kTile + static_cast<std::size_t>(info));
  }
  for (std::size_t r = 0; r < t.rows(k); ++r)
    std::copy_n(t.at(k, k) + r * static_cast<std::size_t>(stride), r + 1, t.inverse(k) + r * kTile);
  const blasint tile = size(kTile);
  strtri_("U", "N", &order, t.inverse(k), &tile, &info);
  LODESTONE_ASSERT(info == 0, "a factor has a zero on its diagonal");
}

/// Lower Cholesky factor L in place of the lower triangle, right-looking. Products run over whole rows of tiles: the longer a
/// product, the less of it is spent on copying its factors.
void factor(Tiles& t, int threads) {
  const blasint stride = t.stride();
  for (std::size_t k = 0; k < t.count(); ++k) {
    factor_diagonal(t, k);
    const std::size_t next = k + 1;
    parallel_for(t.count() - next, 1, threads, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = next + begin; i < next + end; ++i) {
        cblas_strmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, size(t.rows(i)), size(t.rows(k)), 1,
                    t.inverse(k), size(kTile), t.at(i, k), stride);
      }
    });
    parallel_for(t.count() - next, 1, threads, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = next + begin; i < next + end; ++i) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(t.rows(i)), size(t.first(i + 1) - t.first(next)),
                    size(t.rows(k)), -1, t.at(i, k), stride, t.at(next, k), stride, 1, t.at(i, next), stride);
      }
    });
  }
}

/// From L: column c of its inverse, transposed, right of tile (c, c), where nothing of L is. With V = L^-T:
/// V(c, i) = -(sum of V(c, j) L(i, j)', j from c to i - 1) L(i, i)^-T.
void invert_column(Tiles& t, std::size_t c, std::vector<float>& panel) {
  const blasint stride = t.stride();
  const std::size_t rows = t.rows(c);
  const std::size_t width = static_cast<std::size_t>(stride) - t.first(c);
  panel.assign(rows * width, 0);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t j = r; j < rows; ++j) panel[r * width + j] = t.inverse(c)[j * kTile + r];
  }
  for (std::size_t i = c + 1; i < t.count(); ++i) {
    const std::size_t before = t.first(i) - t.first(c);
    float* out = panel.data() + before;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(rows), size(t.rows(i)), size(before), -1, panel.data(), size(width),
                t.at(i, c), stride, 0, out, size(width));
    cblas_strmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, size(rows), size(t.rows(i)), 1, t.inverse(i),
                size(kTile), out, size(width));
  }
  for (std::size_t r = 0; r < rows; ++r)
    std::copy_n(panel.data() + r * width + rows, width - rows, t.at(c, c) + r * static_cast<std::size_t>(stride) + rows);
}

/// From V = L^-T: row i of the lower triangle of V V', which is the inverse; L is no longer needed.
void multiply_row(Tiles& t, std::size_t i) {
  const blasint stride = t.stride();
  const blasint rows = size(t.rows(i));
  const float* diagonal = t.inverse(i);
  if (i > 0) {
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasTrans, rows, size(t.first(i)), rows, 1, diagonal, size(kTile), t.at(0, i), stride,
                0, t.at(i, 0), stride);
  }
  cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, rows, rows, rows, 1, diagonal, size(kTile), diagonal, size(kTile), 0,
              t.at(i, i), stride);
  const blasint rest = stride - size(t.first(i + 1));
  if (rest == 0) return;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, size(t.first(i + 1)), rest, 1, t.at(i, i + 1), stride,
              t.at(0, i + 1), stride, 1, t.at(i, 0), stride);
}

}  // namespace

void invert_spd(std::span<float> matrix, std::size_t n, int threads) {
  LODESTONE_ASSERT(matrix.size() == n * n, "{} floats for order {}", matrix.size(), n);
  // Parallelism is ours: each call below runs on the thread that makes it.
  openblas_set_num_threads(1);
  Tiles tiles(matrix, n);
  factor(tiles, threads);
  std::vector<std::vector<float>> panels(static_cast<std::size_t>(threads > 0 ? threads : usable_cores()));
  parallel_for(tiles.count(), 1, threads, [&](std::size_t begin, std::size_t end, int thread) {
    for (std::size_t c = begin; c < end; ++c) invert_column(tiles, c, panels[static_cast<std::size_t>(thread)]);
  });
  parallel_for(tiles.count(), 1, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) multiply_row(tiles, i);
  });
  parallel_for(n, kMirror, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t from = begin; from < n; from += kMirror) {
      for (std::size_t i = begin; i < end; ++i) {
        for (std::size_t j = std::max(i + 1, from); j < std::min(n, from + kMirror); ++j) matrix[i * n + j] = matrix[j * n + i];
      }
    }
  });
}

void multiply_symmetric(std::span<const float> matrix, std::span<const float> vector, std::span<float> out) {
  const blasint n = size(vector.size());
  cblas_sgemv(CblasRowMajor, CblasNoTrans, n, n, 1, matrix.data(), n, vector.data(), 1, 0, out.data(), 1);
}

}  // namespace lodestone::training
