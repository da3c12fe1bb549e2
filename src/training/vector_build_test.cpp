#include "training/vector_build.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "models/recall/vector_file.hpp"

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
  models::OwnedVectorIndex owned;
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
  const auto query = std::span(base).first(kDimension);
  for (const int step : {9, 2}) {  // a scan of few looks at their vectors, one of many at the codes
    std::fill(bits.begin(), bits.end(), 0);
    allowed.count = 0;
    for (std::size_t i = 0; i < 1000; i += static_cast<std::size_t>(step)) {
      bits[i / 64] |= std::uint64_t{1} << i % 64;
      ++allowed.count;
    }
    std::vector<ItemIndex> wanted = nearest_by_definition(VectorDistance::kCosine, base, query, 1000);
    std::erase_if(wanted, [step](ItemIndex item) { return item % step != 0; });
    wanted.resize(20);
    for (const VectorSearchWay way : {VectorSearchWay::kScan, VectorSearchWay::kGraph, VectorSearchWay::kAuto}) {
      const auto found = built.search(query, {.k = 20, .ef = 100, .way = way, .allowed = &allowed});
      EXPECT_THAT(found, SizeIs(20));
      for (const ItemIndex item : found) EXPECT_EQ(item % step, 0);
      if (way == VectorSearchWay::kScan) {
        EXPECT_EQ(found, wanted) << step;
      }
    }
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

TEST(VectorSearch, finds_the_others_beside_more_copies_than_a_node_has_links) {
  for (const VectorDistance distance : {VectorDistance::kL2, VectorDistance::kCosine}) {
    for (const std::size_t first : {std::size_t{0}, std::size_t{700}}) {
      std::vector<float> base = clustered(1000, 12);
      // Copies of one direction: of different lengths under cosine, where they are equal but for rounding.
      for (std::size_t i = 0; i < 300; ++i) {
        for (std::size_t j = 0; j < kDimension; ++j)
          base[(first + i) * kDimension + j] =
              distance == VectorDistance::kL2 ? 1.0F : (0.3F + static_cast<float>(j)) * (1 + 0.37F * static_cast<float>(i));
      }
      Built walked(base, distance, {.m = 4, .ef_construction = 20, .threads = 1});
      double hits = 0;
      const std::vector<float> queries = clustered(50, 13);
      for (std::size_t q = 0; q < 50; ++q) {
        const auto query = std::span(queries).subspan(q * kDimension, kDimension);
        const auto found = walked.search(query, {.k = 10, .ef = 64, .way = VectorSearchWay::kGraph});
        for (const ItemIndex item : nearest_by_definition(distance, base, query, 10))
          hits += std::count(found.begin(), found.end(), item) > 0 ? 1 : 0;
      }
      EXPECT_GT(hits / 500, 0.95) << models::name_of(distance) << ", copies from " << first;
      const auto copies =
          walked.search(std::span(base).subspan(first * kDimension, kDimension), {.k = 3, .way = VectorSearchWay::kGraph});
      for (const ItemIndex item : copies)
        EXPECT_TRUE(item >= static_cast<ItemIndex>(first) && item < static_cast<ItemIndex>(first) + 300);
    }
  }
}

TEST(VectorSearch, goes_the_way_that_the_bench_found_faster) {
  const auto is_faster = [](std::size_t n, std::size_t allowed, std::size_t ef) {
    return models::is_walk_faster(n, allowed, ef, false);
  };
  EXPECT_FALSE(is_faster(3'000, 3'000, 64));
  EXPECT_TRUE(is_faster(3'001, 3'001, 64));
  EXPECT_FALSE(is_faster(24'000, 24'000, 256));
  EXPECT_TRUE(is_faster(24'001, 24'001, 256));
  EXPECT_FALSE(is_faster(300'000, 30'000, 64));
  EXPECT_TRUE(is_faster(300'000, 30'001, 64));
  EXPECT_FALSE(is_faster(300'000, 0, 64));
  const auto is_faster_than_codes = [](std::size_t n, std::size_t allowed, std::size_t ef) {
    return models::is_walk_faster(n, allowed, ef, true);
  };
  EXPECT_FALSE(is_faster_than_codes(10'000, 10'000, 64));
  EXPECT_TRUE(is_faster_than_codes(10'001, 10'001, 64));
  EXPECT_FALSE(is_faster_than_codes(80'000, 80'000, 256));
  EXPECT_FALSE(is_faster_than_codes(20'000, 10'000, 64));
  EXPECT_TRUE(is_faster_than_codes(20'000, 10'001, 64));
  EXPECT_FALSE(is_faster_than_codes(20'000, 4'999, 64)) << "few are left: by the vectors, 4,999^2 / 20,000 of 3,000";
  EXPECT_TRUE(is_faster_than_codes(60'000, 14'999, 64)) << "few are left of more";
}

TEST(VectorSearch, by_codes_finds_what_the_vectors_find_and_measures_it_by_them) {
  // Over 16 MiB, from where on an index has codes.
  constexpr std::size_t kItems = 4'200;
  constexpr std::size_t kWide = 1'008;
  std::vector<float> base;
  Rng rng(14);
  for (std::size_t i = 0; i < kItems * kWide; ++i) base.push_back(static_cast<float>(3 + rng.uniform()));
  for (std::size_t i = 0; i < kItems; ++i) {
    for (std::size_t j = 0; j < 8; ++j) base[i * kWide + j] += static_cast<float>(6 * rng.normal());
  }
  const models::OwnedVectorIndex owned = build_vector_index(base, kWide, VectorDistance::kL2, {.m = 6, .ef_construction = 20});
  const VectorIndex index(owned.view(), "index");
  VectorIndex::Scratch scratch;
  std::vector<VectorHit> walked;
  std::vector<VectorHit> exact;
  std::size_t hits = 0;
  for (std::size_t q = 0; q < 40; ++q) {
    const auto query = std::span(base).subspan(q * 100 * kWide, kWide);
    index.search(query, {.k = 10, .ef = 128, .way = VectorSearchWay::kGraph}, scratch, walked);
    index.search(query, {.k = 10, .way = VectorSearchWay::kScan}, scratch, exact);
    ASSERT_THAT(walked, SizeIs(10));
    EXPECT_EQ(walked.front(), exact.front());
    for (const VectorHit& hit : exact) hits += std::count(walked.begin(), walked.end(), hit) > 0 ? 1U : 0U;
  }
  EXPECT_GT(hits, 380U);
}

TEST(VectorBuild, refuses_lengths_whose_squares_are_no_floats_but_for_cosine) {
  std::vector<float> base(2 * kDimension, 1);
  base[kDimension] = 2e38F;
  for (const VectorDistance distance : {VectorDistance::kL2, VectorDistance::kInnerProduct}) {
    try {
      (void)build_vector_index(base, kDimension, distance, {});
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.message(), ::testing::HasSubstr("vector 1 has the length 2e+38, expected at most 9e+18"));
    }
  }
  Built built(base, VectorDistance::kCosine);
  EXPECT_THAT(built.search(std::span(base).last(kDimension), {.k = 1}), ElementsAre(1));
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
  const models::OwnedVectorIndex good = build_vector_index(base, kDimension, VectorDistance::kL2, {.m = 4, .threads = 1});
  const auto refuses = [](const models::OwnedVectorIndex& index) {
    try {
      const VectorIndex opened(index.view(), "vectors.safetensors");
      return std::string();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      return error.message();
    }
  };
  EXPECT_EQ(refuses(good), "");
  models::OwnedVectorIndex bad = good;
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

class VectorFileTest : public ::testing::Test {
 protected:
  static std::string sentence_of(const fs::path& path) {
    try {
      const TensorFile file(path);
      const VectorIndex opened(models::view_vector_index(file).arrays, path.string());
      return "";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
      return error.message();
    }
  }
  /// Sentence for a file whose number at `place` of the array "about" is another.
  [[nodiscard]] std::string sentence_with(const models::OwnedVectorIndex& index, std::size_t place, std::int64_t value) const {
    models::save_vector_index(index.view(), index.ef_construction, path_);
    std::size_t at = 0;
    {
      const TensorFile file(path_);
      const auto about = std::as_bytes(file.array<std::int64_t>("about"));
      at = static_cast<std::size_t>(about.data() - file.file().bytes().data()) + place * sizeof(value);
    }
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file.write(reinterpret_cast<const char*>(&value), sizeof(value));
    file.close();
    return sentence_of(path_);
  }

  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "vectors.safetensors";
};

TEST_F(VectorFileTest, answers_as_the_index_that_was_saved) {
  const std::vector<float> base = clustered(300, 10);
  for (const VectorDistance distance : {VectorDistance::kL2, VectorDistance::kCosine, VectorDistance::kInnerProduct}) {
    for (const std::size_t m : {std::size_t{0}, std::size_t{4}}) {
      Built built(base, distance, {.m = m, .ef_construction = 50, .threads = 1});
      models::save_vector_index(built.owned.view(), built.owned.ef_construction, path_);
      const TensorFile file(path_);
      const models::VectorFile opened = models::view_vector_index(file);
      EXPECT_EQ(opened.ef_construction, m == 0 ? 0U : 50U);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(opened.arrays.vectors.data()) % 64, 0U);
      const VectorIndex index(opened.arrays, "vectors");
      VectorIndex::Scratch scratch;
      std::vector<VectorHit> hits;
      for (const VectorSearchWay way : {VectorSearchWay::kScan, VectorSearchWay::kGraph}) {
        (void)built.search(std::span(base).first(kDimension), {.k = 7, .way = way});
        index.search(std::span(base).first(kDimension), {.k = 7, .way = way}, scratch, hits);
        EXPECT_EQ(hits, built.hits);
      }
    }
  }
}

TEST_F(VectorFileTest, holds_no_vector_or_one) {
  for (const std::size_t n : {std::size_t{0}, std::size_t{1}}) {
    const std::vector<float> base(n * kDimension, 1);
    const models::OwnedVectorIndex index = build_vector_index(base, kDimension, VectorDistance::kCosine, {});
    models::save_vector_index(index.view(), index.ef_construction, path_);
    const TensorFile file(path_);
    EXPECT_EQ(VectorIndex(models::view_vector_index(file).arrays, "vectors").size(), n);
  }
}

TEST_F(VectorFileTest, is_laid_out_as_the_example_of_its_page) {
  const std::vector<float> base{3, 4, 0, 2, 0, 0};
  const models::OwnedVectorIndex index = build_vector_index(base, 2, VectorDistance::kCosine, {.m = 0});
  models::save_vector_index(index.view(), index.ef_construction, path_);
  const TensorFile file(path_);
  EXPECT_THAT(file.array<std::int64_t>("about"), ElementsAre(1, 1, 2, 16, 0, 0, -1, 3));
  const std::span<const float> stored = file.array<float>("vectors", 48);
  EXPECT_THAT(stored.first(3), ElementsAre(0.6F, 0.8F, 0));
  EXPECT_THAT(stored.subspan(16, 3), ElementsAre(0, 1, 0));
  VectorIndex::Scratch scratch;
  std::vector<VectorHit> hits;
  VectorIndex(models::view_vector_index(file).arrays, "vectors").search(std::vector<float>{0, 5}, {}, scratch, hits);
  EXPECT_THAT(hits, ElementsAre(VectorHit{1, 0}, ::testing::Field(&VectorHit::item, 0), VectorHit{2, 1}));
  EXPECT_FLOAT_EQ(hits[1].distance, 0.4F);
}

TEST_F(VectorFileTest, refuses_what_does_not_fit) {
  const models::OwnedVectorIndex index =
      build_vector_index(clustered(100, 11), kDimension, VectorDistance::kL2, {.m = 4, .threads = 1});
  using ::testing::HasSubstr;
  EXPECT_EQ(sentence_with(index, 0, 1), "");
  EXPECT_THAT(sentence_with(index, 0, 2), HasSubstr("vectors.safetensors: holds version 2 of a vector index, expected 1"));
  EXPECT_THAT(sentence_with(index, 1, 3), HasSubstr("has the unknown distance 3"));
  EXPECT_THAT(sentence_with(index, 2, 0), HasSubstr("a vector has no whole number of lines"));
  EXPECT_THAT(sentence_with(index, 3, 24), HasSubstr("a vector has no whole number of lines"));
  EXPECT_THAT(sentence_with(index, 4, -1), HasSubstr("has the size -1"));
  EXPECT_THAT(sentence_with(index, 4, 5), HasSubstr("links"));
  EXPECT_THAT(sentence_with(index, 6, std::int64_t{1} << 40), HasSubstr("has the entry 1099511627776"));
  EXPECT_THAT(sentence_with(index, 6, 100), HasSubstr("the entry is no node"));
  EXPECT_THAT(sentence_with(index, 7, 99), HasSubstr("vectors"));
}

}  // namespace
}  // namespace lodestone::training
