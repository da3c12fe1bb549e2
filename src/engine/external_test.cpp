// Lists that come with a request: fused like the engine's own, and bound by the same promises.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/rng.hpp"
#include "engine/recommender.hpp"
#include "tests/support/sample_release.hpp"

namespace lodestone::engine {
namespace {

using models::Release;

const std::vector<std::string> kNames = {"editors", "graph"};

struct OwnedList {
  std::vector<ItemIndex> items;
  std::vector<float> scores;
  [[nodiscard]] ExternalList view(std::size_t number, float weight) const { return {number, weight, items, scores}; }
};

OwnedList random_list(const Release& release, std::size_t n, Rng& rng) {
  OwnedList out;
  float score = 10;
  for (std::size_t k = 0; k < n; ++k, score *= 0.9F) {
    out.items.push_back(static_cast<ItemIndex>(rng.below(release.catalog.n_items())));
    out.scores.push_back(score);
  }
  return out;
}

std::string reason_of(const PageItem& item) {
  std::string out;
  append_reason(out, item.channels, kNames);
  return out;
}

class ExternalTest : public testing::Test {
 protected:
  const Page& make(const PageRequest& request) {
    recommend(sample_.release(), request, scratch_, page_);
    return page_;
  }
  test::SampleBundle sample_{test::sample_release()};
  Scratch scratch_;
  Page page_;
};

TEST_F(ExternalTest, an_item_that_only_an_external_list_has_comes_with_its_name) {
  PageRequest request;
  request.item = 0;
  request.limit = 50;
  ItemIndex absent = 1;
  const auto is_on = [this](ItemIndex item) {
    return std::ranges::any_of(page_.items,
                               [item](const PageItem& one) { return one.item == item && one.contributions[0].rank > 0; });
  };
  make(request);
  while (is_on(absent) || !sample_.release().catalog.is_available(absent)) ++absent;
  const OwnedList list{{absent}, {3}};
  const ExternalList lists[] = {list.view(1, 100)};
  request.external = lists;
  request.external_names = kNames;
  make(request);
  ASSERT_EQ(page_.items.at(0).item, absent);
  EXPECT_THAT(reason_of(page_.items.at(0)), testing::HasSubstr("graph"));
  EXPECT_EQ(page_.items.at(0).contributions[kOwnChannels + 1].rank, 1);
  EXPECT_EQ(page_.items.at(0).contributions[kOwnChannels + 1].score, 3);
  EXPECT_EQ(page_.candidates[kOwnChannels + 1], 1U);
  EXPECT_EQ(channel_name(Channel::kExternal), "external");
}

TEST_F(ExternalTest, what_may_not_be_shown_is_not_shown_whoever_asks_for_it) {
  Rng rng(5);
  const models::Catalog& catalog = sample_.release().catalog;
  const Filter filter = Filter::parse("price<=10");
  BoundFilter bound;
  bound.bind(filter, catalog);
  for (int round = 0; round < 500; ++round) {
    const OwnedList list = random_list(sample_.release(), 1 + rng.below(120), rng);
    const ExternalList lists[] = {list.view(0, 50)};
    PageRequest request;
    request.kind = static_cast<PageKind>(rng.below(3));
    request.item = static_cast<ItemIndex>(rng.below(catalog.n_items()));
    if (rng.chance(0.7)) request.user = UserId(static_cast<std::int64_t>(100 + 2 * rng.below(20)));
    const ItemId excluded[] = {catalog.id(list.items[0])};
    request.exclude = excluded;
    request.filter = rng.chance(0.5) ? &filter : nullptr;
    request.external = lists;
    request.external_names = kNames;
    make(request);
    const auto user = request.user ? sample_.release().users.find(*request.user) : std::nullopt;
    for (std::size_t p = 0; p < page_.items.size(); ++p) {
      const ItemIndex item = page_.items[p].item;
      EXPECT_TRUE(catalog.is_available(item));
      EXPECT_NE(item, list.items[0]);
      EXPECT_TRUE(request.kind == PageKind::kUser || item != *request.item);
      EXPECT_TRUE(request.filter == nullptr || bound.matches(item));
      const auto owned =
          user && request.kind != PageKind::kSimilar ? sample_.release().users.owned(*user) : std::span<const ItemIndex>();
      EXPECT_EQ(std::ranges::count(owned, item), 0);
      EXPECT_TRUE(p == 0 || page_.items[p].score <= page_.items[p - 1].score);
      EXPECT_LE(page_.items[p].score, 1);
      EXPECT_GT(page_.items[p].score, 0);
    }
    if (HasFailure()) FAIL() << "round " << round;
  }
}

TEST_F(ExternalTest, a_weight_of_nothing_switches_a_list_off) {
  Rng rng(6);
  for (int round = 0; round < 100; ++round) {
    PageRequest request;
    request.item = static_cast<ItemIndex>(rng.below(sample_.release().catalog.n_items()));
    std::vector<std::pair<ItemIndex, float>> alone;
    for (const PageItem& one : make(request).items) alone.emplace_back(one.item, one.score);
    const OwnedList list = random_list(sample_.release(), 30, rng);
    const ExternalList lists[] = {list.view(0, 0), {1, -1, list.items, list.scores}};
    request.external = lists;
    std::vector<std::pair<ItemIndex, float>> with;
    for (const PageItem& one : make(request).items) with.emplace_back(one.item, one.score);
    EXPECT_EQ(alone, with);
  }
}

TEST_F(ExternalTest, lists_of_every_length_fit_the_candidates) {
  test::SampleOptions options;
  options.n_items = 3'000;
  options.n_neighbours = 300;
  options.list_share = 1;
  options.history_max = 60;
  const test::SampleBundle large(test::sample_release(options));
  Rng rng(7);
  std::array<OwnedList, kExternalChannels> owned;
  for (int round = 0; round < 50; ++round) {
    std::vector<ExternalList> lists;
    for (std::size_t e = 0; e < kExternalChannels; ++e) {
      owned[e] = random_list(large.release(), 500, rng);
      lists.push_back(owned[e].view(e, 1));
    }
    PageRequest request;
    request.kind = round % 2 == 0 ? PageKind::kDetail : PageKind::kUser;
    request.item = static_cast<ItemIndex>(rng.below(options.n_items));
    request.user = large.release().users.id(rng.below(large.release().users.size()));
    request.limit = 50;
    request.external = lists;
    recommend(large.release(), request, scratch_, page_);
    EXPECT_EQ(page_.items.size(), 50U);
    for (std::size_t e = 0; e < kExternalChannels; ++e) EXPECT_EQ(page_.candidates[kOwnChannels + e], kExternalDepth);
  }
}

}  // namespace
}  // namespace lodestone::engine
