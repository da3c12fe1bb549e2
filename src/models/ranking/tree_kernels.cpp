#include "models/ranking/tree_kernels.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "models/ranking/tree_ensemble.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lodestone::models {
namespace {

constexpr float kBeyondInt = 2147483648.0F;

float column_value(const TreeColumn& column, float x) {
  if (column.categorical) return x > -1 && x < kBeyondInt ? std::trunc(x) : -1;
  if (std::fabs(x) <= kTreeZero) x = 0;
  const bool missing = std::isnan(x) || (column.zero_is_missing && x == 0);
  return missing ? column.fill : x;
}

template <typename Mask>
bool goes_right(const TreeTables<Mask>& tables, const TreeCategoryCut<Mask>& cut, float category) {
  if (category < 0) return true;
  const auto number = static_cast<std::uint32_t>(category);
  const std::uint32_t word = number / 32;
  return word >= cut.n_words || ((tables.category_words[cut.words_begin + word] >> (number % 32)) & 1U) == 0;
}

template <typename Mask>
void load_scalar(const TreeTables<Mask>& tables, std::span<const std::uint32_t> active, const float* rows, std::size_t /*stride*/,
                 std::size_t /*n_rows*/, float* values) {
  for (const std::uint32_t c : active) values[c] = column_value(tables.columns[c], rows[tables.columns[c].feature]);
}

template <typename Mask>
void cut_scalar(const TreeTables<Mask>& tables, std::span<const std::uint32_t> active, const float* values, Mask* open) {
  for (const std::uint32_t c : active) {
    const TreeColumn& column = tables.columns[c];
    const float value = values[c];
    if (column.categorical) {
      for (std::uint32_t i = column.cuts_begin; i < column.cuts_end; ++i) {
        const TreeCategoryCut<Mask>& cut = tables.category_cuts[i];
        if (goes_right(tables, cut, value)) open[cut.tree] &= ~cut.closed;
      }
      continue;
    }
    for (std::uint32_t i = column.cuts_begin; i < column.cuts_end; ++i) {
      const TreeCut<Mask>& cut = tables.cuts[i];
      if (!(value > cut.threshold)) break;
      open[cut.tree] &= ~cut.closed;
    }
  }
}

#if defined(__x86_64__)

// ---- AVX2: 8 rows --------------------------------------------------------------------------------------------------------------------

template <typename Mask>
[[gnu::target("avx2")]] void load_avx2(const TreeTables<Mask>& tables, std::span<const std::uint32_t> active, const float* rows,
                                       std::size_t stride, std::size_t n_rows, float* values) {
  alignas(32) std::int32_t offsets[8];
  for (std::size_t lane = 0; lane < 8; ++lane)
    offsets[lane] = static_cast<std::int32_t>((lane < n_rows ? lane : n_rows - 1) * stride);
  const __m256i at = _mm256_load_si256(reinterpret_cast<const __m256i*>(offsets));
  const __m256 zero = _mm256_setzero_ps();
  const __m256 size = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  for (const std::uint32_t c : active) {
    const TreeColumn& column = tables.columns[c];
    __m256 x = _mm256_i32gather_ps(rows + column.feature, at, 4);
    if (column.categorical) {
      const __m256 is_one = _mm256_and_ps(_mm256_cmp_ps(x, _mm256_set1_ps(-1), _CMP_GT_OQ),
                                          _mm256_cmp_ps(x, _mm256_set1_ps(kBeyondInt), _CMP_LT_OQ));
      x = _mm256_blendv_ps(_mm256_set1_ps(-1), _mm256_round_ps(x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC), is_one);
    } else {
      const __m256 is_zero = _mm256_cmp_ps(_mm256_and_ps(x, size), _mm256_set1_ps(kTreeZero), _CMP_LE_OQ);
      x = _mm256_andnot_ps(is_zero, x);
      __m256 missing = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);
      if (column.zero_is_missing) missing = _mm256_or_ps(missing, _mm256_cmp_ps(x, zero, _CMP_EQ_OQ));
      x = _mm256_blendv_ps(x, _mm256_set1_ps(column.fill), missing);
    }
    _mm256_store_ps(values + std::size_t{c} * 8, x);
  }
}

