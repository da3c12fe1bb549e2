#include "training/als.hpp"

#include <cblas.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "base/thread_pool.hpp"
#include "models/recall/latent_kernels.hpp"
#include "models/recall/latent_vectors.hpp"
#include "training/als_exact.hpp"

namespace lodestone::training {
namespace {

using models::activity_scale;
using models::confidence;
using models::dot;
using models::Meetings;
using models::PaddedRows;
using models::row_ridge;

/// Rows whose products with the Gram matrix are one call of BLAS; more would push their meetings out of the cache between two
/// steps.
constexpr std::size_t kBlock = 32;
constexpr std::size_t kGramParts = 64;    // at most, whose sums are added in order
constexpr std::size_t kGramRows = 2'048;  // of a part, at least
constexpr std::size_t kMostFactors = 2'048;
constexpr double kFirstLength = 0.1;  // of the items' first vectors, as in the second paper

blasint size(std::size_t n) { return static_cast<blasint>(n); }

void check(const AlsOptions& o) {
  if (o.factors < 1 || o.factors > kMostFactors)
    fail(ErrorCode::kInvalidArgument, "factors is {}, expected 1 to {}", o.factors, kMostFactors);
  if (!(o.regularization > 0) || !std::isfinite(o.regularization))
    fail(ErrorCode::kInvalidArgument, "regularization is {}, expected a number above 0", o.regularization);
  if (!(o.exponent >= 0 && o.exponent <= 1)) fail(ErrorCode::kInvalidArgument, "exponent is {}, expected 0 to 1", o.exponent);
  if (!(o.user_exponent >= 0 && o.user_exponent <= 1))
    fail(ErrorCode::kInvalidArgument, "user_exponent is {}, expected 0 to 1", o.user_exponent);
  if (!(o.alpha >= 0) || !std::isfinite(o.alpha))
    fail(ErrorCode::kInvalidArgument, "alpha is {}, expected a number from 0", o.alpha);
  if (o.iterations < 1) fail(ErrorCode::kInvalidArgument, "iterations is {}, expected at least 1", o.iterations);
  if (o.cg_steps < 1) fail(ErrorCode::kInvalidArgument, "cg_steps is {}, expected at least 1", o.cg_steps);
}

/// The upper median of what is above 0; 1 when nothing is.
double median_of_positive(std::vector<std::size_t> counts) {
  std::erase(counts, 0U);
  if (counts.empty()) return 1;
  const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
  std::nth_element(counts.begin(), middle, counts.end());
  return static_cast<double>(*middle);
}

/// What happened, with confidence beyond 1 in place of weights, before users are scaled.
models::Interactions observed(const models::Interactions& x, double alpha) {
  models::Interactions out;
  out.n_items = x.n_items;
  for (std::size_t u = 0; u < x.n_users(); ++u) {
    const models::InteractionRow row = x.row(u);
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      const float c = confidence(row.weights[k], alpha);
      if (row.weights[k] == 0) continue;
      out.items.push_back(row.items[k]);
      out.weights.push_back(c);
    }
    out.offsets.push_back(out.items.size());
  }
  return out;
}

/// Rows that meet rows of the other side, with the confidence beyond 1 of each meeting.
struct Side {
  std::vector<std::uint64_t> offsets;
  std::vector<std::int32_t> others;
  std::vector<float> confidences;
  std::vector<float> ridge;  ///< lambda of each row
  double mean_frequency = 1;

  [[nodiscard]] std::size_t n() const { return ridge.size(); }
  [[nodiscard]] Meetings row(std::size_t r, const PaddedRows& factors) const {
    const std::size_t begin = offsets[r];
    const std::size_t count = offsets[r + 1] - begin;
    return {factors.row(0), factors.stride(), std::span(others).subspan(begin, count),
            std::span(confidences).subspan(begin, count)};
  }
};

void set_ridge(Side& side, std::size_t n_others, const AlsOptions& options) {
  const std::size_t n = side.offsets.size() - 1;
  std::vector<double> frequency(n, static_cast<double>(n_others));
  double sum = 0;
  for (std::size_t r = 0; r < n; ++r) {
    for (std::size_t at = side.offsets[r]; at < side.offsets[r + 1]; ++at)
      frequency[r] += static_cast<double>(side.confidences[at]);
    sum += frequency[r];
  }
  if (sum > 0) side.mean_frequency = sum / static_cast<double>(n);
  side.ridge.resize(n);
  for (std::size_t r = 0; r < n; ++r) {
    side.ridge[r] = static_cast<float>(row_ridge(frequency[r], side.mean_frequency, options.regularization, options.exponent));
  }
}

/// Per thread, for one block of rows: residuals, directions and what the matrix makes of them, and a matrix for the exact solver.
struct Scratch {
  explicit Scratch(std::size_t factors)
      : residual(kBlock, factors), direction(kBlock, factors), product(kBlock, factors), norm(kBlock, 0) {}
  PaddedRows residual;
  PaddedRows direction;
  PaddedRows product;
  std::vector<float> norm;
  std::vector<float> matrix;
  std::vector<float> rows;
};

/// a += s b over rows that are padded.
void add_scaled(float* a, float s, const float* b, std::size_t stride) {
  for (std::size_t i = 0; i < stride; ++i) a[i] += s * b[i];
}

}  // namespace

