#include "models/recall/vector_kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstring>

namespace lodestone::models {
namespace {

using Vector = float __attribute__((vector_size(kVectorLanes * sizeof(float))));

/// Rows that memory is called for ahead; 2 to 8 measured alike.
constexpr std::size_t kRowsAhead = 4;
constexpr std::size_t kCodeRowsAhead = 8;

// Inlined into each of the functions below that name an instruction set, so that it is compiled for that set.
template <bool kOfDifferences>
[[gnu::always_inline]] inline float sum_terms(const float* a, const float* b, std::size_t stride) {
  Vector sums[2] = {};
  std::size_t at = 0;
  const auto step = [&](Vector & sum) __attribute__((always_inline)) {
    Vector x;
    Vector y;
    std::memcpy(&x, a + at, sizeof(x));
    std::memcpy(&y, b + at, sizeof(y));
    if constexpr (kOfDifferences) {
      const Vector d = x - y;
      sum += d * d;
    } else {
      sum += x * y;
    }
    at += kVectorLanes;
  };
  while (at + 2 * kVectorLanes <= stride) {
    step(sums[0]);
    step(sums[1]);
  }
  if (at < stride) step(sums[0]);
  const Vector total = sums[0] + sums[1];
  const auto eight = __builtin_shufflevector(total, total, 0, 1, 2, 3, 4, 5, 6, 7) +
                     __builtin_shufflevector(total, total, 8, 9, 10, 11, 12, 13, 14, 15);
  const auto four = __builtin_shufflevector(eight, eight, 0, 1, 2, 3) + __builtin_shufflevector(eight, eight, 4, 5, 6, 7);
  return (four[0] + four[2]) + (four[1] + four[3]);
}

[[gnu::always_inline]] inline float sum_squares(const float* a, const float* b, std::size_t stride) {
  return sum_terms<true>(a, b, stride);
}
/// For instruction sets without fused multiplication alone, which would round once where the others round twice.
[[gnu::always_inline]] inline float sum_products(const float* a, const float* b, std::size_t stride) {
  return sum_terms<false>(a, b, stride);
}

float dot_baseline(const float* a, const float* b, std::size_t stride) { return sum_products(a, b, stride); }

constexpr std::size_t kLine = 64;
template <typename T>
[[gnu::always_inline]] inline void call_row(const T* row, std::size_t stride) {
  for (std::size_t at = 0; at < stride; at += kLine / sizeof(T)) __builtin_prefetch(row + at);
}

[[gnu::always_inline]] inline void sum_rows(const float* query, const float* vectors, std::size_t stride,
                                            const std::int32_t* rows, std::size_t n_rows, float* out) {
  if (rows == nullptr) {
    for (std::size_t k = 0; k < n_rows; ++k) out[k] = sum_squares(query, vectors + k * stride, stride);
    return;
  }
  const auto row = [&](std::size_t k) { return vectors + static_cast<std::size_t>(rows[k]) * stride; };
  for (std::size_t k = 0; k < n_rows && k < kRowsAhead; ++k) call_row(row(k), stride);
  for (std::size_t k = 0; k < n_rows; ++k) {
    if (k + kRowsAhead < n_rows) call_row(row(k + kRowsAhead), stride);
    out[k] = sum_squares(query, row(k), stride);
  }
}

float distance_baseline(const float* a, const float* b, std::size_t stride) { return sum_squares(a, b, stride); }
void distances_baseline(const float* query, const float* vectors, std::size_t stride, const std::int32_t* rows,
                        std::size_t n_rows, float* out) {
  sum_rows(query, vectors, stride, rows, n_rows, out);
}

/// One row after the other, those ahead called for. `sum` is a function of one instruction set: GCC turns bytes to floats one by one where
/// vectors of no set in particular are converted, so these are written for each.
template <float (*sum)(const float*, const std::int8_t*, std::size_t)>
void sum_code_rows(const float* query, const std::int8_t* codes, std::size_t row_bytes, std::size_t stride,
                   const std::int32_t* rows, std::size_t n_rows, float* out) {
  const auto row = [&](std::size_t k) { return codes + static_cast<std::size_t>(rows[k]) * row_bytes; };
  for (std::size_t k = 0; k < n_rows && k < kCodeRowsAhead; ++k) call_row(row(k), stride);
  for (std::size_t k = 0; k < n_rows; ++k) {
    if (k + kCodeRowsAhead < n_rows) call_row(row(k + kCodeRowsAhead), stride);
    out[k] = sum(query, row(k), stride);
  }
}

float code_distance_baseline(const float* query, const std::int8_t* row, std::size_t stride) {
  float sums[kVectorLanes] = {};
  for (std::size_t at = 0; at < stride; at += kVectorLanes) {
    for (std::size_t i = 0; i < kVectorLanes; ++i) {
      const float d = query[at + i] - static_cast<float>(row[at + i]);
      sums[i] += d * d;
    }
  }
  float total = 0;
  for (const float sum : sums) total += sum;
  return total;
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] float code_distance_avx2(const float* query, const std::int8_t* row, std::size_t stride) {
  __m256 low = _mm256_setzero_ps();
  __m256 high = _mm256_setzero_ps();
  for (std::size_t at = 0; at < stride; at += kVectorLanes) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row + at));
    const __m256 a = _mm256_sub_ps(_mm256_loadu_ps(query + at), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)));
    const __m256 b =
        _mm256_sub_ps(_mm256_loadu_ps(query + at + 8), _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(codes, 8))));
    low = _mm256_fmadd_ps(a, a, low);
    high = _mm256_fmadd_ps(b, b, high);
  }
  float sums[8];
  _mm256_storeu_ps(sums, _mm256_add_ps(low, high));
  return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

[[gnu::target("avx2")]] float dot_avx2(const float* a, const float* b, std::size_t stride) { return sum_products(a, b, stride); }

[[gnu::target("avx2,fma")]] float distance_avx2(const float* a, const float* b, std::size_t stride) {
  return sum_squares(a, b, stride);
}
[[gnu::target("avx2,fma")]] void distances_avx2(const float* query, const float* vectors, std::size_t stride,
                                                const std::int32_t* rows, std::size_t n_rows, float* out) {
  sum_rows(query, vectors, stride, rows, n_rows, out);
}
[[gnu::target("avx512f,avx512dq,avx512vl,avx2,fma")]] float distance_avx512(const float* a, const float* b, std::size_t stride) {
  return sum_squares(a, b, stride);
}
[[gnu::target("avx512f,avx512dq,avx512vl,avx2,fma")]] void distances_avx512(const float* query, const float* vectors,
                                                                            std::size_t stride, const std::int32_t* rows,
                                                                            std::size_t n_rows, float* out) {
  sum_rows(query, vectors, stride, rows, n_rows, out);
}
#endif

}  // namespace

DotProduct find_dot_product() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0) return dot_avx2;
#endif
  return dot_baseline;
}

VectorKernels find_vector_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0)
    return {distance_avx512, distances_avx512, sum_code_rows<code_distance_avx2>};
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0)
    return {distance_avx2, distances_avx2, sum_code_rows<code_distance_avx2>};
#endif
  return {distance_baseline, distances_baseline, sum_code_rows<code_distance_baseline>};
}

}  // namespace lodestone::models
