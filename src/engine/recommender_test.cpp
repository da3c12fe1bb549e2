#include "engine/recommender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/rng.hpp"
#include "engine/query.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

using models::NeighbourRow;
using models::Release;
using models::ReleaseData;
using ::testing::ElementsAre;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

models::OwnedNeighbours lists_of(const std::vector<std::vector<models::ScoredItem>>& rows) {
  models::OwnedNeighbours out;
  for (const auto& row : rows) {
    for (const models::ScoredItem& entry : row) {
      out.items.push_back(entry.item);
      out.scores.push_back(entry.score);
    }
    out.offsets.push_back(out.items.size());
  }
  return out;
}

/// Eight items of two categories (even and odd), ids 100 + place, and a user 7 who saw item 0 and owns item 3.
ReleaseData small_release() {
  ReleaseData data;
  data.items.resize(8);
  for (std::size_t i = 0; i < 8; ++i) {
    data.items[i].id = ItemId(static_cast<std::int64_t>(100 + i));
    data.items[i].title = i % 2 == 0 ? "weather data" : "traffic data";
    data.items[i].category = i % 2 == 0 ? "even" : "odd";
  }
  data.behavior = lists_of({{{1, 0.8F}, {2, 0.6F}}, {}, {}, {}, {}, {}, {}, {}});
  data.behavior_influence = lists_of({{{4, 0.9F}, {3, 0.6F}, {5, 0.3F}}, {}, {}, {}, {}, {}, {}, {}});
  data.content = lists_of({{{2, 10}, {6, 5}}, {}, {}, {}, {}, {}, {}, {}});
  data.popular = lists_of({{{7, 30}, {1, 20}, {0, 10}}});
  data.popular_by_category = lists_of({{{4, 9}, {0, 8}}, {{7, 30}}});
  data.trending = lists_of({{}, {{5, 3}, {6, 2}}, {{6, 9}, {7, 8}}});
  std::vector<std::uint64_t> tokens;
  query_tokens("weather", tokens);
  data.text = {tokens, {0, 2}, {0, 2}, {1.0F, 3.0F}};
  data.users = {{UserId(7), {0}, {2.0F}, {3}}};
  return data;
}

class RecommenderTest : public ::testing::Test {
 protected:
  const Page& page_of(const PageRequest& request) {
    recommend(sample_.release(), request, scratch_, page_);
    return page_;
  }
  /// "place:reason" of each item.
  std::vector<std::string> shown(const PageRequest& request) {
    std::vector<std::string> out;
    for (const PageItem& item : page_of(request).items) {
      out.push_back(std::to_string(item.item) + ':');
      append_reason(out.back(), item.channels);
    }
    return out;
  }
  test::SampleBundle sample_{small_release()};
  Scratch scratch_;
  Page page_;
};

TEST_F(RecommenderTest, similar_items_come_from_behaviour_and_content_then_from_the_category) {
  PageRequest request;
  request.item = 0;
  EXPECT_THAT(shown(request),
              ElementsAre("2:behavior+content", "1:behavior", "6:content", "4:category", "7:popular", "5:fallback:catalog", "3:fallback:catalog"));
  EXPECT_EQ(page_.degrade_reason, "");
  EXPECT_FALSE(page_.user_known);
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kBehavior)], 2U);
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kContent)], 2U);
}

TEST_F(RecommenderTest, scores_follow_the_formula) {
  PageRequest request;
  request.item = 0;
  page_of(request);
  const auto second = 61.0 / 62.0;
  EXPECT_NEAR(page_.items[0].score, (1.0 * 0.75 * second + 0.5 * 1.0) / 1.5, 1e-6);  // item 2
  EXPECT_NEAR(page_.items[1].score, 1.0 / 1.5, 1e-6);                               // item 1
  EXPECT_NEAR(page_.items[2].score, 0.5 * 0.5 * second / 1.5, 1e-6);                // item 6
  EXPECT_NEAR(page_.items[3].score, page_.items[2].score * 0.95, 1e-6);
}

TEST_F(RecommenderTest, contributions_name_rank_and_raw_score) {
  PageRequest request;
  request.item = 0;
  const PageItem& both = page_of(request).items[0];
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kBehavior)].rank, 2);
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kBehavior)].score, 0.6F);
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kContent)].rank, 1);
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kContent)].score, 10.0F);
  EXPECT_EQ(both.contributions[static_cast<std::size_t>(Channel::kPopular)].rank, 0);
}

