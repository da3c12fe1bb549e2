#include "models/recall/vector_columns.hpp"

#include <cmath>

#include "base/error.hpp"

namespace lodestone::models {
namespace {

using Vector = float __attribute__((vector_size(kLatentLanes * sizeof(float)), aligned(alignof(float)), may_alias));

/// Inlined into each of the functions below that name an instruction set, so that it is compiled for that set.
template <std::size_t kVectors>
[[gnu::always_inline]] inline void multiply_by(const float* columns, std::size_t dimension, const float* by, float* out) {
  Vector even[kVectors] = {};  // two sums: an addition need not wait for the one before it
  Vector odd[kVectors] = {};
  const auto* row = reinterpret_cast<const Vector*>(columns);
  constexpr std::size_t kStep = VectorColumns::kMost / kLatentLanes;
  std::size_t i = 0;
  for (; i + 1 < dimension; i += 2, row += 2 * kStep) {
    for (std::size_t v = 0; v < kVectors; ++v) even[v] += row[v] * by[i];
    for (std::size_t v = 0; v < kVectors; ++v) odd[v] += row[kStep + v] * by[i + 1];
  }
  if (i < dimension) {
    for (std::size_t v = 0; v < kVectors; ++v) even[v] += row[v] * by[i];
  }
  for (std::size_t v = 0; v < kVectors; ++v) reinterpret_cast<Vector*>(out)[v] = even[v] + odd[v];
}

[[gnu::always_inline]] inline void multiply_some(const float* columns, std::size_t dimension, std::size_t n, const float* by,
                                                 float* out) {
  n > kLatentLanes ? multiply_by<2>(columns, dimension, by, out) : multiply_by<1>(columns, dimension, by, out);
}

using Multiply = void (*)(const float*, std::size_t, std::size_t, const float*, float*);

void multiply_baseline(const float* columns, std::size_t dimension, std::size_t n, const float* by, float* out) {
  multiply_some(columns, dimension, n, by, out);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void multiply_avx2(const float* columns, std::size_t dimension, std::size_t n, const float* by,
                                               float* out) {
  multiply_some(columns, dimension, n, by, out);
}
[[gnu::target("avx512f,avx512dq,avx512vl,avx2,fma")]] void multiply_avx512(const float* columns, std::size_t dimension,
                                                                           std::size_t n, const float* by, float* out) {
  multiply_some(columns, dimension, n, by, out);
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

void VectorColumns::multiply(std::span<const float> vector, Products& out) const {
  static const Multiply found = find_multiply();
  if (n_ > 0) found(columns_->row(0), dimension_, n_, vector.data(), out.data());
}

}  // namespace lodestone::models
