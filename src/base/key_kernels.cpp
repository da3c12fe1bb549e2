#include "base/key_kernels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lodestone {
namespace {

using Key = std::uint64_t;

// ---- Any processor ---------------------------------------------------------------------------------------------------------------------

/// Few enough for a network.
constexpr std::size_t kNetwork = 16;

/// Batcher's odd-even merge sort ("Sorting networks and their applications", 1968): the pairs of places that are put in order, in turn.
constexpr auto kPairs = [] {
  std::array<std::pair<std::size_t, std::size_t>, 63> pairs{};
  std::size_t n = 0;
  for (std::size_t p = 1; p < kNetwork; p *= 2) {
    for (std::size_t k = p; k > 0; k /= 2) {
      for (std::size_t j = k % p; j + k < kNetwork; j += 2 * k) {
        for (std::size_t i = j; i < std::min(j + k, kNetwork - k); ++i) {
          if (i / (2 * p) == (i + k) / (2 * p)) pairs[n++] = {i, i + k};
        }
      }
    }
  }
  return pairs;
}();

template <std::size_t... P>
[[gnu::always_inline]] inline void order_pairs(std::array<Key, kNetwork>& keys, std::index_sequence<P...>) {
  const auto order = [&keys](std::size_t a, std::size_t b) {
    const Key x = keys[a];
    const Key y = keys[b];
    keys[a] = x > y ? x : y;  // std::max and std::min of references become branches (g++ 12)
    keys[b] = x > y ? y : x;
  };
  (order(kPairs[P].first, kPairs[P].second), ...);
}

void sort_few_baseline(Key* keys, std::size_t n) {
  std::array<Key, kNetwork> padded{};  // zeros stay behind, or are keys themselves
  std::copy_n(keys, n, padded.begin());
  order_pairs(padded, std::make_index_sequence<kPairs.size()>());
  std::copy_n(padded.begin(), n, keys);
}

/// Where a split stands: keys from `at` on have still to be read.
struct Split {
  std::size_t n = 0;
  std::size_t n_below = 0;
};

void split_rest(Key* keys, std::size_t at, std::size_t end, Key least, Key* room, Split& split) {
  for (; at < end; ++at) {
    const Key key = keys[at];
    keys[split.n] = key;
    room[split.n_below] = key;
    split.n += static_cast<std::size_t>(key >= least);
    split.n_below += static_cast<std::size_t>(key < least);
  }
  std::copy_n(room, split.n_below, keys + split.n);
}

std::size_t split_baseline(Key* keys, std::size_t n, Key least, Key* room) {
  Split split;
  split_rest(keys, 0, n, least, room, split);
  return split.n;
}

#if defined(__x86_64__)

/// Puts keys where their ranks say: the number of larger ones. `sum` of all ranks tells whether any two keys are equal.
void place_by_rank(Key* keys, std::size_t n, const Key* padded, const Key* ranks, Key sum) {
  if (sum != n * (n - 1) / 2) std::fill_n(keys, n, UINT64_MAX);
  for (std::size_t i = 0; i < n; ++i) keys[ranks[i]] = padded[i];
  if (sum == n * (n - 1) / 2) return;
  for (std::size_t i = 1; i < n; ++i) keys[i] = std::min(keys[i], keys[i - 1]);  // equal keys have one rank, with gaps behind it
}

// ---- AVX2: 4 keys ----------------------------------------------------------------------------------------------------------------------

/// Where the 32-bit halves of those of four keys come from whose bits are set: moved to the front.
constexpr auto kToFront = [] {
  std::array<std::array<std::int32_t, 8>, 16> out{};
  for (std::size_t bits = 0; bits < out.size(); ++bits) {
    std::size_t n = 0;
    for (std::size_t lane = 0; lane < 4; ++lane) {
      if ((bits >> lane & 1U) == 0) continue;
      out[bits][n++] = static_cast<std::int32_t>(2 * lane);
      out[bits][n++] = static_cast<std::int32_t>(2 * lane + 1);
    }
  }
  return out;
}();

[[gnu::target("avx2")]] inline __m256i to_front(__m256i keys, unsigned bits) {
  return _mm256_permutevar8x32_epi32(keys, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kToFront[bits].data())));
}

[[gnu::target("avx2,popcnt")]] std::size_t split_avx2(Key* keys, std::size_t n, Key least, Key* room) {
  constexpr std::size_t kLanes = 4;
  constexpr unsigned kAll = 15;
  const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
  const __m256i pivot = _mm256_xor_si256(_mm256_set1_epi64x(static_cast<long long>(least)), sign);
  Split split;
  std::size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    const __m256i four = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(keys + at));
    const __m256i is_below = _mm256_cmpgt_epi64(pivot, _mm256_xor_si256(four, sign));
    const auto below = static_cast<unsigned>(_mm256_movemask_pd(_mm256_castsi256_pd(is_below)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(keys + split.n), to_front(four, kAll & ~below));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(room + split.n_below), to_front(four, below));
    const auto n_below = static_cast<std::size_t>(std::popcount(below));
    split.n += kLanes - n_below;
    split.n_below += n_below;
  }
  split_rest(keys, at, n, least, room, split);
  return split.n;
}