TEST_F(RecommenderTest, a_weight_changes_the_order_and_zero_switches_off) {
  PageRequest request;
  request.item = 0;
  request.limit = 3;
  models::ChannelWeights weights{0.2, 1.0, 0.1};
  request.weights = &weights;
  EXPECT_THAT(shown(request), ElementsAre("2:behavior+content", "6:content", "1:behavior"));
  weights = {0, 1, 0};
  EXPECT_THAT(shown(request), ElementsAre("2:content", "6:content", "4:category"));
  EXPECT_EQ(page_.candidates[static_cast<std::size_t>(Channel::kBehavior)], 0U);
  weights = {1, 0, 0};
  EXPECT_THAT(shown(request), ElementsAre("1:behavior", "2:behavior", "4:category"));
}

TEST_F(RecommenderTest, weights_that_are_no_weights_switch_off) {
  PageRequest request;
  request.item = 0;
  request.limit = 2;
  const models::ChannelWeights weights{-1, std::numeric_limits<double>::quiet_NaN(), 1};
  request.weights = &weights;
  EXPECT_THAT(shown(request), ElementsAre("4:fallback:popular", "7:fallback:popular"));
}

TEST_F(RecommenderTest, the_release_brings_its_weights) {
  ReleaseData data = small_release();
  data.weights = {0, 1, 0};
  const test::SampleBundle other(data);
  PageRequest request;
  request.item = 0;
  request.limit = 1;
  recommend(other.release(), request, scratch_, page_);
  EXPECT_EQ(page_.items[0].channels, 1U << static_cast<unsigned>(Channel::kContent));
}

TEST_F(RecommenderTest, an_item_without_lists_falls_back_and_says_so) {
  PageRequest request;
  request.item = 4;
  EXPECT_THAT(shown(request), ElementsAre("0:fallback:popular", "7:fallback:popular", "1:fallback:popular", "6:fallback:catalog", "5:fallback:catalog",
                                          "3:fallback:catalog", "2:fallback:catalog"));
  EXPECT_EQ(page_.degrade_reason, "no_candidates");
}

TEST_F(RecommenderTest, a_known_user_gets_what_the_history_speaks_for) {
  PageRequest request;
  request.kind = PageKind::kUser;
  request.user = UserId(7);
  request.limit = 5;
  // Item 3 is owned; 2 and 6 are like item 0, 4 and 5 go with it.
  EXPECT_THAT(shown(request), ElementsAre("4:behavior", "2:content", "5:behavior", "6:content", "7:popular"));
  EXPECT_TRUE(page_.user_known);
  EXPECT_EQ(page_.degrade_reason, "");
}

TEST_F(RecommenderTest, guests_and_unknown_users_get_what_is_popular) {
  PageRequest request;
  request.kind = PageKind::kUser;
  request.limit = 4;
  const std::vector<std::string> guest = shown(request);
  EXPECT_THAT(guest, ElementsAre("7:popular", "1:popular", "0:popular", "6:fallback:catalog"));
  request.user = UserId(12345);
  EXPECT_EQ(shown(request), guest);
  EXPECT_FALSE(page_.user_known);
}

TEST_F(RecommenderTest, a_detail_page_adds_the_visitors_history) {
  PageRequest request;
  request.kind = PageKind::kDetail;
  request.item = 0;
  request.limit = 4;
  EXPECT_THAT(shown(request), ElementsAre("2:behavior+content", "1:behavior", "6:content", "4:category"));
  request.user = UserId(7);
  EXPECT_THAT(shown(request), ElementsAre("2:behavior+content", "1:behavior", "4:behavior", "6:content"));
  EXPECT_TRUE(page_.user_known);
}

TEST_F(RecommenderTest, trending_takes_the_window_or_the_next_wider) {
  PageRequest request;
  request.kind = PageKind::kTrending;
  request.window = models::TrendingWindow::kWeek;
  request.limit = 3;
  EXPECT_THAT(shown(request), ElementsAre("6:trending", "7:trending", "1:popular"));
  request.window = models::TrendingWindow::kDay;
  EXPECT_THAT(shown(request), ElementsAre("5:trending", "6:trending", "7:trending"));
  request.window = models::TrendingWindow::kHour;  // nothing happened
  EXPECT_THAT(shown(request), ElementsAre("5:trending", "6:trending", "7:trending"));
  EXPECT_EQ(page_.degrade_reason, "");
}

TEST_F(RecommenderTest, a_search_gives_what_matches_and_no_more) {
  PageRequest request;
  request.kind = PageKind::kSearch;
  std::vector<std::uint64_t> tokens;
  query_tokens("WEATHER nonsense weather", tokens);
  request.query_tokens = tokens;
  EXPECT_THAT(shown(request), ElementsAre("2:content", "0:content"));
  EXPECT_EQ(page_.items[0].score, 1.0F);
  query_tokens("nonsense", tokens);
  request.query_tokens = tokens;
  EXPECT_THAT(shown(request), IsEmpty());
  request.query_tokens = {};
  request.limit = 2;
  EXPECT_THAT(shown(request), ElementsAre("7:popular", "1:popular"));
}