/// Closes leaves of one tree in the lanes that are all ones.
template <typename Mask>
[[gnu::target("avx2")]] inline void close_avx2(__m256 right, Mask closed_leaves, Mask* open) {
  auto* masks = reinterpret_cast<__m256i*>(open);
  const __m256i lanes = _mm256_castps_si256(right);
  if constexpr (sizeof(Mask) == 4) {
    const __m256i closed = _mm256_and_si256(lanes, _mm256_set1_epi32(static_cast<std::int32_t>(closed_leaves)));
    _mm256_store_si256(masks, _mm256_andnot_si256(closed, _mm256_load_si256(masks)));
  } else {
    const __m256i closed = _mm256_set1_epi64x(static_cast<long long>(closed_leaves));
    const __m256i low = _mm256_and_si256(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(lanes)), closed);
    const __m256i high = _mm256_and_si256(_mm256_cvtepi32_epi64(_mm256_extracti128_si256(lanes, 1)), closed);
    _mm256_store_si256(masks, _mm256_andnot_si256(low, _mm256_load_si256(masks)));
    _mm256_store_si256(masks + 1, _mm256_andnot_si256(high, _mm256_load_si256(masks + 1)));
  }
}

/// goes_right() of eight rows: no category, -1, is beyond all words.
template <typename Mask>
[[gnu::target("avx2")]] void cut_categories_avx2(const TreeTables<Mask>& tables, const TreeColumn& column, __m256 categories,
                                                 Mask* open) {
  const __m256i number = _mm256_cvttps_epi32(categories);
  const __m256i word = _mm256_srli_epi32(number, 5);
  const __m256i to_sign = _mm256_sub_epi32(_mm256_set1_epi32(31), _mm256_and_si256(number, _mm256_set1_epi32(31)));
  for (std::uint32_t i = column.cuts_begin; i < column.cuts_end; ++i) {
    const TreeCategoryCut<Mask>& cut = tables.category_cuts[i];
    const __m256i is_there = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<std::int32_t>(cut.n_words)), word);
    const auto* words = reinterpret_cast<const int*>(tables.category_words + cut.words_begin);
    const __m256i bits = _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), words, word, is_there, 4);
    const __m256i left = _mm256_srai_epi32(_mm256_sllv_epi32(bits, to_sign), 31);
    const __m256i right = _mm256_xor_si256(left, _mm256_set1_epi32(-1));
    close_avx2(_mm256_castsi256_ps(right), cut.closed, open + std::size_t{cut.tree} * 8);
  }
}

template <typename Mask>
[[gnu::target("avx2")]] void cut_avx2(const TreeTables<Mask>& tables, std::span<const std::uint32_t> active, const float* values,
                                      Mask* open) {
  for (const std::uint32_t c : active) {
    const TreeColumn& column = tables.columns[c];
    if (column.categorical) {
      cut_categories_avx2(tables, column, _mm256_load_ps(values + std::size_t{c} * 8), open);
      continue;
    }
    const __m256 x = _mm256_load_ps(values + std::size_t{c} * 8);
    const TreeCut<Mask>* const end = tables.cuts + column.cuts_end;
    for (const TreeCut<Mask>* cut = tables.cuts + column.cuts_begin; cut != end; ++cut) {
      const __m256 right = _mm256_cmp_ps(x, _mm256_broadcast_ss(&cut->threshold), _CMP_GT_OQ);
      if (_mm256_movemask_ps(right) == 0) break;
      close_avx2(right, cut->closed, open + std::size_t{cut->tree} * 8);
    }
  }
}

