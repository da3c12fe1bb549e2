#include "engine/scratch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "base/rng.hpp"
#include "engine/recommender.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

using ::testing::ElementsAre;

TEST(ItemSet, empties_for_every_request) {
  ItemSet set;
  set.begin(130);
  set.insert(0);
  set.insert(129);
  set.insert(129);
  EXPECT_TRUE(set.contains(0));
  EXPECT_TRUE(set.contains(129));
  EXPECT_FALSE(set.contains(1));
  set.begin(200);
  EXPECT_FALSE(set.contains(0));
  EXPECT_FALSE(set.contains(129));
  EXPECT_FALSE(set.contains(199));
}

TEST(Candidates, hold_each_item_once_up_to_their_limit) {
  Candidates candidates;
  Rng rng(1);
  for (int round = 0; round < 50; ++round) {
    candidates.begin();
    std::map<ItemIndex, float> expected;
    const std::size_t n = 1 + rng.below(kOwnSources * kListDepth);
    while (expected.size() < n) {
      const auto item = static_cast<ItemIndex>(rng.below(round % 2 == 0 ? 6000 : INT32_MAX));
      candidates.at(item).score += 1;
      expected[item] += 1;
    }
    ASSERT_EQ(candidates.all().size(), expected.size());
    for (const Candidate& candidate : candidates.all()) EXPECT_EQ(candidate.score, expected[candidate.item]);
  }
}

TEST(ItemSums, give_the_best_and_are_empty_again) {
  ItemSums sums;
  sums.begin(10);
  const std::vector<ItemIndex> items{1, 5, 9};
  const std::vector<float> scores{3, 2, 1};
  sums.add({items, scores}, 1);
  sums.add({items, scores}, 0.5F);
  sums.add({std::span(items).first(2), std::span(scores).last(2)}, 1);  // 1 gets 2 more, 5 gets 1 more
  std::vector<ItemIndex> best;
  std::vector<float> best_scores;
  const auto row = sums.take_best(2, best, best_scores, [](ItemIndex item) { return item != 1; });
  EXPECT_THAT(row.items, ElementsAre(5, 9));
  EXPECT_THAT(row.scores, ElementsAre(4.0F, 1.5F));
  EXPECT_THAT(sums.take_best(2, best, best_scores, [](ItemIndex) { return true; }).items, ElementsAre());
}

TEST(ItemSums, count_an_item_once_even_when_its_sum_vanishes) {
  ItemSums sums;
  sums.begin(2);
  const std::vector<ItemIndex> items{0, 1};
  const std::vector<float> scores{std::numeric_limits<float>::denorm_min(), 0};
  for (int i = 0; i < 100; ++i) sums.add({items, scores}, 0.25F);  // less than the smallest float: stays 0
  EXPECT_EQ(sums.size(), 0U);
  for (int i = 0; i < 100; ++i) sums.add({items, scores}, 1);
  EXPECT_EQ(sums.size(), 1U);
}

TEST(ItemSums, agree_with_a_full_sort) {
  Rng rng(2);
  ItemSums sums;
  std::vector<ItemIndex> best;
  std::vector<float> best_scores;
  for (int round = 0; round < 100; ++round) {
    const std::size_t n_items = 1 + rng.below(2000);
    sums.begin(n_items);
    std::map<ItemIndex, float> expected;
    for (int list = 0; list < 5; ++list) {
      std::vector<ItemIndex> items;
      std::vector<float> scores;
      for (std::size_t k = 0; k < rng.below(300); ++k) {
        items.push_back(static_cast<ItemIndex>(rng.below(n_items)));
        scores.push_back(static_cast<float>(1 + rng.below(8)));  // many are equal
      }
      sums.add({items, scores}, 0.5F);
      for (std::size_t k = 0; k < items.size(); ++k) expected[items[k]] += 0.5F * scores[k];
    }
    std::vector<std::pair<float, ItemIndex>> order;
    for (const auto& [item, score] : expected) {
      if (item % 3 != 0) order.emplace_back(-score, item);
    }
    std::sort(order.begin(), order.end());
    const std::size_t n = 1 + rng.below(60);
    const auto row = sums.take_best(n, best, best_scores, [](ItemIndex item) { return item % 3 != 0; });
    ASSERT_EQ(row.items.size(), std::min(n, order.size()));
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      EXPECT_EQ(row.items[k], order[k].second);
      EXPECT_EQ(row.scores[k], -order[k].first);
    }
  }
}

TEST(Scratch, a_warm_request_allocates_nothing) {
  test::SampleOptions options;
  options.n_items = 500;
  options.n_neighbours = 100;
  const test::SampleBundle sample(test::sample_release(options));
  const Filter filter = Filter::parse(R"(price<=30 and category in ("category 1","category 2"))");
  Scratch scratch;
  Page page;
  const auto ask_all = [&] {
    for (int i = 0; i < 200; ++i) {
      PageRequest request;
      request.kind = static_cast<PageKind>(i % 4);
      request.limit = 50;
      if (i % 4 <= 1) request.item = i;
      request.user = UserId(100 + i % 40);
      request.filter = i % 3 == 0 ? &filter : nullptr;
      recommend(sample.release(), request, scratch, page);
    }
  };
  ask_all();
  ASSERT_GT(test::allocation_count(), 0U);  // it does count
  const std::size_t before = test::allocation_count();
  ask_all();
  EXPECT_EQ(test::allocation_count() - before, 0U);
}

}  // namespace
}  // namespace lodestone::engine