[[gnu::target("avx2")]] void sort_few_avx2(Key* keys, std::size_t n) {
  constexpr std::size_t kBlocks = kNetwork / 4;
  const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
  std::array<Key, kNetwork> padded;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<Key, kNetwork> ranks;   // NOLINT(cppcoreguidelines-pro-type-member-init)
  padded.fill(UINT64_MAX);           // of which none is larger: rank 0
  std::copy_n(keys, n, padded.begin());
  __m256i blocks[kBlocks];
  __m256i larger[kBlocks];
  for (std::size_t b = 0; b < kBlocks; ++b) {
    blocks[b] = _mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(padded.data() + 4 * b)), sign);
    larger[b] = _mm256_setzero_si256();
  }
  for (std::size_t i = 0; i < n; ++i) {
    const __m256i one = _mm256_xor_si256(_mm256_set1_epi64x(static_cast<long long>(padded[i])), sign);
    for (std::size_t b = 0; b < kBlocks; ++b) larger[b] = _mm256_sub_epi64(larger[b], _mm256_cmpgt_epi64(one, blocks[b]));
  }
  Key sum = 0;
  for (std::size_t b = 0; b < kBlocks; ++b) _mm256_storeu_si256(reinterpret_cast<__m256i*>(ranks.data() + 4 * b), larger[b]);
  for (const Key rank : ranks) sum += rank;
  place_by_rank(keys, n, padded.data(), ranks.data(), sum);
}

// ---- AVX-512: 8 keys -------------------------------------------------------------------------------------------------------------------

[[gnu::target("avx512f,popcnt")]] std::size_t split_avx512(Key* keys, std::size_t n, Key least, Key* room) {
  constexpr std::size_t kLanes = 8;
  const __m512i pivot = _mm512_set1_epi64(static_cast<long long>(least));
  Split split;
  std::size_t at = 0;
  for (; at + kLanes <= n; at += kLanes) {
    const __m512i eight = _mm512_loadu_si512(keys + at);
    const __mmask8 below = _mm512_cmplt_epu64_mask(eight, pivot);
    // Compressed in a register: writing compressed to memory is slow on some processors.
    _mm512_storeu_si512(keys + split.n, _mm512_maskz_compress_epi64(static_cast<__mmask8>(~below), eight));
    _mm512_storeu_si512(room + split.n_below, _mm512_maskz_compress_epi64(below, eight));
    const auto n_below = static_cast<std::size_t>(std::popcount(static_cast<unsigned>(below)));
    split.n += kLanes - n_below;
    split.n_below += n_below;
  }
  split_rest(keys, at, n, least, room, split);
  return split.n;
}

constexpr std::size_t kFew512 = 64;

[[gnu::target("avx512f")]] void sort_few_avx512(Key* keys, std::size_t n) {
  constexpr std::size_t kBlocks = 4;  // that are ranked together
  std::array<Key, kFew512> padded;    // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<Key, kFew512> ranks;     // NOLINT(cppcoreguidelines-pro-type-member-init)
  padded.fill(UINT64_MAX);            // of which none is larger: rank 0
  std::copy_n(keys, n, padded.begin());
  const __m512i one = _mm512_set1_epi64(1);
  __m512i sums = _mm512_setzero_si512();
  for (std::size_t from = 0; from < n; from += 8 * kBlocks) {
    __m512i blocks[kBlocks];
    __m512i larger[kBlocks];
    for (std::size_t b = 0; b < kBlocks; ++b) {
      blocks[b] = _mm512_loadu_si512(padded.data() + from + 8 * b);
      larger[b] = _mm512_setzero_si512();
    }
    for (std::size_t i = 0; i < n; ++i) {
      const __m512i key = _mm512_set1_epi64(static_cast<long long>(padded[i]));
      for (std::size_t b = 0; b < kBlocks; ++b)
        larger[b] = _mm512_mask_add_epi64(larger[b], _mm512_cmpgt_epu64_mask(key, blocks[b]), larger[b], one);
    }
    for (std::size_t b = 0; b < kBlocks; ++b) {
      _mm512_storeu_si512(ranks.data() + from + 8 * b, larger[b]);
      sums = _mm512_add_epi64(sums, larger[b]);
    }
  }
  place_by_rank(keys, n, padded.data(), ranks.data(), static_cast<Key>(_mm512_reduce_add_epi64(sums)));
}
#endif

std::vector<KeyKernels> find_kernels() {
  std::vector<KeyKernels> out = {{split_baseline, sort_few_baseline, kNetwork}};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0) {
    out.push_back({split_avx2, sort_few_avx2, kNetwork});
    if (__builtin_cpu_supports("avx512f") != 0) out.push_back({split_avx512, sort_few_avx512, kFew512});
  }
#endif
  return out;
}

}  // namespace

std::span<const KeyKernels> key_kernels() {
  static const std::vector<KeyKernels> kernels = find_kernels();
  return kernels;
}

}  // namespace lodestone