template <typename Mask>
[[gnu::target("avx2,bmi")]] void sum_avx2(const TreeTables<Mask>& tables, const Mask* open, std::size_t begin, std::size_t end,
                                          double* sums) {
  __m256d low = _mm256_load_pd(sums);
  __m256d high = _mm256_load_pd(sums + 4);
  for (std::size_t t = begin; t < end; ++t) {
    const double* leaves = tables.leaf_values + t * tables.leaf_stride;
    if constexpr (sizeof(Mask) == 4) {
      // The number of a lone bit is the exponent of its value as a float; bit 31 is negative, which the shift and the mask drop.
      const __m256i bits = _mm256_load_si256(reinterpret_cast<const __m256i*>(open + t * 8));
      const __m256i first = _mm256_and_si256(bits, _mm256_sub_epi32(_mm256_setzero_si256(), bits));
      const __m256i exponent = _mm256_srli_epi32(_mm256_castps_si256(_mm256_cvtepi32_ps(first)), 23);
      const __m256i at = _mm256_sub_epi32(_mm256_and_si256(exponent, _mm256_set1_epi32(0xff)), _mm256_set1_epi32(127));
      low = _mm256_add_pd(low, _mm256_i32gather_pd(leaves, _mm256_castsi256_si128(at), 8));
      high = _mm256_add_pd(high, _mm256_i32gather_pd(leaves, _mm256_extracti128_si256(at, 1), 8));
    } else {
      const auto leaf = [&](std::size_t lane) { return leaves[std::countr_zero(open[t * 8 + lane])]; };
      low = _mm256_add_pd(low, _mm256_setr_pd(leaf(0), leaf(1), leaf(2), leaf(3)));
      high = _mm256_add_pd(high, _mm256_setr_pd(leaf(4), leaf(5), leaf(6), leaf(7)));
    }
  }
  _mm256_store_pd(sums, low);
  _mm256_store_pd(sums + 4, high);
}

// ---- AVX-512: 16 rows ----------------------------------------------------------------------------------------------------------------

#define LODESTONE_AVX512 "avx512f,avx512dq,avx512vl,avx2"

template <typename Mask>
[[gnu::target(LODESTONE_AVX512)]] void load_avx512(const TreeTables<Mask>& tables, std::span<const std::uint32_t> active,
                                                   const float* rows, std::size_t stride, std::size_t n_rows, float* values) {
  alignas(64) std::int32_t offsets[16];
  for (std::size_t lane = 0; lane < 16; ++lane)
    offsets[lane] = static_cast<std::int32_t>((lane < n_rows ? lane : n_rows - 1) * stride);
  const __m512i at = _mm512_load_si512(offsets);
  for (const std::uint32_t c : active) {
    const TreeColumn& column = tables.columns[c];
    __m512 x = _mm512_i32gather_ps(at, rows + column.feature, 4);
    if (column.categorical) {
      const __mmask16 is_one =
          _mm512_cmp_ps_mask(x, _mm512_set1_ps(-1), _CMP_GT_OQ) & _mm512_cmp_ps_mask(x, _mm512_set1_ps(kBeyondInt), _CMP_LT_OQ);
      x = _mm512_mask_roundscale_ps(_mm512_set1_ps(-1), is_one, x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
    } else {
      const __mmask16 is_zero = _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(kTreeZero), _CMP_LE_OQ);
      x = _mm512_mask_mov_ps(x, is_zero, _mm512_setzero_ps());
      __mmask16 missing = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
      if (column.zero_is_missing) missing |= is_zero;
      x = _mm512_mask_mov_ps(x, missing, _mm512_set1_ps(column.fill));
    }
    _mm512_store_ps(values + std::size_t{c} * 16, x);
  }
}

