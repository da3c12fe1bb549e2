// A ranker puts the candidates of recall in order, and nothing else about a page changes.
#include "engine/ranking.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "base/rng.hpp"
#include "engine/recommender.hpp"
#include "features/schema.hpp"
#include "tests/support/allocation_counter.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

const std::vector<std::string> kColumns{"item_price", "user_order_count", "cross_rank_behavior", "cross_page_cosine"};
/// Items above 4 go up.
const test::Stump kDear{0, 4, -1, 1};
const test::Stump kBehind{2, 5, 0.25, 0};

models::ReleaseData release_with(const std::vector<models::OwnedRanking::Text>& rankers, std::size_t n_items = 120,
                                 std::size_t n_tastes = 1) {
  test::SampleOptions options;
  options.n_tastes = n_tastes;
  options.n_items = n_items;
  options.n_neighbours = 40;
  models::ReleaseData data = test::sample_release(options);
  data.ranking = test::sample_ranking(data, 3);
  data.ranking.rankers = rankers;
  return data;
}

std::vector<ItemIndex> items_of(const Page& page) {
  std::vector<ItemIndex> out;
  for (const PageItem& item : page.items) out.push_back(item.item);
  return out;
}

PageRequest similar_to(ItemIndex item, std::size_t limit = 20) {
  PageRequest request;
  request.item = item;
  request.limit = limit;
  return request;
}

float price_of(const models::Release& release, ItemIndex item) {
  return release.ranking->item(item).row[*features::find_feature(features::Group::kItem, "item_price")];
}

TEST(Ranking, the_ranker_decides_the_order_and_recall_among_equals) {
  const test::SampleBundle sample(release_with({{"dear", test::stump_ranker(kColumns, {kDear})}}));
  Scratch scratch;
  Page page;
  std::size_t n_dear = 0;
  for (ItemIndex item = 0; item < 120; ++item) {
    PageRequest request = similar_to(item, 100);
    request.with_ranker = false;
    recommend(sample.release(), request, scratch, page);
    ASSERT_EQ(page.ranker, nullptr);
    std::vector<ItemIndex> expected;
    for (const PageItem& placed : page.items) {
      constexpr auto kFilled = 1U << static_cast<unsigned>(Channel::kFallback) | 1U << static_cast<unsigned>(Channel::kCatalog) |
                               1U << static_cast<unsigned>(Channel::kPopular);
      if ((placed.channels & kFilled) == 0) expected.push_back(placed.item);
    }
    // Backfilled from the category's list has that channel alone and a score of the filler; what was ranked is counted below.
    request.with_ranker = true;
    recommend(sample.release(), request, scratch, page);
    if (page.ranker == nullptr) continue;  // a page without candidates
    EXPECT_EQ(page.ranker->name(), "dear");
    expected.resize(page.n_ranked);
    std::stable_partition(expected.begin(), expected.end(), [&](ItemIndex i) { return price_of(sample.release(), i) > 4; });
    std::vector<ItemIndex> ranked = items_of(page);
    ranked.resize(page.n_ranked);
    EXPECT_THAT(ranked, ElementsAreArray(expected)) << "item " << item;
    for (std::size_t k = 0; k < page.n_ranked; ++k) {
      const bool dear = price_of(sample.release(), page.items[k].item) > 4;
      n_dear += dear ? 1 : 0;
      EXPECT_EQ(page.items[k].score, ranked_score(dear ? 1 : -1));
    }
  }
  EXPECT_GT(n_dear, 500U);
}

TEST(Ranking, pages_without_a_history_and_lists_of_their_own_keep_their_order) {
  const test::SampleBundle sample(release_with({{"dear", test::stump_ranker(kColumns, {kDear})}}));
  Scratch scratch;
  Page page;
  PageRequest request;
  for (const PageKind kind : {PageKind::kUser, PageKind::kTrending, PageKind::kSearch}) {
    request.kind = kind;
    recommend(sample.release(), request, scratch, page);
    EXPECT_EQ(page.ranker, nullptr) << static_cast<int>(kind);
    EXPECT_FALSE(page.items.empty());
  }
}

