#include "models/recall/scan_codes.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/key_order.hpp"

namespace lodestone::models {
namespace {

/// Codes in one step, and rows that are summed together.
constexpr std::size_t kStep = 16;
constexpr std::size_t kRows = 4;
constexpr float kMostCode = 127;
/// Products between two looks at which are the largest, at least.
constexpr std::size_t kLeastBlock = 128;
/// Squared lengths within this of each other are equal, as floats sum them; also what distances may be off by it.
constexpr double kRounding = 1e-5;
/// Below the product of any row.
constexpr std::int32_t kForbidden = std::numeric_limits<std::int32_t>::min();

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

struct Kernels {
  /// out[i] = the product of the query with row i, for all rows.
  void (*multiply)(const std::int16_t* query, const std::int8_t* codes, std::size_t width, std::size_t n, std::int32_t* out);
  /// Writes the places of `products` from `least` on to `out`, ascending, and returns their number. `out` has room for all and kSlack more.
  std::size_t (*find)(std::span<const std::int32_t> products, std::int32_t least, std::int32_t* out);
};
/// Products that are compared at once.
constexpr std::size_t kSlack = 8;

#if defined(__x86_64__)
[[gnu::target("avx2")]] void multiply_avx2(const std::int16_t* query, const std::int8_t* codes, std::size_t width, std::size_t n,
                                           std::int32_t* out) {
  for (std::size_t i = 0; i < n; i += kRows, codes += kRows * width) {
    __m256i sums[kRows] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (std::size_t at = 0; at < width; at += kStep) {
      const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query + at));
      for (std::size_t r = 0; r < kRows; ++r) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + r * width + at));
        sums[r] = _mm256_add_epi32(sums[r], _mm256_madd_epi16(q, _mm256_cvtepi8_epi16(bytes)));
      }
    }
    const __m256i four = _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
    const __m128i total = _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), total);
  }
}

/// Which of eight lanes come first: those whose bits are set, in their order.
constexpr auto kToFront = [] {
  std::array<std::array<std::int32_t, kSlack>, 256> out{};
  for (std::size_t bits = 0; bits < out.size(); ++bits) {
    std::size_t n = 0;
    for (std::size_t lane = 0; lane < kSlack; ++lane) {
      if ((bits >> lane & 1U) != 0) out[bits][n++] = static_cast<std::int32_t>(lane);
    }
  }
  return out;
}();

[[gnu::target("avx2,popcnt")]] std::size_t find_avx2(std::span<const std::int32_t> products, std::int32_t least,
                                                     std::int32_t* out) {
  const __m256i bound = _mm256_set1_epi32(least);
  std::size_t n = 0;
  std::size_t i = 0;
  for (; i + kSlack <= products.size(); i += kSlack) {
    const __m256i eight = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(products.data() + i));
    const auto below = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(bound, eight))));
    const unsigned found = ~below & 0xffU;
    const __m256i lanes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kToFront[found].data()));
    const __m256i places = _mm256_add_epi32(lanes, _mm256_set1_epi32(static_cast<std::int32_t>(i)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + n), places);
    n += static_cast<std::size_t>(std::popcount(found));
  }
  for (; i < products.size(); ++i) {
    out[n] = static_cast<std::int32_t>(i);
    n += static_cast<std::size_t>(products[i] >= least);
  }
  return n;
}
#endif

/// Null where the processor lacks the instructions.
const Kernels* find_kernels() {
#if defined(__x86_64__)
  static constexpr Kernels kAvx2{multiply_avx2, find_avx2};
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("popcnt") != 0) return &kAvx2;
#endif
  return nullptr;
}

double square_of(std::span<const float> vector) {
  double sum = 0;
  for (const float v : vector) sum += static_cast<double>(v) * static_cast<double>(v);
  return sum;
}

/// Larger for the larger product.
std::uint64_t product_key(std::int32_t product, std::size_t row) {
  return std::uint64_t{static_cast<std::uint32_t>(product) ^ (1U << 31U)} << 32U | static_cast<std::uint32_t>(row);
}
std::int32_t key_product(std::uint64_t key) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(key >> 32U) ^ (1U << 31U));
}

/// The k-th largest: that of the first k to begin with, then with each block of what is not below it.
std::int32_t find_kth(const Kernels& kernels, std::span<const std::int32_t> products, std::size_t k,
                      ScanCodes::Scratch& scratch) {
  auto& keys = scratch.keys;
  keys.clear();
  std::int32_t least = kForbidden;
  const std::size_t n_block = std::max(k, kLeastBlock);
  for (std::size_t begin = 0; begin < products.size(); begin += n_block) {
    const auto block = products.subspan(begin, std::min(n_block, products.size() - begin));
    const std::size_t n = kernels.find(block, least, scratch.rows.data());
    for (std::size_t f = 0; f < n; ++f) {
      const auto row = static_cast<std::size_t>(scratch.rows[f]);
      keys.push_back(product_key(block[row], begin + row));
    }
    if (keys.size() < k) continue;
    select_largest(keys, k);
    keys.resize(k);
    least = key_product(*std::min_element(keys.begin(), keys.end()));
  }
  return least;
}

}  // namespace

