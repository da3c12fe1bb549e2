#include "models/recall/scan_codes.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
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
/// Squared lengths within this of each other are equal, as floats sum them; also what distances may be off by it.
constexpr double kRounding = 1e-5;

std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

/// out[i] = the product of the query with row i, for all rows.
using Products = void (*)(const std::int16_t* query, const std::int8_t* codes, std::size_t width, std::size_t n,
                          std::int32_t* out);

#if defined(__x86_64__)
[[gnu::target("avx2")]] void products_avx2(const std::int16_t* query, const std::int8_t* codes, std::size_t width, std::size_t n,
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
#endif

Products find_products() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0) return products_avx2;
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

/// The k-th largest.
std::int32_t find_kth(std::span<const std::int32_t> products, std::size_t k, std::vector<std::uint64_t>& keys) {
  keys.clear();
  std::int32_t least = std::numeric_limits<std::int32_t>::min();
  const auto cut = [&] {
    select_largest(keys, k);
    keys.resize(k);
    least = key_product(*std::min_element(keys.begin(), keys.end()));
  };
  for (std::size_t i = 0; i < products.size(); ++i) {
    if (products[i] <= least && keys.size() >= k) continue;
    keys.push_back(product_key(products[i], i));
    if (keys.size() == 2 * k) cut();
  }
  cut();
  return least;
}

}  // namespace

ScanCodes::ScanCodes(std::span<const float> vectors, std::size_t stride, std::size_t width) {
  if (find_products() == nullptr || vectors.empty()) return;
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
  if (!(largest > 0) || !std::isfinite(kMostCode / largest)) return;
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

std::span<const std::int32_t> ScanCodes::candidates(std::span<const float> query, std::size_t k, Scratch& scratch) const {
  static const Products products_of = find_products();
  LODESTONE_ASSERT(!empty() && k >= 1 && k <= n_, "{} of {} rows", k, n_);
  double most_off = 0;
  code_query(query, scratch, most_off);
  scratch.products.resize(round_up(n_, kRows));
  products_of(scratch.query.data(), codes_.data(), width_, n_, scratch.products.data());
  const auto products = std::span<const std::int32_t>(scratch.products).first(n_);
  const double least = static_cast<double>(find_kth(products, k, scratch.keys)) - 2 * most_off;
  const auto bound = static_cast<std::int32_t>(std::floor(std::clamp(least, -2'147'483'648.0, 2'147'483'647.0)));
  scratch.rows.resize(n_);
  std::size_t n = 0;
  for (std::size_t i = 0; i < n_; ++i) {
    scratch.rows[n] = static_cast<std::int32_t>(i);
    n += static_cast<std::size_t>(products[i] >= bound);
  }
  return std::span<const std::int32_t>(scratch.rows).first(n);
}

}  // namespace lodestone::models
