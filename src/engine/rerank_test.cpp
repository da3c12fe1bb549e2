// Rules, diversity and exploration on pages.
#include "engine/rerank.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/recommender.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Not;

constexpr PageKindSet kAllPages = (1U << kPageKinds) - 1;

Rule rule_for_all() { return {"r", kAllPages, std::nullopt, {}, {}, {}, {}}; }

class RerankTest : public ::testing::Test {
 protected:
  RerankTest() : bundle_(test::sample_release({.n_items = 120, .n_neighbours = 60, .list_share = 1})) {
    request_.item = 7;
    request_.limit = 8;
  }
  [[nodiscard]] const models::Release& release() const { return bundle_.release(); }
  [[nodiscard]] const models::Catalog& catalog() const { return release().catalog; }
  std::vector<ItemIndex> page() {
    recommend(release(), request_, scratch_, page_);
    std::vector<ItemIndex> out;
    float last = 2;
    for (const PageItem& item : page_.items) {
      out.push_back(item.item);
      EXPECT_LE(item.score, last);
      EXPECT_GT(item.score, 0);
      last = item.score;
    }
    EXPECT_EQ(std::set<ItemIndex>(out.begin(), out.end()).size(), out.size());
    return out;
  }
  void set(const RuleBook& book) {
    rules_.emplace(book, catalog());
    request_.rules = &*rules_;
  }
  [[nodiscard]] static Filter only(ItemId id) { return Filter::parse("item_id=" + std::to_string(raw(id))); }

  test::SampleBundle bundle_;
  std::optional<Rules> rules_;
  PageRequest request_;
  Scratch scratch_;
  Page page_;
};

TEST_F(RerankTest, without_rules_and_tastes_nothing_changes) {
  const auto before = page();
  set({});
  EXPECT_EQ(page(), before);
  Rule elsewhere = rule_for_all();
  elsewhere.pages = 1U << static_cast<unsigned>(PageKind::kTrending);
  elsewhere.pins = {{catalog().id(40), 1}};
  set({{}, {elsewhere}});
  EXPECT_EQ(page(), before);
  EXPECT_EQ(page_.items[0].propensity, 1);
}

TEST_F(RerankTest, hidden_items_stand_on_no_page) {
  const auto before = page();
  set({{only(catalog().id(before[0])), Filter::parse("price>50")}, {}});
  for (const PageKind kind : {PageKind::kSimilar, PageKind::kDetail, PageKind::kUser, PageKind::kTrending, PageKind::kSearch}) {
    request_.kind = kind;
    request_.limit = catalog().n_items();
    for (const ItemIndex item : page()) {
      EXPECT_NE(item, before[0]);
      EXPECT_FALSE(catalog().price(item) > 50);
    }
  }
}

