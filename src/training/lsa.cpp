#include "training/lsa.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "base/thread_pool.hpp"
#include "training/top_items.hpp"

// LAPACK's eigenvectors of a symmetric matrix, which OpenBLAS carries.
extern "C" void dsyev_(const char* jobz, const char* uplo, const blasint* n, double* a, const blasint* lda, double* w,
                       double* work, const blasint* lwork, blasint* info);

namespace lodestone::training {
namespace {

using models::ScoredItem;

constexpr std::size_t kSparseBlock = 64;
constexpr std::size_t kDenseBlock = 1024;   // rows of one BLAS call; sums of blocks are taken in their order
constexpr std::size_t kQueryBlock = 256;    // items whose neighbours are sought together
constexpr std::size_t kTargetBlock = 2048;  // and the others of one product
/// Directions with less of the largest one's energy are rounding errors of floats.
constexpr double kLeastEnergy = 1e-7;

blasint size(std::size_t n) { return static_cast<blasint>(n); }

/// Row-major [rows, columns].
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<float> values;

  Matrix(std::size_t n_rows, std::size_t n_columns) : rows(n_rows), columns(n_columns), values(n_rows * n_columns, 0) {}
  float* row(std::size_t i) { return values.data() + i * columns; }
  [[nodiscard]] const float* row(std::size_t i) const { return values.data() + i * columns; }
};

/// The tokens that tie items together, numbered anew.
models::Interactions keep_tokens(const models::Interactions& rows, const LsaOptions& options) {
  std::vector<std::size_t> frequency(rows.n_items, 0);
  for (const ItemIndex token : rows.items) ++frequency[static_cast<std::size_t>(token)];
  std::vector<ItemIndex> kept;
  for (std::size_t t = 0; t < rows.n_items; ++t) {
    if (frequency[t] >= options.min_items) kept.push_back(static_cast<ItemIndex>(t));
  }
  if (kept.size() > options.max_tokens) {
    std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(options.max_tokens), kept.end(),
                     [&](ItemIndex a, ItemIndex b) {
                       const std::size_t n_a = frequency[static_cast<std::size_t>(a)];
                       const std::size_t n_b = frequency[static_cast<std::size_t>(b)];
                       return n_a != n_b ? n_a > n_b : a < b;
                     });
    kept.resize(options.max_tokens);
    std::sort(kept.begin(), kept.end());
  }
  std::vector<ItemIndex> number(rows.n_items, -1);
  for (std::size_t k = 0; k < kept.size(); ++k) number[static_cast<std::size_t>(kept[k])] = static_cast<ItemIndex>(k);
  models::Interactions out;
  out.n_items = kept.size();
  for (std::size_t i = 0; i < rows.n_users(); ++i) {
    const models::InteractionRow row = rows.row(i);
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      const ItemIndex token = number[static_cast<std::size_t>(row.items[k])];
      if (token < 0) continue;
      out.items.push_back(token);
      out.weights.push_back(row.weights[k]);
    }
    out.offsets.push_back(out.items.size());
  }
  return out;
}

/// out = S * dense, S in compressed rows.
void multiply(std::span<const std::uint64_t> offsets, std::span<const std::int32_t> columns, std::span<const float> weights,
              const Matrix& dense, Matrix& out, int threads) {
  parallel_for(out.rows, kSparseBlock, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      std::fill_n(out.row(i), out.columns, 0.0F);
      for (std::size_t at = offsets[i]; at < offsets[i + 1]; ++at)
        cblas_saxpy(size(out.columns), weights[at], dense.row(static_cast<std::size_t>(columns[at])), 1, out.row(i), 1);
    }
  });
}

std::size_t count_blocks(const Matrix& m) { return (m.rows + kDenseBlock - 1) / kDenseBlock; }