/// Closes leaves of one tree in some lanes.
template <typename Mask>
[[gnu::target(LODESTONE_AVX512)]] inline void close_avx512(__mmask16 right, Mask closed_leaves, Mask* open) {
  if constexpr (sizeof(Mask) == 4) {
    const __m512i bits = _mm512_load_si512(open);
    const __m512i closed = _mm512_set1_epi32(static_cast<std::int32_t>(closed_leaves));
    _mm512_store_si512(open, _mm512_mask_andnot_epi32(bits, right, closed, bits));
  } else {
    const __m512i closed = _mm512_set1_epi64(static_cast<long long>(closed_leaves));
    const __m512i low = _mm512_load_si512(open);
    const __m512i high = _mm512_load_si512(open + 8);
    _mm512_store_si512(open, _mm512_mask_andnot_epi64(low, static_cast<__mmask8>(right), closed, low));
    _mm512_store_si512(open + 8, _mm512_mask_andnot_epi64(high, static_cast<__mmask8>(right >> 8), closed, high));
  }
}

/// goes_right() of 16 rows: no category, -1, is beyond all words. Up to 512 categories are looked up in a register.
template <typename Mask>
[[gnu::target(LODESTONE_AVX512)]] void cut_categories_avx512(const TreeTables<Mask>& tables, const TreeColumn& column,
                                                             __m512 categories, Mask* open) {
  const __m512i number = _mm512_cvttps_epi32(categories);
  const __m512i word = _mm512_srli_epi32(number, 5);
  const __m512i bit = _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_and_si512(number, _mm512_set1_epi32(31)));
  for (std::uint32_t i = column.cuts_begin; i < column.cuts_end; ++i) {
    const TreeCategoryCut<Mask>& cut = tables.category_cuts[i];
    const __mmask16 is_there = _mm512_cmplt_epu32_mask(word, _mm512_set1_epi32(static_cast<std::int32_t>(cut.n_words)));
    const std::uint32_t* words = tables.category_words + cut.words_begin;
    const __m512i bits =
        cut.n_words <= 16
            ? _mm512_permutexvar_epi32(word, _mm512_maskz_loadu_epi32(static_cast<__mmask16>((1U << cut.n_words) - 1), words))
            : _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), is_there, word, words, 4);
    const __mmask16 left = _mm512_mask_test_epi32_mask(is_there, bits, bit);
    close_avx512(static_cast<__mmask16>(~left), cut.closed, open + std::size_t{cut.tree} * 16);
  }
}

template <typename Mask>
[[gnu::target(LODESTONE_AVX512)]] void cut_avx512(const TreeTables<Mask>& tables, std::span<const std::uint32_t> active,
                                                  const float* values, Mask* open) {
  for (const std::uint32_t c : active) {
    const TreeColumn& column = tables.columns[c];
    if (column.categorical) {
      cut_categories_avx512(tables, column, _mm512_load_ps(values + std::size_t{c} * 16), open);
      continue;
    }
    const __m512 x = _mm512_load_ps(values + std::size_t{c} * 16);
    const TreeCut<Mask>* const end = tables.cuts + column.cuts_end;
    for (const TreeCut<Mask>* cut = tables.cuts + column.cuts_begin; cut != end; ++cut) {
      const __mmask16 right = _mm512_cmp_ps_mask(x, _mm512_set1_ps(cut->threshold), _CMP_GT_OQ);
      if (right == 0) break;
      close_avx512(right, cut->closed, open + std::size_t{cut->tree} * 16);
    }
  }
}