TEST_F(RecommenderTest, a_limit_of_nothing_is_an_empty_page) {
  PageRequest request;
  request.item = 0;
  request.limit = 0;
  EXPECT_THAT(page_of(request).items, IsEmpty());
}

TEST_F(RecommenderTest, exclusions_and_filters_hold_for_every_source) {
  PageRequest request;
  request.item = 0;
  const std::vector<ItemId> exclude{ItemId(102), ItemId(107), ItemId(999)};
  request.exclude = exclude;
  EXPECT_THAT(shown(request), ElementsAre("1:behavior", "6:content", "4:category", "5:fallback:catalog", "3:fallback:catalog"));
  const Filter filter = Filter::parse(R"(category="odd")");
  request.filter = &filter;
  EXPECT_THAT(shown(request), ElementsAre("1:behavior", "5:fallback:catalog", "3:fallback:catalog"));
}

TEST(Query, is_cut_into_different_tokens_and_bounded) {
  std::vector<std::uint64_t> tokens;
  query_tokens("weather weather data", tokens);
  EXPECT_THAT(tokens, SizeIs(2));
  std::string huge;
  for (int i = 0; i < 10'000; ++i) huge += std::to_string(i) + ' ';
  query_tokens(huge, tokens);
  EXPECT_THAT(tokens, SizeIs(kMaxQueryTokens));
  query_tokens("\xff\xfe", tokens);
  query_tokens("", tokens);
  EXPECT_THAT(tokens, IsEmpty());
}

TEST(Channel, reasons_join_names_in_one_order) {
  std::string reason;
  append_reason(reason, 0b1111111);
  EXPECT_EQ(reason, "behavior+content+popular+trending+category+fallback:popular+fallback:catalog");
  reason.clear();
  append_reason(reason, 0);
  EXPECT_EQ(reason, "");
}

TEST(Recommender, an_empty_release_gives_empty_pages) {
  ReleaseData data;
  data.popular = lists_of({{}});
  data.trending = lists_of({{}, {}, {}});
  const test::SampleBundle sample(data);
  Scratch scratch;
  Page page;
  PageRequest request;
  request.kind = PageKind::kUser;
  recommend(sample.release(), request, scratch, page);
  EXPECT_THAT(page.items, IsEmpty());
  EXPECT_EQ(page.degrade_reason, "no_candidates");
  warm(sample.release(), scratch);
}

// --- Properties over random releases and requests ---

struct RandomRequest {
  PageRequest request;
  std::vector<ItemId> exclude;
  std::vector<std::uint64_t> tokens;
  std::optional<Filter> filter;
};

constexpr std::array<const char*, 6> kFilters = {R"(price<=10)", R"(not price<=35)", R"(category in ("category 0","category 1"))",
                                                 R"(tags has "traffic" and not company="company 1")", R"(price<0)", R"(title has "数据" or is_available=true)"};

void fill_random(RandomRequest& out, const Release& release, Rng& rng) {
  PageRequest& request = out.request;
  request = {};
  request.kind = static_cast<PageKind>(rng.below(5));
  if (request.kind == PageKind::kSimilar || request.kind == PageKind::kDetail) request.item = static_cast<ItemIndex>(rng.below(release.catalog.n_items()));
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
      EXPECT_EQ((placed.channels >> c & 1U) != 0, placed.contributions[c].rank > 0);
    }
    // What was filled in stands below all that was ranked.
    const bool filled = (placed.channels & (1U << static_cast<unsigned>(Channel::kCategory) | 1U << static_cast<unsigned>(Channel::kFallback) |
                                            1U << static_cast<unsigned>(Channel::kCatalog))) != 0;
    EXPECT_TRUE(filled || !filling || placed.channels == 1U << static_cast<unsigned>(Channel::kPopular));
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
    const test::SampleBundle sample(test::sample_release(options));
    for (int round = 0; round < 400; ++round) {
      fill_random(random, sample.release(), rng);
      recommend(sample.release(), random.request, scratch, page);
      expect_promises(sample.release(), random.request, page);
      if (::testing::Test::HasFailure()) FAIL() << "seed " << seed << ", round " << round << ", kind " << static_cast<int>(random.request.kind);
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
      scores[row.items[k]] += weight * row.scores[k] / row.scores[0] * 61.0 / (61.0 + static_cast<double>(k)) / 1.5;
    }
  };
  add(release.behavior.row(page_item), 1.0);
  add(release.content.row(page_item), 0.5);
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
