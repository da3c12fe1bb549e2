#include "models/recall/latent_kernels.hpp"

#include <algorithm>

namespace lodestone::models {
namespace {

/// Rows of a mapped file and of a vector begin anywhere, so no more than the alignment of a float is promised.
using Vector = float __attribute__((vector_size(kLatentLanes * sizeof(float)), aligned(alignof(float)), may_alias));

// Inlined into each of the functions below that name an instruction set, so that it is compiled for that set.
#define LODESTONE_INLINE [[gnu::always_inline]] inline

constexpr std::size_t kGroup = 4;        // rows whose sums over lanes are taken together
constexpr std::size_t kAhead = 2;        // groups that are fetched before they are used
constexpr std::size_t kLineFloats = 16;  // of a cache line

/// One row as vectors, `N` of them or, when N is 0, as many as are said at run time.
LODESTONE_INLINE const Vector* vectors(const float* row) { return reinterpret_cast<const Vector*>(row); }

LODESTONE_INLINE void fetch(const float* row, std::size_t stride) {
  for (std::size_t at = 0; at < stride; at += kLineFloats) __builtin_prefetch(row + at);
}

/// The sum over the lanes of each of four vectors, in `sums`.
LODESTONE_INLINE void sum_lanes(const Vector (&v)[kGroup], float (&sums)[kGroup]) {
  const Vector a = __builtin_shufflevector(v[0], v[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
                   __builtin_shufflevector(v[0], v[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  const Vector b = __builtin_shufflevector(v[2], v[3], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
                   __builtin_shufflevector(v[2], v[3], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  Vector c = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
             __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
  c += __builtin_shufflevector(c, c, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
  c += __builtin_shufflevector(c, c, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  for (std::size_t j = 0; j < kGroup; ++j) sums[j] = c[4 * j];
}

/// add_meetings for rows of `n` vectors; a constant `n` keeps p and out in registers.
LODESTONE_INLINE void add_rows(const Meetings& m, std::size_t n, float t, const float* p_row, float* out_row) {
  const Vector* p = vectors(p_row);
  auto* out = reinterpret_cast<Vector*>(out_row);
  const std::size_t count = m.at.size();
  const auto row_of = [&](std::size_t k) { return m.rows + static_cast<std::size_t>(m.at[k]) * m.stride; };
  for (std::size_t k = 0; k < count; k += kGroup) {
    const Vector* y[kGroup];
    float w[kGroup];
    float targets[kGroup];
    for (std::size_t j = 0; j < kGroup; ++j) {
      // Past the end the last row stands in, with nothing to add.
      const bool within = k + j < count;
      y[j] = vectors(row_of(within ? k + j : count - 1));
      w[j] = within ? m.weights[k + j] : 0;
      targets[j] = within ? t : 0;
      if (k + j + kAhead * kGroup < count) fetch(row_of(k + j + kAhead * kGroup), n * kLatentLanes);
    }
    Vector products[kGroup] = {};
    for (std::size_t v = 0; v < n; ++v) {
      for (std::size_t j = 0; j < kGroup; ++j) products[j] += y[j][v] * p[v];
    }
    float c[kGroup];
    sum_lanes(products, c);
    for (std::size_t j = 0; j < kGroup; ++j) c[j] = targets[j] + w[j] * (targets[j] - c[j]);
    for (std::size_t v = 0; v < n; ++v) out[v] += (y[0][v] * c[0] + y[1][v] * c[1]) + (y[2][v] * c[2] + y[3][v] * c[3]);
  }
}

LODESTONE_INLINE void add_any(const Meetings& m, float t, const float* p, float* out) {
  switch (const std::size_t n = m.stride / kLatentLanes; n) {
    case 1: return add_rows(m, 1, t, p, out);
    case 2: return add_rows(m, 2, t, p, out);
    case 4: return add_rows(m, 4, t, p, out);
    case 6: return add_rows(m, 6, t, p, out);
    case 8: return add_rows(m, 8, t, p, out);
    case 12: return add_rows(m, 12, t, p, out);
    case 16: return add_rows(m, 16, t, p, out);
    default: return add_rows(m, n, t, p, out);
  }
}

LODESTONE_INLINE void subtract_rows(const float* matrix, std::size_t n, std::size_t stride, const float* p, float* out_row) {
  auto* out = reinterpret_cast<Vector*>(out_row);
  for (std::size_t i = 0; i < n; ++i) {
    const Vector* row = vectors(matrix + i * stride);
    for (std::size_t v = 0; v < stride / kLatentLanes; ++v) out[v] -= row[v] * p[i];
  }
}

LODESTONE_INLINE float dot_rows(const float* a, const float* b, std::size_t stride) {
  Vector sums = {};
  for (std::size_t v = 0; v < stride / kLatentLanes; ++v) sums += vectors(a)[v] * vectors(b)[v];
  float sum = 0;
  for (std::size_t l = 0; l < kLatentLanes; ++l) sum += sums[l];
  return sum;
}

struct Kernels {
  void (*add)(const Meetings&, float, const float*, float*);
  void (*subtract)(const float*, std::size_t, std::size_t, const float*, float*);
  float (*dot)(const float*, const float*, std::size_t);
};

void add_baseline(const Meetings& m, float t, const float* p, float* out) { add_any(m, t, p, out); }
void subtract_baseline(const float* matrix, std::size_t n, std::size_t stride, const float* p, float* out) {
  subtract_rows(matrix, n, stride, p, out);
}
float dot_baseline(const float* a, const float* b, std::size_t stride) { return dot_rows(a, b, stride); }

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void add_avx2(const Meetings& m, float t, const float* p, float* out) { add_any(m, t, p, out); }
[[gnu::target("avx2,fma")]] void subtract_avx2(const float* matrix, std::size_t n, std::size_t stride, const float* p,
                                               float* out) {
  subtract_rows(matrix, n, stride, p, out);
}
[[gnu::target("avx2,fma")]] float dot_avx2(const float* a, const float* b, std::size_t stride) { return dot_rows(a, b, stride); }
[[gnu::target("avx512f,avx512dq,avx512vl,avx2,fma")]] void add_avx512(const Meetings& m, float t, const float* p, float* out) {
  add_any(m, t, p, out);
}
[[gnu::target("avx512f,avx512dq,avx512vl,avx2,fma")]] void subtract_avx512(const float* matrix, std::size_t n, std::size_t stride,
                                                                           const float* p, float* out) {
  subtract_rows(matrix, n, stride, p, out);
}
[[gnu::target("avx512f,avx512dq,avx512vl,avx2,fma")]] float dot_avx512(const float* a, const float* b, std::size_t stride) {
  return dot_rows(a, b, stride);
}
#endif

Kernels find_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0)
    return {add_avx512, subtract_avx512, dot_avx512};
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return {add_avx2, subtract_avx2, dot_avx2};
#endif
  return {add_baseline, subtract_baseline, dot_baseline};
}

const Kernels& kernels() {
  static const Kernels found = find_kernels();
  return found;
}

}  // namespace

PaddedRows::PaddedRows(std::size_t n_rows, std::size_t columns)
    : n_rows_(n_rows), stride_((columns + kLatentLanes - 1) / kLatentLanes * kLatentLanes) {
  data_.reset(new (std::align_val_t{64}) float[std::max<std::size_t>(1, n_rows_ * stride_)]());
}

void add_meetings(const Meetings& meetings, float t, const float* p, float* out) { kernels().add(meetings, t, p, out); }

void subtract_product(const float* matrix, std::size_t n, std::size_t stride, const float* p, float* out) {
  kernels().subtract(matrix, n, stride, p, out);
}

float dot(const float* a, const float* b, std::size_t stride) { return kernels().dot(a, b, stride); }

}  // namespace lodestone::models
