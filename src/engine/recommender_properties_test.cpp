// What holds for every page: random releases and requests against the promises of recommend(), and the fusion against its formula.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/rng.hpp"
#include "engine/query.hpp"
#include "engine/recommender.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

using models::NeighbourRow;
using models::Release;

struct RandomRequest {
  PageRequest request;
  std::vector<ItemId> exclude;
  std::vector<std::uint64_t> tokens;
  std::optional<Filter> filter;
};

constexpr std::array<const char*, 6> kFilters = {R"(price<=10)",
                                                 R"(not price<=35)",
                                                 R"(category in ("category 0","category 1"))",
                                                 R"(tags has "traffic" and not company="company 1")",
                                                 R"(price<0)",
                                                 R"(title has "数据" or is_available=true)"};

void fill_random(RandomRequest& out, const Release& release, Rng& rng) {
  PageRequest& request = out.request;
  request = {};
  request.kind = static_cast<PageKind>(rng.below(5));
  if (request.kind == PageKind::kSimilar || request.kind == PageKind::kDetail)
    request.item = static_cast<ItemIndex>(rng.below(release.catalog.n_items()));
  if (rng.chance(0.6)) request.user = UserId(static_cast<std::int64_t>(99 + rng.below(45)));
  request.window = static_cast<models::TrendingWindow>(rng.below(3));
  request.limit = 1 + rng.below(50);
  query_tokens(rng.chance(0.5) ? "weather data" : "气象 statistics 人口", out.tokens);
  request.query_tokens = out.tokens;
  out.exclude.clear();
  for (std::uint64_t n = rng.below(10); n > 0; --n) out.exclude.push_back(ItemId(static_cast<std::int64_t>(rng.below(200))));
  request.exclude = out.exclude;
  out.filter.reset();
  if (rng.chance(0.5)) out.filter = Filter::parse(kFilters[rng.below(kFilters.size())]);
  request.filter = out.filter ? &*out.filter : nullptr;
}

/// Whether an item may stand on the page, from the request's words alone.
bool may_be_shown(const Release& release, const PageRequest& request, ItemIndex item) {
  if (request.item == item || !release.catalog.is_available(item)) return false;
  if (std::find(request.exclude.begin(), request.exclude.end(), release.catalog.id(item)) != request.exclude.end()) return false;
  if (const auto user = request.user ? release.users.find(*request.user) : std::nullopt) {
    const auto owned = release.users.owned(*user);
    if (std::find(owned.begin(), owned.end(), item) != owned.end()) return false;
  }
  if (request.filter == nullptr) return true;
  BoundFilter filter;
  filter.bind(*request.filter, release.catalog);
  return filter.matches(item);
}

/// Items that a search may give: those with one of the tokens.
std::set<ItemIndex> matching(const Release& release, std::span<const std::uint64_t> tokens) {
  std::set<ItemIndex> out;
  for (std::size_t t = 0; t < release.text.tokens.size(); ++t) {
    if (std::find(tokens.begin(), tokens.end(), release.text.tokens[t]) == tokens.end()) continue;
    for (std::size_t p = release.text.offsets[t]; p < release.text.offsets[t + 1]; ++p) out.insert(release.text.items[p]);
  }
  return out;
}

void expect_promises(const Release& release, const PageRequest& request, const Page& page) {
  std::size_t n_eligible = 0;
  const std::set<ItemIndex> found = matching(release, request.query_tokens);
  const auto n = static_cast<ItemIndex>(release.catalog.n_items());
  for (ItemIndex item = 0; item < n; ++item) {
    if (may_be_shown(release, request, item) && (request.kind != PageKind::kSearch || found.contains(item))) ++n_eligible;
  }
  EXPECT_EQ(page.items.size(), std::min(request.limit, n_eligible));
  std::set<ItemIndex> seen;
  float above = 1;
  bool filling = false;
  for (const PageItem& placed : page.items) {
    EXPECT_TRUE(may_be_shown(release, request, placed.item)) << placed.item;
    EXPECT_TRUE(seen.insert(placed.item).second) << placed.item << " stands twice";
    EXPECT_GT(placed.score, 0);
    EXPECT_LE(placed.score, above);
    above = placed.score;
    EXPECT_NE(placed.channels, 0);
    for (std::size_t c = 0; c < kChannels; ++c) {
      EXPECT_EQ((placed.channels & 1U << c) != 0, placed.contributions[c].rank > 0);
    }
    // What was filled in stands below all that was ranked.
    const bool filled = (placed.channels &
                         (1U << static_cast<unsigned>(Channel::kFallback) | 1U << static_cast<unsigned>(Channel::kCatalog))) != 0;
    EXPECT_TRUE(filled || !filling);
    filling = filling || filled;
  }
}