/// M' M [columns, columns], the sum of the blocks' products in double precision.
std::vector<double> gram(const Matrix& m, int threads) {
  const std::size_t n = m.columns;
  std::vector<float> parts(count_blocks(m) * n * n);
  parallel_for(count_blocks(m), 1, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t b = begin; b < end; ++b) {
      const std::size_t rows = std::min(kDenseBlock, m.rows - b * kDenseBlock);
      cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, size(n), size(n), size(rows), 1, m.row(b * kDenseBlock), size(n),
                  m.row(b * kDenseBlock), size(n), 0, parts.data() + b * n * n, size(n));
    }
  });
  std::vector<double> sum(n * n, 0);
  for (std::size_t at = 0; at < parts.size(); ++at) sum[at % (n * n)] += static_cast<double>(parts[at]);
  return sum;
}

struct Eigen {
  std::vector<double> values;   ///< falling, those with energy only
  std::vector<double> vectors;  ///< row k belongs to value k; [values, n]
};

Eigen decompose(std::vector<double> symmetric, std::size_t n) {
  const blasint order = size(n);
  std::vector<double> rising(n);
  const blasint n_work = size(std::max<std::size_t>(1, 34 * n));
  std::vector<double> work(static_cast<std::size_t>(n_work));
  blasint info = 0;
  dsyev_("V", "U", &order, symmetric.data(), &order, rising.data(), work.data(), &n_work, &info);
  if (info != 0) fail(ErrorCode::kInternal, "the directions of the texts cannot be found: dsyev returned {}", info);
  Eigen out;
  for (std::size_t k = n; k-- > 0;) {
    if (!(rising[k] > kLeastEnergy * rising[n - 1]) || rising[k] <= 0) break;
    out.values.push_back(rising[k]);
    // Column-major: LAPACK's column is our row.
    const auto vector = symmetric.begin() + static_cast<std::ptrdiff_t>(k * n);
    out.vectors.insert(out.vectors.end(), vector, vector + static_cast<std::ptrdiff_t>(n));
  }
  return out;
}

/// M times the eigenvectors, the one of value k times factor(value); columns beyond `limit` are dropped.
Matrix rotate(const Matrix& m, const Eigen& eigen, std::size_t limit, const std::function<double(double)>& factor, int threads) {
  const std::size_t kept = std::min(limit, eigen.values.size());
  std::vector<float> turn(kept * m.columns);
  for (std::size_t k = 0; k < kept; ++k) {
    for (std::size_t c = 0; c < m.columns; ++c)
      turn[k * m.columns + c] = static_cast<float>(eigen.vectors[k * m.columns + c] * factor(eigen.values[k]));
  }
  Matrix out(m.rows, kept);
  if (kept == 0) return out;
  parallel_for(count_blocks(m), 1, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t b = begin; b < end; ++b) {
      const std::size_t rows = std::min(kDenseBlock, m.rows - b * kDenseBlock);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(rows), size(kept), size(m.columns), 1, m.row(b * kDenseBlock),
                  size(m.columns), turn.data(), size(m.columns), 0, out.row(b * kDenseBlock), size(kept));
    }
  });
  return out;
}

/// Columns that span what those of `m` span, at right angles: M W L^-1/2 with M'M = W L W' (SVQB: Stathopoulos and Wu, SIAM J. Sci. Comput.
/// 2002), which bears columns that depend on each other. Twice, for the digits that the first time loses.
Matrix orthonormal(Matrix m, int threads) {
  for (int pass = 0; pass < 2 && m.columns > 0; ++pass) {
    const Eigen eigen = decompose(gram(m, threads), m.columns);
    m = rotate(
        m, eigen, m.columns, [](double value) { return 1 / std::sqrt(value); }, threads);
  }
  return m;
}

void scale_rows(LsaVectors& vectors, int threads) {
  parallel_for(vectors.n_items, kSparseBlock, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      float* row = vectors.values.data() + i * vectors.rank;
      double sum = 0;
      for (std::size_t k = 0; k < vectors.rank; ++k) sum += static_cast<double>(row[k]) * static_cast<double>(row[k]);
      // A text of whose words nothing is left in the kept directions has no direction but that of rounding.
      const auto scale = static_cast<float>(sum > kLeastEnergy ? 1 / std::sqrt(sum) : 0);
      for (std::size_t k = 0; k < vectors.rank; ++k) row[k] *= scale;
    }
  });
}

}  // namespace

