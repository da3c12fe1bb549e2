#include "models/recall/scan_codes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/rng.hpp"

namespace lodestone::models {
namespace {

/// Rows of `width` numbers and one that makes their lengths equal, zeros behind up to `stride`.
struct Vectors {
  std::size_t n, width, stride;
  std::vector<float> numbers;

  Vectors(std::size_t n_rows, std::size_t n_numbers, Rng& rng)
      : n(n_rows), width(n_numbers), stride((n_numbers + 1 + 15) / 16 * 16) {
    numbers.resize(n * stride, 0);
    double longest = 0;
    for (std::size_t i = 0; i < n; ++i) {
      // Some rows are copies of others, and some are short.
      const double scale = rng.chance(0.2) ? 0.01 : 1;
      const bool is_copy = i > 0 && rng.chance(0.1);
      for (std::size_t j = 0; j < width; ++j)
        numbers[i * stride + j] = is_copy ? numbers[(i - 1) * stride + j] : static_cast<float>(scale * rng.normal());
      longest = std::max(longest, square(i));
    }
    for (std::size_t i = 0; i < n; ++i) numbers[i * stride + width] = static_cast<float>(std::sqrt(longest - square(i)));
  }
  [[nodiscard]] double square(std::size_t i) const { return product(std::span(numbers).subspan(i * stride, width), i); }
  [[nodiscard]] double product(std::span<const float> query, std::size_t i) const {
    double sum = 0;
    for (std::size_t j = 0; j < width; ++j) sum += static_cast<double>(query[j]) * static_cast<double>(numbers[i * stride + j]);
    return sum;
  }
};

TEST(ScanCodes, leave_out_no_row_that_is_among_the_nearest) {
  Rng rng(11);
  ScanCodes::Scratch scratch;
  double left = 0;
  for (const std::size_t width : {std::size_t{1}, std::size_t{15}, std::size_t{16}, std::size_t{64}, std::size_t{200}}) {
    for (const std::size_t n : {std::size_t{1}, std::size_t{5}, std::size_t{333}, std::size_t{3000}}) {
      const Vectors vectors(n, width, rng);
      const ScanCodes codes(vectors.numbers, vectors.stride, width);
      if (codes.empty()) continue;
      for (const std::size_t k : {std::size_t{1}, n / 10 + 1, n}) {
        std::vector<float> query(vectors.stride, 0);
        for (std::size_t j = 0; j < width; ++j) query[j] = static_cast<float>(rng.normal() * std::pow(10, rng.normal()));
        const auto found = codes.candidates(query, k, {}, scratch);
        ASSERT_TRUE(std::is_sorted(found.begin(), found.end()));
        std::vector<double> products;
        for (std::size_t i = 0; i < n; ++i) products.push_back(vectors.product(query, i));
        std::vector<double> best = products;
        std::sort(best.begin(), best.end(), std::greater<>());
        for (std::size_t i = 0; i < n; ++i) {
          if (products[i] < best[k - 1]) continue;
          EXPECT_TRUE(std::binary_search(found.begin(), found.end(), static_cast<std::int32_t>(i)))
              << width << ' ' << n << ' ' << k;
        }
        if (n == 3000 && k == 301) left = std::max(left, static_cast<double>(found.size()) / static_cast<double>(n));
      }
    }
  }
  EXPECT_LT(left, 0.5) << "hardly anything is left out";
}

TEST(ScanCodes, give_rows_that_are_allowed_alone_and_the_nearest_of_them) {
  Rng rng(13);
  ScanCodes::Scratch scratch;
  constexpr std::size_t kRows = 1'000;
  const Vectors vectors(kRows, 24, rng);
  const ScanCodes codes(vectors.numbers, vectors.stride, vectors.width);
  if (codes.empty()) GTEST_SKIP() << "the processor lacks AVX2";
  for (const double share : {0.0, 0.003, 0.3, 0.9, 1.0}) {
    std::vector<std::uint64_t> bits((kRows + 63) / 64, 0);
    std::vector<double> allowed;
    std::vector<float> query(vectors.stride, 0);
    for (std::size_t j = 0; j < vectors.width; ++j) query[j] = static_cast<float>(rng.normal());
    for (std::size_t i = 0; i < kRows; ++i) {
      if (!rng.chance(share)) continue;
      bits[i / 64] |= std::uint64_t{1} << i % 64;
      allowed.push_back(vectors.product(query, i));
    }
    constexpr std::size_t kNearest = 20;
    const auto found = codes.candidates(query, kNearest, bits, scratch);
    std::sort(allowed.begin(), allowed.end(), std::greater<>());
    const std::size_t n = std::min(kNearest, allowed.size());
    std::vector<double> products;
    for (const std::int32_t row : found) {
      const auto i = static_cast<std::size_t>(row);
      EXPECT_TRUE((bits[i / 64] >> i % 64 & 1U) != 0) << row;
      products.push_back(vectors.product(query, i));
    }
    ASSERT_GE(products.size(), n) << share;
    std::sort(products.begin(), products.end(), std::greater<>());
    EXPECT_TRUE(std::equal(allowed.begin(), allowed.begin() + static_cast<std::ptrdiff_t>(n), products.begin())) << share;
  }
}

TEST(ScanCodes, give_all_for_a_query_of_zeros_and_are_empty_where_they_would_not_do) {
  Rng rng(12);
  ScanCodes::Scratch scratch;
  Vectors vectors(40, 8, rng);
  const ScanCodes codes(vectors.numbers, vectors.stride, vectors.width);
  const std::vector<float> zeros(vectors.stride, 0);
  if (!codes.empty()) {
    EXPECT_EQ(codes.candidates(zeros, 3, {}, scratch).size(), 40U);
  }
  EXPECT_TRUE(ScanCodes(std::vector<float>(64, 1), 16, 16).empty()) << "all alike";
  EXPECT_TRUE(ScanCodes({}, 16, 16).empty());
  vectors.numbers[vectors.width] += 1;
  EXPECT_TRUE(ScanCodes(vectors.numbers, vectors.stride, vectors.width).empty()) << "lengths differ";
}

}  // namespace
}  // namespace lodestone::models