ScanCodes::ScanCodes(std::span<const float> vectors, std::size_t stride, std::size_t width) {
  if (find_kernels() == nullptr || vectors.empty()) return;
  n_ = vectors.size() / stride;
  const auto row = [&](std::size_t i) { return vectors.subspan(i * stride, stride); };
  std::vector<double> sums(width, 0);
  square_ = square_of(row(0));
  double least = square_;
  for (std::size_t i = 0; i < n_; ++i) {
    const double square = square_of(row(i));
    square_ = std::max(square_, square);
    least = std::min(least, square);
    for (std::size_t j = 0; j < width; ++j) sums[j] += static_cast<double>(row(i)[j]);
  }
  if (!(least >= square_ * (1 - kRounding))) return;
  std::vector<float> centre;
  for (const double sum : sums) centre.push_back(static_cast<float>(sum / static_cast<double>(n_)));
  float largest = 0;
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j < width; ++j) largest = std::max(largest, std::fabs(row(i)[j] - centre[j]));
  }
  if (!(largest > 0) || !std::isfinite(largest) || !std::isfinite(kMostCode / largest)) return;
  step_ = largest / kMostCode;
  width_ = round_up(width, kStep);
  codes_.resize(round_up(n_, kRows) * width_, 0);
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j < width; ++j)
      codes_[i * width_ + j] =
          static_cast<std::int8_t>(std::lrint(std::clamp((row(i)[j] - centre[j]) / step_, -kMostCode, kMostCode)));
  }
}

void ScanCodes::code_query(std::span<const float> query, Scratch& scratch, double& most_off) const {
  const std::size_t width = std::min(width_, query.size());
  float largest = 0;
  double sum = 0;
  for (std::size_t j = 0; j < width; ++j) {
    largest = std::max(largest, std::fabs(query[j]));
    sum += static_cast<double>(std::fabs(query[j]));
  }
  // Sums of products fit 32 bits.
  const double most = std::min(32'767.0, 2e9 / static_cast<double>(kMostCode) / static_cast<double>(width_));
  const double unit = static_cast<double>(largest) / most;
  scratch.query.assign(width_, 0);
  for (std::size_t j = 0; j < width; ++j)
    scratch.query[j] = unit > 0 ? static_cast<std::int16_t>(std::lrint(static_cast<double>(query[j]) / unit)) : std::int16_t{0};
  // |q v - q^ v^| <= |q| |v - v^| + |q - q^| |v^|, each rounded to half a step at most; a little more for the rounding of floats.
  const auto step = static_cast<double>(step_);
  const double coded = 0.501 * step * sum + 0.501 * unit * step * static_cast<double>(kMostCode) * static_cast<double>(width_);
  const double rounded = kRounding * (square_of(query) + square_);
  most_off = unit > 0 ? (coded + rounded) / (unit * step) : std::numeric_limits<double>::infinity();
}

void ScanCodes::forbid(std::span<const std::uint64_t> allowed, std::span<std::int32_t> products) const {
  for (std::size_t word = 0; word < allowed.size(); ++word) {
    for (std::uint64_t bits = ~allowed[word]; bits != 0; bits &= bits - 1) {
      const std::size_t row = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (row >= n_) break;
      products[row] = kForbidden;
    }
  }
}

std::span<const std::int32_t> ScanCodes::candidates(std::span<const float> query, std::size_t k,
                                                    std::span<const std::uint64_t> allowed, Scratch& scratch) const {
  static const Kernels& kernels = *find_kernels();
  LODESTONE_ASSERT(!empty() && k >= 1 && k <= n_, "{} of {} rows", k, n_);
  double most_off = 0;
  code_query(query, scratch, most_off);
  scratch.products.resize(round_up(n_, kRows));
  kernels.multiply(scratch.query.data(), codes_.data(), width_, n_, scratch.products.data());
  const auto products = std::span(scratch.products).first(n_);
  if (!allowed.empty()) forbid(allowed, products);
  scratch.rows.resize(n_ + kSlack);
  const double least = static_cast<double>(find_kth(kernels, products, k, scratch)) - 2 * most_off;
  const auto bound = static_cast<std::int32_t>(std::floor(std::clamp(least, kForbidden + 1.0, 2'147'483'647.0)));
  return std::span<const std::int32_t>(scratch.rows).first(kernels.find(products, bound, scratch.rows.data()));
}

}  // namespace lodestone::models
