#include "models/recall/vector_columns.hpp"

#include <cmath>

#include "base/error.hpp"

namespace lodestone::models {
namespace {

using Vector = float __attribute__((vector_size(kLatentLanes * sizeof(float)), aligned(alignof(float)), may_alias));

/// Inlined into each of the functions below that name an instruction set, so that it is compiled for that set.
template <std::size_t kVectors, std::size_t kTogether>
[[gnu::always_inline]] inline void multiply_by(const float* columns, std::size_t dimension, const float* const* by,
                                               VectorColumns::Products* out) {
  Vector even[kTogether][kVectors] = {};  // two sums: an addition need not wait for the one before it
  Vector odd[kTogether][kVectors] = {};
  const auto* row = reinterpret_cast<const Vector*>(columns);
  constexpr std::size_t kStep = VectorColumns::kMost / kLatentLanes;
  std::size_t i = 0;
  for (; i + 1 < dimension; i += 2, row += 2 * kStep) {
    for (std::size_t b = 0; b < kTogether; ++b) {
      for (std::size_t v = 0; v < kVectors; ++v) even[b][v] += row[v] * by[b][i];
      for (std::size_t v = 0; v < kVectors; ++v) odd[b][v] += row[kStep + v] * by[b][i + 1];
    }
  }
  for (std::size_t b = 0; b < kTogether; ++b) {
    if (i < dimension) {
      for (std::size_t v = 0; v < kVectors; ++v) even[b][v] += row[v] * by[b][i];
    }
    for (std::size_t v = 0; v < kVectors; ++v) reinterpret_cast<Vector*>(out[b].data())[v] = even[b][v] + odd[b][v];
  }
}

/// `n` columns by `n_by` vectors, as many together as the registers hold.
template <std::size_t kTogether>
[[gnu::always_inline]] inline void multiply_some(const float* columns, std::size_t dimension, std::size_t n,
                                                 const float* const* by, std::size_t n_by, VectorColumns::Products* out) {
  std::size_t b = 0;
  for (; b + kTogether <= n_by; b += kTogether) {
    n > kLatentLanes ? multiply_by<2, kTogether>(columns, dimension, by + b, out + b)
                     : multiply_by<1, kTogether>(columns, dimension, by + b, out + b);
  }
  for (; b < n_by; ++b) {
    n > kLatentLanes ? multiply_by<2, 1>(columns, dimension, by + b, out + b)
                     : multiply_by<1, 1>(columns, dimension, by + b, out + b);
  }
}

using Multiply = void (*)(const float*, std::size_t, std::size_t, const float* const*, std::size_t, VectorColumns::Products*);

void multiply_baseline(const float* columns, std::size_t dimension, std::size_t n, const float* const* by, std::size_t n_by,
                       VectorColumns::Products* out) {
  multiply_some<1>(columns, dimension, n, by, n_by, out);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void multiply_avx2(const float* columns, std::size_t dimension, std::size_t n, const float* const* by,
                                               std::size_t n_by, VectorColumns::Products* out) {
  multiply_some<1>(columns, dimension, n, by, n_by, out);
}
[[gnu::target("avx512f,avx512dq,avx512vl,avx2,fma")]] void multiply_avx512(const float* columns, std::size_t dimension,
                                                                           std::size_t n, const float* const* by,
                                                                           std::size_t n_by, VectorColumns::Products* out) {
  multiply_some<4>(columns, dimension, n, by, n_by, out);
}
#endif

Multiply find_multiply() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0)
    return multiply_avx512;
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return multiply_avx2;
#endif
  return multiply_baseline;
}

}  // namespace

void VectorColumns::begin(std::size_t dimension) {
  n_ = 0;
  if (dimension == dimension_) return;  // what lies there is written over, or never read
  columns_ = std::make_unique<PaddedRows>(dimension, kMost);
  dimension_ = dimension;
}

bool VectorColumns::add(std::span<const float> vector) {
  LODESTONE_ASSERT(n_ < kMost && vector.size() == dimension_, "{} vectors, one more of {}", n_, vector.size());
  float square = 0;
  for (const float x : vector) square += x * x;
  if (!(square > 0)) return false;
  const float length = std::sqrt(square);
  for (std::size_t i = 0; i < dimension_; ++i) columns_->row(i)[n_] = vector[i] / length;
  ++n_;
  return true;
}

void VectorColumns::multiply(std::span<const float* const> vectors, std::span<Products> out) const {
  static const Multiply found = find_multiply();
  LODESTONE_ASSERT(vectors.size() == out.size(), "{} vectors and room for {}", vectors.size(), out.size());
  if (n_ > 0) found(columns_->row(0), dimension_, n_, vectors.data(), vectors.size(), out.data());
}

}  // namespace lodestone::models
