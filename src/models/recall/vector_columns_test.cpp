#include "models/recall/vector_columns.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/rng.hpp"

namespace lodestone::models {
namespace {

std::vector<float> draw_vector(std::size_t dimension, Rng& rng) {
  std::vector<float> out;
  for (std::size_t i = 0; i < dimension; ++i) out.push_back(static_cast<float>(2 * rng.uniform() - 1));
  return out;
}

/// The product with the vector made 1 long, as multiply() sums it.
float product_of(const std::vector<float>& vector, const std::vector<float>& by, bool is_fused) {
  float square = 0;
  for (const float x : vector) square += x * x;
  const float length = std::sqrt(square);
  float sums[2] = {0, 0};
  for (std::size_t i = 0; i < by.size(); ++i) {
    const float x = vector[i] / length;
    const volatile float rounded = x * by[i];
    sums[i % 2] = is_fused ? std::fma(x, by[i], sums[i % 2]) : sums[i % 2] + rounded;
  }
  return sums[0] + sums[1];
}

/// Whether products are fused with sums is the compiler's choice and the processor's; the order is not.
TEST(VectorColumns, give_the_products_one_by_one_to_the_last_bit) {
  Rng rng(3);
  VectorColumns columns;
  constexpr std::size_t kVectors = 6;  // four together and two alone
  std::vector<VectorColumns::Products> products(kVectors);
  std::size_t n_fused = 0;
  std::size_t n_rounded = 0;
  std::size_t n_all = 0;
  for (const std::size_t dimension : {std::size_t{1}, std::size_t{7}, std::size_t{64}}) {
    for (const std::size_t n : {std::size_t{1}, std::size_t{16}, std::size_t{17}, VectorColumns::kMost}) {
      columns.begin(dimension);
      std::vector<std::vector<float>> vectors;
      for (std::size_t c = 0; c < n; ++c) {
        vectors.push_back(draw_vector(dimension, rng));
        ASSERT_TRUE(columns.add(vectors.back()));
      }
      ASSERT_EQ(columns.size(), n);
      std::vector<std::vector<float>> by;
      std::vector<const float*> pointers;
      for (std::size_t b = 0; b < kVectors; ++b) by.push_back(draw_vector(dimension, rng));
      for (const auto& vector : by) pointers.push_back(vector.data());
      columns.multiply(pointers, products);
      const auto is = [&](std::size_t b, std::size_t c, bool is_fused) {
        return std::bit_cast<std::uint32_t>(products[b][c]) ==
               std::bit_cast<std::uint32_t>(product_of(vectors[c], by[b], is_fused));
      };
      for (std::size_t b = 0; b < kVectors; ++b) {
        for (std::size_t c = 0; c < n; ++c) {
          n_fused += is(b, c, true) ? 1U : 0U;
          n_rounded += is(b, c, false) ? 1U : 0U;
          ++n_all;
        }
      }
    }
  }
  EXPECT_TRUE(n_fused == n_all || n_rounded == n_all) << n_fused << " and " << n_rounded << " of " << n_all;
}

TEST(VectorColumns, leave_out_what_has_no_length_and_forget_what_was_before) {
  VectorColumns columns;
  columns.begin(2);
  EXPECT_FALSE(columns.add(std::vector<float>{0, 0}));
  EXPECT_EQ(columns.size(), 0U);
  EXPECT_TRUE(columns.add(std::vector<float>{0, -3}));
  columns.begin(2);
  EXPECT_EQ(columns.size(), 0U);
  EXPECT_TRUE(columns.add(std::vector<float>{3, 4}));
  VectorColumns::Products products;
  const std::vector<float> by = {10, 5};
  const float* const pointer = by.data();
  columns.multiply({&pointer, 1}, {&products, 1});
  EXPECT_FLOAT_EQ(products[0], 10);
}

}  // namespace
}  // namespace lodestone::models
