#include "models/recall/vector_walk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.hpp"
#include "models/recall/vector_codes.hpp"

namespace lodestone::models {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

TEST(NearestNodes, keeps_the_n_nearest_in_order_whatever_comes_when) {
  Rng rng(5);
  NearestNodes nodes;
  for (int round = 0; round < 20; ++round) {
    std::vector<VectorHit> all;
    nodes.reset(10);
    for (ItemIndex i = 0; i < 100; ++i) {
      all.push_back({i, static_cast<float>(rng.below(40))});
      nodes.offer(all.back());
      if (i % 7 == 0) nodes.leave_next();
    }
    std::sort(all.begin(), all.end(), nearer);
    all.resize(10);
    std::vector<VectorHit> kept;
    nodes.copy_to(kept);
    EXPECT_EQ(kept, all);
    EXPECT_EQ(nodes.reach(), all.back().distance);
  }
}

TEST(NearestNodes, are_left_once_each_the_nearest_first) {
  NearestNodes nodes;
  nodes.reset(3);
  EXPECT_EQ(nodes.leave_next(), -1);
  EXPECT_TRUE(nodes.offer({4, 2}));
  EXPECT_EQ(nodes.leave_next(), 4);
  EXPECT_TRUE(nodes.offer({0, 1}));
  EXPECT_FALSE(nodes.offer({7, 3}));
  EXPECT_FALSE(nodes.offer({9, 3})) << "a farther number at the reach stays out";
  EXPECT_EQ(nodes.leave_next(), 0);
  EXPECT_TRUE(nodes.offer({8, 2})) << "it comes in behind 4, which was left";
  EXPECT_EQ(nodes.leave_next(), 8);
  EXPECT_EQ(nodes.leave_next(), -1);
}

TEST(VisitedNodes, tell_what_is_new_and_forget_it) {
  VisitedNodes visited;
  visited.reset(130);
  EXPECT_TRUE(visited.add(129));
  EXPECT_FALSE(visited.add(129));
  EXPECT_TRUE(visited.add(128));
  visited.reset(10);
  visited.reset(200);
  EXPECT_TRUE(visited.add(129));
  EXPECT_TRUE(visited.add(199));
}

TEST(VectorKernels, give_rows_the_same_distance_bit_for_bit_alone_and_together) {
  constexpr std::size_t kStride = 48;
  constexpr std::size_t kRows = 23;
  std::vector<float> vectors;
  Rng rng(9);
  for (std::size_t i = 0; i < kRows * kStride; ++i) vectors.push_back(static_cast<float>(rng.normal()));
  const VectorKernels kernels = find_vector_kernels();
  std::vector<float> alone;
  std::vector<std::int32_t> rows;
  for (std::size_t i = 0; i < kRows; ++i) {
    alone.push_back(kernels.distance(vectors.data(), vectors.data() + i * kStride, kStride));
    rows.push_back(static_cast<std::int32_t>(i));
    double exact = 0;
    for (std::size_t j = 0; j < kStride; ++j) {
      const double d = static_cast<double>(vectors[j]) - static_cast<double>(vectors[i * kStride + j]);
      exact += d * d;
    }
    EXPECT_NEAR(alone.back(), exact, 1e-5 * exact);
  }
  std::vector<float> together(kRows);
  kernels.distances(vectors.data(), vectors.data(), kStride, rows.data(), kRows, together.data());
  EXPECT_THAT(together, ElementsAreArray(alone));
  kernels.distances(vectors.data(), vectors.data(), kStride, nullptr, kRows, together.data());
  EXPECT_THAT(together, ElementsAreArray(alone));
}

std::vector<float> normals(std::size_t n, std::uint64_t seed) {
  std::vector<float> out;
  Rng rng(seed);
  for (std::size_t i = 0; i < n; ++i) out.push_back(static_cast<float>(rng.normal()));
  return out;
}

TEST(VectorCodes, give_distances_between_the_linked_within_a_percent) {
  constexpr std::size_t kStride = 80;
  constexpr std::size_t kRows = 300;
  std::vector<float> vectors = normals(kRows * kStride, 10);
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] += 50 * static_cast<float>(i % kStride);  // means are taken out
  std::vector<std::int32_t> links;
  for (std::size_t i = 0; i < kRows; ++i) {
    links.push_back(static_cast<std::int32_t>((i + 1) % kRows));
    links.push_back(static_cast<std::int32_t>((i + 7) % kRows));
    links.push_back(-1);
  }
  const VectorCodes codes(vectors, kStride);
  EXPECT_EQ(codes.row_bytes(), 128U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(codes.rows()) % 64, 0U);
  const double error = codes.link_error(vectors, kStride, links, 3);
  EXPECT_GT(error, 0);
  EXPECT_LT(error, 0.01);
  // One value far from all makes the steps as wide as the others lie apart: such codes say so.
  vectors[5] = 1e4F;
  EXPECT_GT(VectorCodes(vectors, kStride).link_error(vectors, kStride, links, 3), 0.1);
}

TEST(VectorCodes, of_equal_vectors_are_none) {
  const std::vector<float> vectors(4 * 16, 2);
  EXPECT_TRUE(VectorCodes(vectors, 16).empty());
}

TEST(Links, end_at_the_first_that_is_none) {
  const std::vector<std::int32_t> row = {3, 1, -1, 7};
  EXPECT_THAT(filled(row), ElementsAre(3, 1));
}

}  // namespace
}  // namespace lodestone::models
