// Built under the thread sanitizer too.
#include <gtest/gtest.h>

#include <atomic>

#include "base/rng.hpp"
#include "base/thread_pool.hpp"
#include "training/vector_build.hpp"

namespace lodestone::training {
namespace {

TEST(VectorBuildThreads, build_one_graph_that_several_then_search) {
  constexpr std::size_t kItems = 1500;
  constexpr std::size_t kDimension = 16;
  std::vector<float> base;
  Rng rng(3);
  for (std::size_t i = 0; i < kItems * kDimension; ++i) base.push_back(static_cast<float>(rng.normal()));
  const models::OwnedVectorIndex owned =
      build_vector_index(base, kDimension, models::VectorDistance::kL2, {.m = 8, .ef_construction = 60, .threads = 4});
  const models::VectorIndex index(owned.view(), "index");
  std::atomic<std::size_t> found = 0;
  parallel_for(kItems, 16, 4, [&](std::size_t begin, std::size_t end, int) {
    models::VectorIndex::Scratch scratch;
    std::vector<models::VectorHit> hits;
    for (std::size_t i = begin; i < end; ++i) {
      index.search(std::span(base).subspan(i * kDimension, kDimension), {.k = 1, .way = models::VectorSearchWay::kGraph}, scratch,
                   hits);
      if (!hits.empty() && hits[0].item == static_cast<ItemIndex>(i)) ++found;
    }
  });
  EXPECT_GT(found, kItems * 99 / 100);
}

}  // namespace
}  // namespace lodestone::training
