#include "training/vector_build.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/rng.hpp"

namespace lodestone::training {
namespace {

using models::VectorDistance;
using models::VectorHit;
using models::VectorIndex;
using models::VectorSearchOptions;
using models::VectorSearchWay;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::size_t kDimension = 20;

/// Points of eight clusters whose lengths differ by up to ten times.
std::vector<float> clustered(std::size_t n, std::uint64_t seed) {
  std::vector<float> out;
  for (std::size_t i = 0; i < n; ++i) {
    Rng centre(17, 1000 + i % 8);
    Rng rng(seed, 5000 + i);
    const double length = 0.3 + 3 * rng.uniform();
    for (std::size_t j = 0; j < kDimension; ++j)
      out.push_back(static_cast<float>(length * (centre.normal() + 0.4 * rng.normal())));
  }
  return out;
}

double nearness(VectorDistance distance, std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    dot += static_cast<double>(a[j]) * static_cast<double>(b[j]);
    aa += static_cast<double>(a[j]) * static_cast<double>(a[j]);
    bb += static_cast<double>(b[j]) * static_cast<double>(b[j]);
  }
  if (distance == VectorDistance::kInnerProduct) return dot;
  if (distance == VectorDistance::kL2) return -(aa + bb - 2 * dot);
  return dot / std::sqrt(aa * bb);
}

std::vector<ItemIndex> nearest_by_definition(VectorDistance distance, std::span<const float> base, std::span<const float> query,
                                             std::size_t k) {
  std::vector<ItemIndex> order(base.size() / kDimension);
  std::iota(order.begin(), order.end(), 0);
  const auto of = [&](ItemIndex i) {
    return nearness(distance, query, base.subspan(static_cast<std::size_t>(i) * kDimension, kDimension));
  };
  std::stable_sort(order.begin(), order.end(), [&](ItemIndex a, ItemIndex b) { return of(a) > of(b); });
  order.resize(std::min(k, order.size()));
  return order;
}

struct Built {
  explicit Built(std::span<const float> base, VectorDistance distance, const VectorIndexOptions& options = {})
      : owned(build_vector_index(base, kDimension, distance, options)), index(owned.view(), "index") {}
  std::vector<ItemIndex> search(std::span<const float> query, const VectorSearchOptions& options) {
    index.search(query, options, scratch, hits);
    std::vector<ItemIndex> out;
    for (const VectorHit& hit : hits) out.push_back(hit.item);
    return out;
  }
  OwnedVectorIndex owned;
  VectorIndex index;
  VectorIndex::Scratch scratch;
  std::vector<VectorHit> hits;
};

class VectorIndexTest : public ::testing::TestWithParam<VectorDistance> {};

TEST_P(VectorIndexTest, a_scan_gives_what_the_definition_says) {
  const std::vector<float> base = clustered(500, 1);
  const std::vector<float> queries = clustered(20, 2);
  Built built(base, GetParam());
  for (std::size_t q = 0; q < 20; ++q) {
    const auto query = std::span(queries).subspan(q * kDimension, kDimension);
    EXPECT_EQ(built.search(query, {.k = 10, .way = VectorSearchWay::kScan}), nearest_by_definition(GetParam(), base, query, 10))
        << q;
  }
}

TEST_P(VectorIndexTest, the_graph_finds_nearly_all_of_it) {
  const std::vector<float> base = clustered(3000, 3);
  const std::vector<float> queries = clustered(50, 4);
  for (const int threads : {1, 3}) {
    Built built(base, GetParam(), {.m = 16, .ef_construction = 100, .threads = threads});
    double hits = 0;
    for (std::size_t q = 0; q < 50; ++q) {
      const auto query = std::span(queries).subspan(q * kDimension, kDimension);
      const auto found = built.search(query, {.k = 10, .ef = 100, .way = VectorSearchWay::kGraph});
      ASSERT_THAT(found, SizeIs(10));
      const auto wanted = nearest_by_definition(GetParam(), base, query, 10);
      for (const ItemIndex item : wanted) hits += std::count(found.begin(), found.end(), item) > 0 ? 1 : 0;
    }
    EXPECT_GT(hits / 500, 0.97) << threads << " threads";
  }
}

INSTANTIATE_TEST_SUITE_P(Distances, VectorIndexTest,
                         ::testing::Values(VectorDistance::kL2, VectorDistance::kCosine, VectorDistance::kInnerProduct),
                         [](const auto& distance) { return std::string(models::name_of(distance.param)); });

TEST(VectorBuild, on_one_thread_gives_the_same_graph_for_a_seed) {
  const std::vector<float> base = clustered(400, 5);
  const Built one(base, VectorDistance::kL2, {.m = 8, .threads = 1});
  const Built two(base, VectorDistance::kL2, {.m = 8, .threads = 1});
  EXPECT_EQ(one.owned.links, two.owned.links);
  EXPECT_EQ(one.owned.upper_links, two.owned.upper_links);
  EXPECT_NE(one.owned.levels, Built(base, VectorDistance::kL2, {.m = 8, .seed = 2, .threads = 1}).owned.levels);
}

TEST(VectorBuild, a_larger_ef_finds_no_less) {
  const std::vector<float> base = clustered(3000, 6);
  const std::vector<float> queries = clustered(30, 7);
  Built built(base, VectorDistance::kL2, {.m = 4, .ef_construction = 20, .threads = 1});
  double before = 0;
  for (const std::size_t ef : {std::size_t{10}, std::size_t{40}, std::size_t{400}}) {
    double hits = 0;
    for (std::size_t q = 0; q < 30; ++q) {
      const auto query = std::span(queries).subspan(q * kDimension, kDimension);
      const auto found = built.search(query, {.k = 10, .ef = ef, .way = VectorSearchWay::kGraph});
      for (const ItemIndex item : nearest_by_definition(VectorDistance::kL2, base, query, 10))
        hits += std::count(found.begin(), found.end(), item) > 0 ? 1 : 0;
    }
    EXPECT_GE(hits, before);
    before = hits;
  }
  EXPECT_GT(before, 290);
}

TEST(VectorSearch, keeps_to_what_is_allowed_whichever_way_it_goes) {
  const std::vector<float> base = clustered(1000, 8);
  Built built(base, VectorDistance::kCosine);
  std::vector<std::uint64_t> bits((1000 + 63) / 64, 0);
  models::AllowedItems allowed{bits, 0};
  for (std::size_t i = 0; i < 1000; i += 9) {
    bits[i / 64] |= std::uint64_t{1} << i % 64;
    ++allowed.count;
  }
  const auto query = std::span(base).first(kDimension);
  for (const VectorSearchWay way : {VectorSearchWay::kScan, VectorSearchWay::kGraph, VectorSearchWay::kAuto}) {
    const auto found = built.search(query, {.k = 20, .ef = 100, .way = way, .allowed = &allowed});
    EXPECT_THAT(found, SizeIs(20));
    for (const ItemIndex item : found) EXPECT_EQ(item % 9, 0);
  }
  models::AllowedItems none{bits, 0};
  std::fill(bits.begin(), bits.end(), 0);
  EXPECT_THAT(built.search(query, {.k = 20, .way = VectorSearchWay::kGraph, .allowed = &none}), IsEmpty());
}

TEST(VectorSearch, takes_equal_vectors_zeros_and_few_of_them) {
  const std::vector<float> zeros(50 * kDimension, 0);
  for (const VectorDistance distance : {VectorDistance::kL2, VectorDistance::kCosine, VectorDistance::kInnerProduct}) {
    Built built(zeros, distance, {.m = 4, .threads = 1});
    EXPECT_THAT(built.search(std::span(zeros).first(kDimension), {.k = 3, .way = VectorSearchWay::kScan}), ElementsAre(0, 1, 2));
    EXPECT_THAT(built.search(std::span(zeros).first(kDimension), {.k = 3, .way = VectorSearchWay::kGraph}), SizeIs(3));
  }
  const std::vector<float> one(kDimension, 1);
  Built single(one, VectorDistance::kCosine);
  EXPECT_THAT(single.search(one, {.k = 5, .way = VectorSearchWay::kGraph}), ElementsAre(0));
  Built empty({}, VectorDistance::kCosine);
  EXPECT_THAT(empty.search(one, {.k = 5}), IsEmpty());
  EXPECT_THAT(single.search(one, {.k = 0}), IsEmpty());
}

TEST(VectorBuild, refuses_what_is_no_vector_with_its_place) {
  std::vector<float> bad(3 * kDimension, 1);
  bad[kDimension + 4] = std::numeric_limits<float>::quiet_NaN();
  try {
    (void)build_vector_index(bad, kDimension, VectorDistance::kL2, {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), ::testing::HasSubstr("vector 1 has the value nan at 4"));
  }
  EXPECT_THROW((void)build_vector_index(bad, 0, VectorDistance::kL2, {}), Error);
  EXPECT_THROW((void)build_vector_index(bad, 7, VectorDistance::kL2, {}), Error);
}

TEST(VectorIndexArrays, that_do_not_fit_are_refused) {
  const std::vector<float> base = clustered(300, 9);
  const OwnedVectorIndex good = build_vector_index(base, kDimension, VectorDistance::kL2, {.m = 4, .threads = 1});
  const auto refuses = [](const OwnedVectorIndex& index) {
    try {
      const VectorIndex opened(index.view(), "vectors.safetensors");
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      return error.message();
    }
  };
  EXPECT_EQ(refuses(good), "");
  OwnedVectorIndex bad = good;
  bad.links[5] = 300;
  EXPECT_THAT(refuses(bad), ::testing::HasSubstr("a link leads beyond the vectors"));
  bad = good;
  bad.levels.pop_back();
  EXPECT_THAT(refuses(bad), ::testing::HasSubstr("the graph is not that of the vectors"));
  bad = good;
  bad.vectors.pop_back();
  EXPECT_THAT(refuses(bad), ::testing::HasSubstr("cut short"));
  bad = good;
  bad.entry = 300;
  EXPECT_THAT(refuses(bad), ::testing::HasSubstr("the entry is no node"));
  bad = good;
  bad.vectors[3] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(refuses(bad), ::testing::HasSubstr("a vector is no number"));
  bad = good;
  const auto low = static_cast<std::size_t>(std::find(bad.levels.begin(), bad.levels.end(), 0) - bad.levels.begin());
  ASSERT_FALSE(bad.upper_links.empty());
  bad.upper_links[0] = static_cast<std::int32_t>(low);
  EXPECT_THAT(refuses(bad), ::testing::HasSubstr("not on its level"));
}

}  // namespace
}  // namespace lodestone::training