/// One fit: both sides, their factors and the sweeps.
class AlsFit {
 public:
  AlsFit(const models::Interactions& x, const AlsOptions& options)
      : options_(options), n_threads_(options.threads > 0 ? options.threads : usable_cores()) {
    models::Interactions met = observed(x, options.alpha);
    std::vector<std::size_t> counts(met.n_users());
    for (std::size_t u = 0; u < counts.size(); ++u) counts[u] = met.row(u).items.size();
    median_user_items_ = median_of_positive(counts);
    for (std::size_t u = 0; u < counts.size(); ++u) {
      for (std::size_t at = met.offsets[u]; at < met.offsets[u + 1]; ++at)
        met.weights[at] *= activity_scale(counts[u], median_user_items_, options.user_exponent);
    }
    models::ItemUsers by_item = models::transpose(met);
    items_ = {std::move(by_item.offsets), std::move(by_item.users), std::move(by_item.weights), {}, 1};
    users_ = {std::move(met.offsets), std::move(met.items), std::move(met.weights), {}, 1};
    set_ridge(users_, x.n_items, options);
    set_ridge(items_, x.n_users(), options);
    user_factors_.emplace(users_.n(), options.factors);
    item_factors_.emplace(items_.n(), options.factors);
    for (int t = 0; t < n_threads_; ++t) scratch_.emplace_back(options.factors);
    start_items();
  }

  AlsModel run() {
    for (int done = 1; done <= options_.iterations; ++done) {
      sweep(users_, *item_factors_, *user_factors_);
      sweep(items_, *user_factors_, *item_factors_);
      if (options_.progress) options_.progress(done);
    }
    return model();
  }