TEST_F(RerankTest, pins_take_their_places_where_the_item_may_be_shown) {
  const auto before = page();
  ItemIndex other = 0;  // an item that is not on the page and may be shown
  while (std::ranges::find(before, other) != before.end() || !catalog().is_available(other) || other == 7) ++other;
  ItemIndex gone = 0;
  while (catalog().is_available(gone)) ++gone;
  Rule rule = rule_for_all();
  rule.pins = {{catalog().id(other), 2},
               {catalog().id(before[5]), 1},
               {catalog().id(gone), 3},
               {ItemId(999'999), 3},
               {catalog().id(7), 4}};
  set({{}, {rule}});
  const auto after = page();
  EXPECT_EQ(after[0], before[5]);
  EXPECT_EQ(after[1], other);
  EXPECT_THAT(std::vector(after.begin() + 2, after.end()),
              ElementsAre(before[0], before[1], before[2], before[3], before[4], before[6]));
  EXPECT_NE(page_.items[1].channels & 1U << static_cast<unsigned>(Channel::kPinned), 0);
  const std::vector<ItemId> excluded = {catalog().id(other)};
  request_.exclude = excluded;
  EXPECT_THAT(page(), Not(::testing::Contains(other)));
}

TEST_F(RerankTest, a_rule_may_hold_for_pages_about_some_items_only) {
  const auto before = page();
  Rule rule = rule_for_all();
  rule.when = only(catalog().id(9));
  rule.pins = {{catalog().id(before[3]), 1}};
  set({{}, {rule}});
  EXPECT_EQ(page(), before);
  rule.when = only(catalog().id(7));
  set({{}, {rule}});
  EXPECT_EQ(page()[0], before[3]);
}

TEST_F(RerankTest, boosts_raise_and_lower_and_keep_the_order_of_what_is_alike) {
  const auto before = page();
  Rule rule = rule_for_all();
  rule.boosts = {{only(catalog().id(before[7])), 1e6}};
  set({{}, {rule}});
  auto expected = before;
  std::rotate(expected.begin(), expected.end() - 1, expected.end());
  EXPECT_EQ(page(), expected);
  rule.boosts = {{Filter::parse("item_id>=0"), 0.2}};  // all alike: the order stays, scores fall
  const float first = page_.items[0].score;
  set({{}, {rule}});
  EXPECT_EQ(page(), before);
  EXPECT_LT(page_.items[0].score, first);
  EXPECT_GT(page_.items[0].score, 0);
}

TEST_F(RerankTest, buried_items_come_only_when_nothing_else_is_left) {
  const auto before = page();
  Rule rule = rule_for_all();
  rule.buried = {only(catalog().id(before[0])), only(catalog().id(before[1]))};
  set({{}, {rule}});
  EXPECT_THAT(page(), Not(::testing::Contains(before[0])));
  request_.limit = catalog().n_items();
  const auto all = page();
  EXPECT_THAT(std::vector(all.end() - 2, all.end()), ::testing::UnorderedElementsAre(before[0], before[1]));
  request_.rules = nullptr;
  EXPECT_EQ(page().size(), all.size());  // the page is as full as without the rule
}

TEST_F(RerankTest, quotas_limit_the_items_that_share_a_category) {
  Rule rule = rule_for_all();
  rule.quotas = {{QuotaField::kCategory, 2}};
  set({{}, {rule}});
  std::map<std::int32_t, int> n;
  for (const ItemIndex item : page()) ++n[catalog().category_number(item)];
  for (const auto& [category, count] : n) EXPECT_LE(count, 2) << category;
}

TEST_F(RerankTest, diversity_spreads_categories_and_keeps_the_first) {
  const auto n_categories = [&](const std::vector<ItemIndex>& items) {
    std::set<std::int32_t> out;
    for (const ItemIndex item : items) out.insert(catalog().category_number(item));
    return out.size();
  };
  std::size_t before = 0;
  std::size_t after = 0;
  for (ItemIndex item = 0; item < 60; ++item) {
    request_.item = item;
    request_.diversity = 0;
    const auto plain = page();
    before += n_categories(plain);
    request_.diversity = 0.5;
    const auto spread = page();
    after += n_categories(spread);
    ASSERT_EQ(spread.size(), plain.size());
    EXPECT_EQ(spread[0], plain[0]);
  }
  EXPECT_GT(after, before + 60);
  request_.kind = PageKind::kTrending;
  request_.item.reset();
  const auto with = page();
  request_.diversity = 0;
  EXPECT_EQ(page(), with);  // what is popular is what is popular
}

TEST_F(RerankTest, exploration_shows_what_it_says_as_often_as_it_says) {
  constexpr int kPages = 40'000;
  const ItemIndex pinned = page()[5];
  Rule rule = rule_for_all();
  rule.pins = {{catalog().id(pinned), 3}};
  set({{}, {rule}});
  request_.exploration = 0.3F;
  std::map<std::pair<std::size_t, ItemIndex>, int> shown;
  std::map<std::pair<std::size_t, ItemIndex>, double> told;
  int n_explored = 0;
  for (int seed = 0; seed < kPages; ++seed) {
    request_.seed = static_cast<std::uint64_t>(seed);
    const auto items = page();
    for (std::size_t place = 0; place < items.size(); ++place) {
      ++shown[{place, items[place]}];
      const auto [known, is_new] = told.try_emplace({place, items[place]}, page_.items[place].propensity);
      ASSERT_EQ(known->second, static_cast<double>(page_.items[place].propensity)) << is_new;
      n_explored += (page_.items[place].channels & 1U << static_cast<unsigned>(Channel::kExploration)) != 0 ? 1 : 0;
    }
  }
  EXPECT_NEAR(n_explored, 0.3 * kPages, 4 * std::sqrt(kPages * 0.3 * 0.7));
  for (const auto& [where, n] : shown) {
    const double p = told[where];
    EXPECT_NEAR(n, p * kPages, 5 * std::sqrt(kPages * p * (1 - p)) + 1e-3) << where.first << " " << where.second;
  }
  EXPECT_EQ((told[{0, shown.begin()->first.second}]), 1);  // the first place explores never, nor does a pinned one
  EXPECT_EQ((told[{2, pinned}]), 1);
  EXPECT_GT(shown.size(), 100U);
  EXPECT_EQ(page(), page());  // the same seed gives the same page
}

TEST_F(RerankTest, a_short_page_does_not_explore) {
  request_.exploration = 1;
  request_.limit = kExploreFrom - 1;
  for (int seed = 0; seed < 100; ++seed) {
    request_.seed = static_cast<std::uint64_t>(seed);
    static_cast<void>(page());
    for (const PageItem& item : page_.items) EXPECT_EQ(item.propensity, 1);
  }
}

}  // namespace
}  // namespace lodestone::engine
