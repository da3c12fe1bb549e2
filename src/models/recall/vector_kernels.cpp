#include "models/recall/vector_kernels.hpp"

#include <cstring>

namespace lodestone::models {
namespace {

using Vector = float __attribute__((vector_size(kVectorLanes * sizeof(float))));

// Inlined into each of the functions below that name an instruction set, so that it is compiled for that set.
[[gnu::always_inline]] inline float sum_squares(const float* a, const float* b, std::size_t stride) {
  Vector sums[2] = {};
  std::size_t at = 0;
  const auto step = [&](Vector & sum) __attribute__((always_inline)) {
    Vector x;
    Vector y;
    std::memcpy(&x, a + at, sizeof(x));
    std::memcpy(&y, b + at, sizeof(y));
    const Vector d = x - y;
    sum += d * d;
    at += kVectorLanes;
  };
  while (at + 2 * kVectorLanes <= stride) {
    step(sums[0]);
    step(sums[1]);
  }
  if (at < stride) step(sums[0]);
  const Vector total = sums[0] + sums[1];
  float parts[kVectorLanes];
  std::memcpy(parts, &total, sizeof(parts));
  for (std::size_t width = kVectorLanes / 2; width > 0; width /= 2) {
    for (std::size_t i = 0; i < width; ++i) parts[i] += parts[i + width];
  }
  return parts[0];
}

float distance_baseline(const float* a, const float* b, std::size_t stride) { return sum_squares(a, b, stride); }

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] float distance_avx2(const float* a, const float* b, std::size_t stride) {
  return sum_squares(a, b, stride);
}
[[gnu::target("avx512f,avx512dq,avx512vl,avx2,fma")]] float distance_avx512(const float* a, const float* b, std::size_t stride) {
  return sum_squares(a, b, stride);
}
#endif

}  // namespace

SquaredDistance find_squared_distance() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0)
    return distance_avx512;
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return distance_avx2;
#endif
  return distance_baseline;
}

}  // namespace lodestone::models