 private:
  /// Each item has its own stream, so that neither threads nor other items change its first vector.
  void start_items() {
    const double scale = kFirstLength / std::sqrt(static_cast<double>(options_.factors));
    parallel_for(items_.n(), kBlock, n_threads_, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) {
        if (items_.offsets[i] == items_.offsets[i + 1]) continue;
        Rng rng(options_.seed, i);
        for (std::size_t j = 0; j < options_.factors; ++j) item_factors_->row(i)[j] = static_cast<float>(scale * rng.normal());
      }
    });
  }

  /// F'F over padded rows, [stride, stride] and whole: parts of fixed rows, added in order.
  [[nodiscard]] std::vector<float> gram(const PaddedRows& factors) const {
    const std::size_t s = factors.stride();
    const std::size_t rows = std::max(kGramRows, (factors.n_rows() + kGramParts - 1) / kGramParts);
    const std::size_t n_parts = (factors.n_rows() + rows - 1) / rows;
    std::vector<std::vector<float>> parts(n_parts);
    parallel_for(n_parts, 1, n_threads_, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t part = begin; part < end; ++part) {
        parts[part].assign(s * s, 0);
        const std::size_t count = std::min(rows, factors.n_rows() - part * rows);
        cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, size(s), size(count), 1, factors.row(part * rows), size(s), 0,
                    parts[part].data(), size(s));
      }
    });
    std::vector<float> sum(s * s, 0);
    for (const std::vector<float>& part : parts) {
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
    }
    for (std::size_t i = 0; i < s; ++i) {
      for (std::size_t j = 0; j < i; ++j) sum[i * s + j] = sum[j * s + i];
    }
    return sum;
  }

  void sweep(const Side& side, const PaddedRows& others, PaddedRows& own) {
    const std::vector<float> g = gram(others);
    const bool exact = options_.solver == AlsSolver::kCholesky;
    parallel_for(side.n(), kBlock, n_threads_, [&](std::size_t begin, std::size_t end, int thread) {
      Scratch& scratch = scratch_[static_cast<std::size_t>(thread)];
      if (exact) {
        for (std::size_t r = begin; r < end; ++r) solve_row(side, r, others, g, own.row(r), scratch);
      } else {
        descend(side, begin, end, others, g, own, scratch);
      }
    });
  }

  void solve_row(const Side& side, std::size_t r, const PaddedRows& others, const std::vector<float>& g, float* out,
                 Scratch& scratch) const {
    const Meetings met = side.row(r, others);
    if (met.at.empty()) return;
    const std::size_t f = options_.factors;
    const std::size_t stride = others.stride();
    scratch.matrix.resize(f * f);
    for (std::size_t i = 0; i < f; ++i) {
      std::copy_n(g.data() + i * stride, f, scratch.matrix.data() + i * f);
      scratch.matrix[i * f + i] += side.ridge[r];
    }
    solve_observed({others.row(0), stride}, met.at, met.weights, scratch.matrix, scratch.rows, std::span(out, f));
  }

  /// to[k] = -(F'F + lambda) from[k] for the rows [begin, end) and, of their meetings, what add_meetings adds.
  void apply(const Side& side, std::size_t begin, std::size_t end, const PaddedRows& others, const std::vector<float>& g, float t,
             const float* from, PaddedRows& to) const {
    const std::size_t stride = others.stride();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size(end - begin), size(stride), size(stride), -1, from, size(stride),
                g.data(), size(stride), 0, to.row(0), size(stride));
    for (std::size_t k = 0; k < end - begin; ++k) {
      const float* p = from + k * stride;
      add_scaled(to.row(k), -side.ridge[begin + k], p, stride);
      add_meetings(side.row(begin + k, others), t, p, to.row(k));
    }
  }

  /// A few steps of conjugate gradients for the rows [begin, end), from where they stand.
  void descend(const Side& side, std::size_t begin, std::size_t end, const PaddedRows& others, const std::vector<float>& g,
               PaddedRows& own, Scratch& s) const {
    const std::size_t stride = others.stride();
    const std::size_t n = end - begin;
    apply(side, begin, end, others, g, 1, own.row(begin), s.residual);
    for (std::size_t k = 0; k < n; ++k) {
      std::copy_n(s.residual.row(k), stride, s.direction.row(k));
      s.norm[k] = dot(s.residual.row(k), s.residual.row(k), stride);
    }
    for (int step = 1; step <= options_.cg_steps; ++step) {
      apply(side, begin, end, others, g, 0, s.direction.row(0), s.product);
      for (std::size_t k = 0; k < n; ++k) {
        const float curvature = -dot(s.direction.row(k), s.product.row(k), stride);
        // A row that is solved, or that nobody met, stays.
        if (!(curvature > 0 && s.norm[k] > 0)) continue;
        const float length = s.norm[k] / curvature;
        add_scaled(own.row(begin + k), length, s.direction.row(k), stride);
        if (step == options_.cg_steps) continue;
        add_scaled(s.residual.row(k), length, s.product.row(k), stride);
        const float norm = dot(s.residual.row(k), s.residual.row(k), stride);
        const float share = norm / s.norm[k];
        float* direction = s.direction.row(k);
        for (std::size_t i = 0; i < stride; ++i) direction[i] = s.residual.row(k)[i] + share * direction[i];
        s.norm[k] = norm;
      }
    }
  }

  [[nodiscard]] std::vector<float> compact(const PaddedRows& rows) const {
    std::vector<float> out(rows.n_rows() * options_.factors);
    for (std::size_t r = 0; r < rows.n_rows(); ++r)
      std::copy_n(rows.row(r), options_.factors, out.begin() + static_cast<std::ptrdiff_t>(r * options_.factors));
    return out;
  }

  [[nodiscard]] AlsModel model() const {
    AlsModel out;
    out.n_items_ = items_.n();
    out.n_factors_ = options_.factors;
    out.item_factors_ = compact(*item_factors_);
    if (options_.keep_users) out.user_factors_ = compact(*user_factors_);
    const std::vector<float> g = gram(*item_factors_);
    const std::size_t f = options_.factors;
    out.gram_.resize(f * f);
    for (std::size_t i = 0; i < f; ++i) std::copy_n(g.data() + i * item_factors_->stride(), f, out.gram_.data() + i * f);
    out.fold_in_ = {options_.alpha,         options_.regularization, options_.exponent,
                    options_.user_exponent, users_.mean_frequency,   median_user_items_};
    return out;
  }

  const AlsOptions& options_;
  int n_threads_;
  double median_user_items_ = 1;
  Side users_;
  Side items_;
  std::optional<PaddedRows> user_factors_;
  std::optional<PaddedRows> item_factors_;
  std::vector<Scratch> scratch_;
};

std::vector<float> AlsModel::fold_in(std::span<const ItemIndex> history, std::span<const float> weights) const {
  const std::size_t f = n_factors_;
  std::vector<float> out(f, 0);
  thread_local models::ObservedHistory observed;
  thread_local std::vector<float> matrix;
  thread_local std::vector<float> scaled;
  for (const float weight : weights) (void)confidence(weight, fold_in_.alpha);
  observed.read(history, weights, n_items_, fold_in_);
  if (observed.items.empty()) return out;
  matrix.assign(gram_.begin(), gram_.end());
  for (std::size_t i = 0; i < f; ++i) matrix[i * f + i] += observed.ridge;
  solve_observed({item_factors_.data(), f}, observed.items, observed.confidences, matrix, scaled, out);
  return out;
}

void AlsModel::add_scores(std::span<const float> user, std::span<float> scores) const {
  if (n_items_ == 0) return;
  const blasint f = size(n_factors_);
  cblas_sgemv(CblasRowMajor, CblasNoTrans, size(n_items_), f, 1, item_factors_.data(), f, user.data(), 1, 1, scores.data(), 1);
}

AlsModel fit_als(const models::Interactions& interactions, const AlsOptions& options) {
  check(options);
  // Parallelism is ours: each call of BLAS runs on the thread that makes it.
  openblas_set_num_threads(1);
  return AlsFit(interactions, options).run();
}

}  // namespace lodestone::training