LsaVectors fit_lsa(const models::Interactions& all, const LsaOptions& options) {
  openblas_set_num_threads(1);  // parallelism is ours
  const int threads = options.threads;
  const models::Interactions rows = keep_tokens(all, options);
  LsaVectors out;
  out.n_items = rows.n_users();
  const std::size_t width = std::min({options.rank + options.oversampling, rows.n_users(), rows.n_items});
  if (width == 0) return out;
  const models::ItemUsers postings = models::transpose(rows);
  const auto by_item = [&](const Matrix& of_tokens) {
    Matrix of_items(rows.n_users(), of_tokens.columns);
    multiply(rows.offsets, rows.items, rows.weights, of_tokens, of_items, threads);
    return of_items;
  };
  const auto by_token = [&](const Matrix& of_items) {
    Matrix of_tokens(rows.n_items, of_items.columns);
    multiply(postings.offsets, postings.users, postings.weights, of_items, of_tokens, threads);
    return of_tokens;
  };
  Matrix basis(rows.n_items, width);
  parallel_for(rows.n_items, kSparseBlock, threads, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t t = begin; t < end; ++t) {
      Rng rng(options.seed, t);
      for (std::size_t k = 0; k < width; ++k) basis.row(t)[k] = static_cast<float>(rng.normal());
    }
  });
  for (int round = 0; round < options.power_iterations; ++round) basis = orthonormal(by_token(by_item(basis)), threads);
  Matrix items = by_item(orthonormal(by_token(orthonormal(by_item(basis), threads)), threads));
  // items = A V for some basis V of the leading right directions; turned, its columns are the left ones times their singular values.
  const Eigen eigen = decompose(gram(items, threads), items.columns);
  items = rotate(
      items, eigen, options.rank, [](double) { return 1.0; }, threads);
  out.rank = items.columns;
  out.values = std::move(items.values);
  scale_rows(out, threads);
  return out;
}

float dot(std::span<const float> a, std::span<const float> b) {
  return cblas_sdot(size(std::min(a.size(), b.size())), a.data(), 1, b.data(), 1);
}

models::OwnedNeighbours nearest_by_lsa(const LsaVectors& vectors, std::size_t k, float least, int threads) {
  openblas_set_num_threads(1);
  const std::size_t n = vectors.n_items;
  const std::size_t rank = vectors.rank;
  ListBuilder lists(n);
  parallel_for(rank > 0 ? n : 0, kQueryBlock, threads, [&](std::size_t begin, std::size_t end, int) {
    std::vector<float> cosines(kQueryBlock * kTargetBlock);
    std::vector<std::vector<ScoredItem>> found(end - begin);
    std::vector<float> floor(end - begin, least);
    for (std::size_t from = 0; from < n; from += kTargetBlock) {
      const std::size_t width = std::min(kTargetBlock, n - from);
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, size(end - begin), size(width), size(rank), 1,
                  vectors.values.data() + begin * rank, size(rank), vectors.values.data() + from * rank, size(rank), 0,
                  cosines.data(), size(width));
      for (std::size_t i = begin; i < end; ++i) {
        std::vector<ScoredItem>& list = found[i - begin];
        const float* row = cosines.data() + (i - begin) * width;
        for (std::size_t j = 0; j < width; ++j) {
          if (row[j] >= floor[i - begin] && from + j != i) list.push_back({static_cast<ItemIndex>(from + j), row[j]});
        }
        if (list.size() <= k || k == 0) continue;
        const auto last = list.begin() + static_cast<std::ptrdiff_t>(k - 1);
        std::nth_element(list.begin(), last, list.end(), better);
        list.resize(k);
        floor[i - begin] = list.back().score;
      }
    }
    for (std::size_t i = begin; i < end; ++i) {
      keep_top(found[i - begin], k);
      lists.set(i, found[i - begin]);
    }
  });
  return lists.build();
}

}  // namespace lodestone::training