template <typename Mask>
[[gnu::target(LODESTONE_AVX512)]] void sum_avx512(const TreeTables<Mask>& tables, const Mask* open, std::size_t begin,
                                                  std::size_t end, double* sums) {
  __m512d low = _mm512_load_pd(sums);
  __m512d high = _mm512_load_pd(sums + 8);
  // The number of a lone bit is the exponent of its value as a floating point number; the sign of the topmost bit is dropped.
  const auto leaves_at = [open](std::size_t t) __attribute__((target(LODESTONE_AVX512))) {
    const __m512i bits = _mm512_load_si512(open + t * 16);
    const __m512i first = _mm512_and_si512(bits, _mm512_sub_epi32(_mm512_setzero_si512(), bits));
    const __m512i exponent = _mm512_srli_epi32(_mm512_castps_si512(_mm512_cvtepi32_ps(first)), 23);
    return _mm512_sub_epi32(_mm512_and_si512(exponent, _mm512_set1_epi32(0xff)), _mm512_set1_epi32(127));
  };
  if (sizeof(Mask) == 4 && tables.leaf_stride == kRegisterLeaves) {
    for (std::size_t t = begin; t < end; ++t) {
      const __m512i at = leaves_at(t);
      const __m512d left = _mm512_loadu_pd(tables.leaf_values + t * kRegisterLeaves);
      const __m512d right = _mm512_loadu_pd(tables.leaf_values + t * kRegisterLeaves + 8);
      const __m512i low_at = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(at));
      const __m512i high_at = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(at, 1));
      low = _mm512_add_pd(low, _mm512_permutex2var_pd(left, low_at, right));
      high = _mm512_add_pd(high, _mm512_permutex2var_pd(left, high_at, right));
    }
    _mm512_store_pd(sums, low);
    _mm512_store_pd(sums + 8, high);
    return;
  }
  for (std::size_t t = begin; t < end; ++t) {
    const double* leaves = tables.leaf_values + t * tables.leaf_stride;
    if constexpr (sizeof(Mask) == 4) {
      const __m512i at = leaves_at(t);
      low = _mm512_add_pd(low, _mm512_i32gather_pd(_mm512_castsi512_si256(at), leaves, 8));
      high = _mm512_add_pd(high, _mm512_i32gather_pd(_mm512_extracti64x4_epi64(at, 1), leaves, 8));
    } else {
      const auto leaf_of = [&](const Mask* masks) __attribute__((target(LODESTONE_AVX512))) {
        const __m512i bits = _mm512_load_si512(masks);
        const __m512i first = _mm512_and_si512(bits, _mm512_sub_epi64(_mm512_setzero_si512(), bits));
        const __m512i exponent = _mm512_srli_epi64(_mm512_castpd_si512(_mm512_cvtepi64_pd(first)), 52);
        const __m512i at = _mm512_sub_epi64(_mm512_and_si512(exponent, _mm512_set1_epi64(0x7ff)), _mm512_set1_epi64(1023));
        return _mm512_i64gather_pd(at, leaves, 8);
      };
      low = _mm512_add_pd(low, leaf_of(open + t * 16));
      high = _mm512_add_pd(high, leaf_of(open + t * 16 + 8));
    }
  }
  _mm512_store_pd(sums, low);
  _mm512_store_pd(sums + 8, high);
}

#endif

}  // namespace

bool has_tree_kernel(TreeKernel kernel) {
#if defined(__x86_64__)
  if (kernel == TreeKernel::kAvx512)
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx2") != 0;
  if (kernel == TreeKernel::kAvx2) return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0;
#endif
  return kernel == TreeKernel::kScalar;
}

TreeKernel best_tree_kernel() {
  if (has_tree_kernel(TreeKernel::kAvx512)) return TreeKernel::kAvx512;
  return has_tree_kernel(TreeKernel::kAvx2) ? TreeKernel::kAvx2 : TreeKernel::kScalar;
}

template <typename Mask>
TreeKernels<Mask> find_tree_kernels(TreeKernel kernel) {
#if defined(__x86_64__)
  if (kernel == TreeKernel::kAvx512) return {16, load_avx512<Mask>, cut_avx512<Mask>, sum_avx512<Mask>};
  if (kernel == TreeKernel::kAvx2) return {8, load_avx2<Mask>, cut_avx2<Mask>, sum_avx2<Mask>};
#endif
  return {1, load_scalar<Mask>, cut_scalar<Mask>, nullptr};
}

template TreeKernels<std::uint32_t> find_tree_kernels(TreeKernel);
template TreeKernels<std::uint64_t> find_tree_kernels(TreeKernel);

}  // namespace lodestone::models
