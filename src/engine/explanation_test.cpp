#include "engine/explanation.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/recommender.hpp"
#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

std::vector<ItemIndex> items_of(const Page& page) {
  std::vector<ItemIndex> out;
  for (const PageItem& item : page.items) out.push_back(item.item);
  return out;
}

constexpr auto kBackfill =
    static_cast<ChannelSet>(1U << static_cast<unsigned>(Channel::kPopular) | 1U << static_cast<unsigned>(Channel::kCategory) |
                            1U << static_cast<unsigned>(Channel::kCatalog) | 1U << static_cast<unsigned>(Channel::kTrending) |
                            1U << static_cast<unsigned>(Channel::kFallback));

/// Every item of every kind of page: what is said of it against the page, and against a page as long as the catalogue, on which all that may be
/// shown stands in the order of the candidates, then what fills it up.
void check_pages(const models::Release& release, std::uint64_t seed) {
  Scratch scratch;
  Page page;
  Page long_page;
  const Filter filter = Filter::parse("price<=60");
  const std::vector<ItemId> exclude = {release.catalog.id(3), release.catalog.id(4)};
  const auto n_items = static_cast<ItemIndex>(release.catalog.n_items());
  std::size_t n_below = 0;
  for (const PageKind kind : {PageKind::kSimilar, PageKind::kDetail, PageKind::kUser, PageKind::kTrending}) {
    for (std::uint64_t variant = 0; variant < 6; ++variant) {
      PageRequest request;
      request.kind = kind;
      request.limit = 5;
      if (kind == PageKind::kSimilar || kind == PageKind::kDetail)
        request.item = static_cast<ItemIndex>((seed + 7 * variant) % release.catalog.n_items());
      if (kind == PageKind::kDetail || kind == PageKind::kUser)
        request.user = UserId(100 + 2 * static_cast<std::int64_t>(variant));
      if (variant % 2 == 1) request.filter = &filter;
      if (variant % 3 == 1) request.exclude = exclude;
      recommend(release, request, scratch, page);
      const std::vector<ItemIndex> shown = items_of(page);
      PageRequest whole = request;
      whole.limit = release.catalog.n_items();
      recommend(release, whole, scratch, long_page);
      for (ItemIndex target = 0; target < n_items; ++target) {
        const TargetExplanation told = explain_target(release, request, target, scratch, page);
        ASSERT_EQ(items_of(page), shown);
        const auto place = std::find(shown.begin(), shown.end(), target);
        ASSERT_EQ(told.fate == Fate::kShown, place != shown.end());
        if (place != shown.end()) {
          EXPECT_EQ(told.place, static_cast<std::size_t>(place - shown.begin()) + 1);
          continue;
        }
        EXPECT_EQ(told.place, 0U);
        EXPECT_EQ(told.last_score, page.items.back().score);
        const auto later = std::find_if(long_page.items.begin(), long_page.items.end(),
                                        [&](const PageItem& item) { return item.item == target; });
        const bool may_be_shown = told.fate == Fate::kNoChannel || told.fate == Fate::kBelowCut;
        ASSERT_EQ(may_be_shown, later != long_page.items.end()) << target;
        EXPECT_EQ(find_obstacle(release, request, target).has_value(), !may_be_shown);
        if (!may_be_shown) continue;
        const auto place_if_long = static_cast<std::size_t>(later - long_page.items.begin()) + 1;
        if (told.fate == Fate::kNoChannel) {
          EXPECT_EQ(later->channels & ~kBackfill, 0) << "it comes by filling up only";
          EXPECT_EQ(told.fused_rank, 0U);
          continue;
        }
        ++n_below;
        EXPECT_EQ(page.ranker == nullptr ? told.fused_rank : told.ranked_place, place_if_long);
        const float score = page.ranker == nullptr ? told.fused_score : told.ranked_score;
        EXPECT_LE(score, told.last_score);
        EXPECT_EQ(score, later->score);
        for (std::size_t c = 0; c < kChannels; ++c) {
          if (later->contributions[c].rank == 0) continue;
          EXPECT_EQ(told.channels[c].rank, later->contributions[c].rank) << channel_name(static_cast<Channel>(c));
          EXPECT_EQ(told.channels[c].score, later->contributions[c].score);
        }
      }
    }
  }
  EXPECT_GT(n_below, 100U);
}

TEST(ExplainTarget, agrees_with_pages_that_recall_puts_in_order) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    test::SampleOptions options;
    options.seed = seed;
    const test::SampleBundle bundle(test::sample_release(options));
    check_pages(bundle.release(), seed);
  }
}

TEST(ExplainTarget, agrees_with_pages_that_a_ranker_puts_in_order) {
  models::ReleaseData data = test::sample_release();
  data.ranking = test::sample_ranking(data, 5);
  const std::vector<std::string> columns = {"item_price", "cross_recall_rank"};
  data.ranking.rankers = {{"stumps", test::stump_ranker(columns, {{0, 5, 0.5, -0.5}, {1, 8, 1, -1}})}};
  const test::SampleBundle bundle(data);
  check_pages(bundle.release(), 1);
}

TEST(ExplainTarget, names_each_obstacle) {
  models::ReleaseData data = test::sample_release();
  data.items[5].is_available = false;
  const test::SampleBundle bundle(data);
  const models::Release& release = bundle.release();
  PageRequest request;
  request.kind = PageKind::kDetail;
  request.item = 0;
  std::size_t known = 0;
  while (known < release.users.size() && release.users.owned(known).empty()) ++known;
  ASSERT_LT(known, release.users.size()) << "nobody owns anything in the sample";
  request.user = release.users.id(known);
  const ItemIndex owned = release.users.owned(known)[0];
  const std::vector<ItemId> exclude = {release.catalog.id(7)};
  request.exclude = exclude;
  const Filter filter = Filter::parse("item_id!=" + std::to_string(raw(release.catalog.id(8))));
  request.filter = &filter;
  EXPECT_EQ(find_obstacle(release, request, 5), Fate::kUnavailable);
  EXPECT_EQ(find_obstacle(release, request, 0), Fate::kPageItem);
  if (release.catalog.is_available(owned) && owned != 0) {
    EXPECT_EQ(find_obstacle(release, request, owned), Fate::kOwned);
  }
  const auto free_of = [&](ItemIndex item) {
    const auto all = release.users.owned(known);
    return release.catalog.is_available(item) && std::find(all.begin(), all.end(), item) == all.end();
  };
  if (free_of(7)) {
    EXPECT_EQ(find_obstacle(release, request, 7), Fate::kExcluded);
  }
  Rules rules({{Filter::parse("item_id=" + std::to_string(raw(release.catalog.id(9))))}, {}}, release.catalog);
  request.rules = &rules;
  if (free_of(9)) {
    EXPECT_EQ(find_obstacle(release, request, 9), Fate::kHidden);
  }
  if (free_of(8)) {
    EXPECT_EQ(find_obstacle(release, request, 8), Fate::kFiltered);
  }
}

}  // namespace
}  // namespace lodestone::engine