TEST(RecommenderProperties, every_page_keeps_its_promises) {
  Rng rng(11);
  Scratch scratch;  // one for releases of all sizes, as a serving thread has
  Page page;
  RandomRequest random;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    test::SampleOptions options;
    options.seed = seed;
    options.n_items = 1 + rng.below(seed % 3 == 0 ? 8 : 150);
    options.n_neighbours = rng.below(30);
    options.available_share = seed % 4 == 0 ? 0.2 : 0.9;
    models::ReleaseData data = test::sample_release(options);
    if (seed % 2 == 0) {
      data.ranking = test::sample_ranking(data, seed);
      data.ranking.rankers = {{"a", test::stump_ranker({"item_price", "cross_recall_rank"}, {{0, 4, -1, 1}, {1, 7, 0.5, 0}})}};
    }
    const test::SampleBundle sample(data);
    for (int round = 0; round < 400; ++round) {
      fill_random(random, sample.release(), rng);
      recommend(sample.release(), random.request, scratch, page);
      expect_promises(sample.release(), random.request, page);
      if (::testing::Test::HasFailure())
        FAIL() << "seed " << seed << ", round " << round << ", kind " << static_cast<int>(random.request.kind);
    }
  }
}

TEST(RecommenderProperties, the_same_request_gives_the_same_page_whatever_came_before) {
  const test::SampleBundle sample(test::sample_release());
  Rng rng(3);
  Scratch used;
  RandomRequest random;
  for (int round = 0; round < 300; ++round) {
    fill_random(random, sample.release(), rng);
    Page page;
    Page fresh_page;
    Scratch fresh;
    recommend(sample.release(), random.request, used, page);
    recommend(sample.release(), random.request, fresh, fresh_page);
    ASSERT_EQ(page.items.size(), fresh_page.items.size());
    for (std::size_t i = 0; i < page.items.size(); ++i) {
      EXPECT_EQ(page.items[i].item, fresh_page.items[i].item);
      EXPECT_EQ(page.items[i].score, fresh_page.items[i].score);
    }
    EXPECT_EQ(page.degrade_reason, fresh_page.degrade_reason);
  }
}

TEST(RecommenderProperties, a_smaller_limit_gives_the_beginning_of_the_page) {
  const test::SampleBundle sample(test::sample_release());
  Rng rng(4);
  Scratch scratch;
  RandomRequest random;
  for (int round = 0; round < 300; ++round) {
    fill_random(random, sample.release(), rng);
    Page longer;
    Page shorter;
    recommend(sample.release(), random.request, scratch, longer);
    random.request.limit = 1 + rng.below(random.request.limit);
    recommend(sample.release(), random.request, scratch, shorter);
    for (std::size_t i = 0; i < shorter.items.size(); ++i) EXPECT_EQ(shorter.items[i].item, longer.items[i].item) << "at " << i;
  }
}

/// Fused scores of a similar page by the formula, in doubles and without any of the engine's code.
std::map<ItemIndex, double> fuse_by_formula(const Release& release, ItemIndex page_item) {
  std::map<ItemIndex, double> scores;
  const auto add = [&](const NeighbourRow& row, double weight) {
    for (std::size_t k = 0; k < row.items.size(); ++k) {
      scores[row.items[k]] += weight * row.scores[k] / row.scores[0] * 61.0 / (61.0 + static_cast<double>(k)) / 2.27;
    }
  };
  add(release.behavior.row(page_item), 1.0);
  add(release.content.row(page_item), 0.5);
  add(release.vector.row(page_item), 0.3);
  add(release.sequence.row(page_item), 0.3);
  add(release.tag.row(page_item), 0.1);
  if (scores.empty()) return scores;
  add(release.popular_by_category.row(static_cast<std::size_t>(release.catalog.category_number(page_item))), 0.05);
  add(release.price.row(static_cast<std::size_t>(release.price_bucket[static_cast<std::size_t>(page_item)])), 0.02);
  return scores;
}

TEST(RecommenderProperties, similar_pages_hold_the_best_by_the_formula) {
  test::SampleOptions options;
  options.n_items = 300;
  options.n_neighbours = 60;
  const test::SampleBundle sample(test::sample_release(options));
  Scratch scratch;
  Page page;
  for (ItemIndex item = 0; item < 300; ++item) {
    PageRequest request;
    request.item = item;
    request.limit = 20;
    recommend(sample.release(), request, scratch, page);
    std::map<ItemIndex, double> scores = fuse_by_formula(sample.release(), item);
    std::erase_if(scores, [&](const auto& entry) { return !may_be_shown(sample.release(), request, entry.first); });
    std::vector<double> best;
    for (const auto& [other, score] : scores) best.push_back(score);
    std::sort(best.rbegin(), best.rend());
    for (std::size_t i = 0; i < std::min(best.size(), page.items.size()); ++i) {
      EXPECT_NEAR(page.items[i].score, best[i], 1e-6);
      EXPECT_NEAR(page.items[i].score, scores[page.items[i].item], 1e-6);
    }
  }
}

}  // namespace
}  // namespace lodestone::engine