TEST(Ranking, a_ranker_that_fails_makes_way_for_the_next_and_the_last_for_recall) {
  // Each leaf is finite, and two of them are more than a double holds.
  const test::Stump huge{0, 4, 1.5e308, 1.5e308};
  const std::string broken = test::stump_ranker(kColumns, {huge, huge});
  const std::string good = test::stump_ranker(kColumns, {kDear});
  Scratch scratch;
  Page page;
  Page plain;
  for (const std::size_t n_good : {std::size_t{1}, std::size_t{0}}) {
    std::vector<models::OwnedRanking::Text> rankers{{"broken", broken}};
    if (n_good > 0) rankers.push_back({"good", good});
    const test::SampleBundle sample(release_with(rankers));
    PageRequest request = similar_to(7);
    recommend(sample.release(), request, scratch, page);
    EXPECT_EQ(page.n_failed_rankers, 1U);
    ASSERT_EQ(page.ranker != nullptr, n_good > 0);
    if (n_good > 0) {
      EXPECT_EQ(page.ranker->name(), "good");
      continue;
    }
    request.with_ranker = false;
    recommend(sample.release(), request, scratch, plain);
    EXPECT_EQ(items_of(page), items_of(plain));
  }
}

TEST(Ranking, rows_on_request_are_those_of_the_items_that_were_ranked) {
  const test::SampleBundle sample(
      release_with({{"mixed", test::stump_ranker(kColumns, {kDear, kBehind, {1, 3, 0.1, 0.2}, {3, 0.5, 0, 0.3}})}}));
  const models::Release& release = sample.release();
  Scratch scratch;
  Page page;
  std::size_t n_rows = 0;
  for (std::size_t u = 0; u < release.users.size(); ++u) {
    PageRequest request = similar_to(static_cast<ItemIndex>(u));
    request.kind = PageKind::kDetail;
    request.user = release.users.id(u);
    request.with_rows = true;
    recommend(release, request, scratch, page);
    ASSERT_NE(page.ranker, nullptr);
    const std::size_t n_ranked = std::min<std::size_t>(page.n_ranked, request.limit);
    ASSERT_EQ(page.rows.size(), n_ranked * kColumns.size());
    models::TreeScorer::Scratch trees;
    std::vector<double> scores(n_ranked);
    ASSERT_TRUE(page.ranker->score(page.rows, n_ranked, scores, trees));
    for (std::size_t k = 0; k < n_ranked; ++k) {
      EXPECT_EQ(page.items[k].score, ranked_score(scores[k]));
      const float price = page.rows[k * kColumns.size()];
      const float expected = price_of(release, page.items[k].item);
      EXPECT_TRUE(std::bit_cast<std::uint32_t>(price) == std::bit_cast<std::uint32_t>(expected));
      const Contribution& behavior = page.items[k].contributions[static_cast<std::size_t>(Channel::kBehavior)];
      const float rank = page.rows[k * kColumns.size() + 2];
      EXPECT_TRUE(behavior.rank == 0 ? std::isnan(rank) : rank == static_cast<float>(behavior.rank));
      const float cosine = page.rows[k * kColumns.size() + 3];
      EXPECT_TRUE(std::isnan(cosine) || std::abs(cosine) <= 1.0001F);
      ++n_rows;
    }
  }
  EXPECT_GT(n_rows, 200U);
}

/// Cosine of two items by the numbers that the release holds; NaN where one of them has none.
double cosine_of(const models::Release& release, ItemIndex a, ItemIndex b) {
  const models::VectorArrays& arrays = release.vectors.index().arrays();
  const auto number = [&](ItemIndex item, std::size_t i) {
    return static_cast<double>(arrays.vectors[static_cast<std::size_t>(item) * arrays.stride + i]);
  };
  double both = 0;
  double of_a = 0;
  double of_b = 0;
  for (std::size_t i = 0; i < arrays.dimension; ++i) {
    both += number(a, i) * number(b, i);
    of_a += number(a, i) * number(a, i);
    of_b += number(b, i) * number(b, i);
  }
  return both / std::sqrt(of_a * of_b);
}

TEST(Ranking, tells_how_much_of_what_a_visitor_met_last_is_near) {
  const std::vector<std::string> columns{"cross_history_near", "cross_page_cosine"};
  const test::SampleBundle sample(
      release_with({{"near", test::stump_ranker(columns, {{0, 0.3, 0, 1}, {1, 0.2, 0, 0.5}})}}, 120, 3));
  const models::Release& release = sample.release();
  Scratch scratch;
  Page page;
  std::set<float> met;
  for (std::size_t u = 0; u < release.users.size(); ++u) {
    PageRequest request = similar_to(static_cast<ItemIndex>(u));
    request.kind = PageKind::kDetail;
    request.user = release.users.id(u);
    request.with_rows = true;
    // Newer than the release, and more than the newest that count, together with its history.
    std::vector<ItemIndex> recent;
    for (std::size_t k = 0; k < u % 40; ++k) recent.push_back(static_cast<ItemIndex>((7 * u + 3 * k) % 120));
    request.recent = recent;
    recommend(release, request, scratch, page);
    ASSERT_NE(page.ranker, nullptr);
    std::vector<ItemIndex> history = recent;
    for (const ItemIndex item : release.users.history(u)) {
      if (std::find(recent.begin(), recent.end(), item) == recent.end()) history.push_back(item);
    }
    history.resize(std::min<std::size_t>(history.size(), 30));
    for (std::size_t k = 0; k < page.rows.size() / columns.size(); ++k) {
      const ItemIndex item = page.items[k].item;
      double near = 0;
      double n = 0;
      bool is_close = false;  // to the limit, where rounding decides
      for (const ItemIndex one : history) {
        const double cosine = cosine_of(release, item, one);
        if (std::isnan(cosine)) continue;
        ++n;
        near += cosine > 0.5 ? 1 : 0;
        is_close = is_close || std::abs(cosine - 0.5) < 1e-5;
      }
      if (is_close) continue;
      const float share = page.rows[k * columns.size()];
      if (n == 0) {
        EXPECT_TRUE(std::isnan(share));
      } else {
        EXPECT_FLOAT_EQ(share, static_cast<float>(near / n)) << u << ' ' << item;
        met.insert(share);
      }
      const double to_page = cosine_of(release, item, *request.item);
      const float said = page.rows[k * columns.size() + 1];
      EXPECT_TRUE(std::isnan(to_page) ? std::isnan(said) : std::abs(said - to_page) < 1e-5) << said << ' ' << to_page;
    }
  }
  EXPECT_GT(met.size(), 3U);
}

TEST(Ranking, the_pool_is_what_recall_puts_first) {
  const test::SampleBundle sample(release_with({}));
  const models::Release& release = sample.release();
  const features::Vectorizer vectorizer(kColumns, release.ranking->users.columns, release.ranking->items.columns);
  Scratch scratch;
  Page page;
  Page plain;
  Rng rng(9);
  for (int round = 0; round < 200; ++round) {
    PageRequest request = similar_to(static_cast<ItemIndex>(rng.below(120)), 100);
    const auto filter = Filter::parse("price<=20");
    if (rng.chance(0.5)) request.filter = &filter;
    const std::size_t depth = 1 + rng.below(60);
    recommend(release, request, scratch, plain);
    make_candidate_rows(release, request, vectorizer, depth, scratch, page);
    ASSERT_LE(scratch.pool.size(), depth);
    for (std::size_t k = 0; k < scratch.pool.size(); ++k) EXPECT_EQ(key_item(scratch.pool[k]), plain.items[k].item);
  }
}

TEST(Ranking, a_warm_ranked_page_allocates_nothing) {
  const test::SampleBundle sample(release_with({{"mixed", test::stump_ranker(kColumns, {kDear, kBehind})}}));
  Scratch scratch;
  Page page;
  warm(sample.release(), scratch, page);
  const std::size_t before = test::allocation_count();
  for (ItemIndex item = 0; item < 120; ++item) recommend(sample.release(), similar_to(item, 50), scratch, page);
  EXPECT_EQ(test::allocation_count(), before);
  EXPECT_NE(page.ranker, nullptr);
}

}  // namespace
}  // namespace lodestone::engine
