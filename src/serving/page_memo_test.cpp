#include "serving/page_memo.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"

namespace lodestone::serving {
namespace {

constexpr TimePoint kNow{std::chrono::seconds(1'000)};

engine::PageRequest guest_of(ItemIndex item) {
  engine::PageRequest page;
  page.item = item;
  return page;
}

engine::Page list_of(ItemIndex item) {
  engine::Page page;
  page.items.resize(1);
  page.items[0].item = item;
  return page;
}

TEST(PageMemo, GivesAGuestsListUntilTheSecondIsOver) {
  PageMemo memo;
  const auto key = PageMemo::key_of(guest_of(7), 1, kNow);
  ASSERT_TRUE(key);
  EXPECT_EQ(memo.find(*key), nullptr);
  memo.keep(*key, list_of(9));
  SharedPage* found = memo.find(*PageMemo::key_of(guest_of(7), 1, kNow + std::chrono::milliseconds(999)));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->page.items.at(0).item, 9);
  EXPECT_EQ(memo.find(*PageMemo::key_of(guest_of(7), 1, kNow + std::chrono::seconds(1))), nullptr);
}

TEST(PageMemo, ForgetsTheTextsOfAListThatItNoLongerHas) {
  PageMemo memo;
  const auto key = PageMemo::key_of(guest_of(7), 1, kNow);
  memo.keep(*key, list_of(9));
  memo.find(*key)->answer = "[{}]";
  memo.find(*key)->exposure = "[]";
  EXPECT_EQ(memo.find(*key)->answer, "[{}]");
  const auto next = PageMemo::key_of(guest_of(7), 1, kNow + std::chrono::seconds(1));
  memo.keep(*next, list_of(8));
  EXPECT_EQ(memo.find(*next)->answer, "");
  EXPECT_EQ(memo.find(*next)->exposure, "");
}

TEST(PageMemo, KnowsWhatAListFollowsFrom) {
  PageMemo memo;
  memo.keep(*PageMemo::key_of(guest_of(7), 1, kNow), list_of(9));
  const auto is_there = [&](const engine::PageRequest& page, std::uint64_t lineup) {
    return memo.find(*PageMemo::key_of(page, lineup, kNow)) != nullptr;
  };
  EXPECT_TRUE(is_there(guest_of(7), 1));
  EXPECT_FALSE(is_there(guest_of(7), 2)) << "another release, or other rules";
  EXPECT_FALSE(is_there(guest_of(8), 1));
  EXPECT_FALSE(is_there(guest_of(7 + 128), 1)) << "an item of the same slot";
  engine::PageRequest page = guest_of(7);
  page.limit = 11;
  EXPECT_FALSE(is_there(page, 1));
  page = guest_of(7);
  page.kind = engine::PageKind::kDetail;
  EXPECT_FALSE(is_there(page, 1));
  page = guest_of(7);
  page.diversity = 0.5F;
  EXPECT_FALSE(is_there(page, 1));
  page = guest_of(7);
  page.vector_ef = 65;
  EXPECT_FALSE(is_there(page, 1));
}

TEST(PageMemo, LeavesEveryOtherListToTheEngine) {
  const auto is_shared = [](auto change) {
    engine::PageRequest page = guest_of(7);
    change(page);
    return PageMemo::key_of(page, 1, kNow).has_value();
  };
  const ItemIndex item = 3;
  const ItemId id{4};
  const engine::Filter filter = engine::Filter::parse("price < 5");
  const models::ChannelWeights weights;
  const engine::ExternalList list;
  EXPECT_TRUE(is_shared([](engine::PageRequest&) {}));
  EXPECT_FALSE(is_shared([](engine::PageRequest& page) { page.user = UserId(1); }));
  EXPECT_FALSE(is_shared([&](engine::PageRequest& page) { page.recent = {&item, 1}; }));
  EXPECT_FALSE(is_shared([&](engine::PageRequest& page) { page.owned = {&item, 1}; }));
  EXPECT_FALSE(is_shared([&](engine::PageRequest& page) { page.exclude = {&id, 1}; }));
  EXPECT_FALSE(is_shared([&](engine::PageRequest& page) { page.filter = &filter; }));
  EXPECT_FALSE(is_shared([&](engine::PageRequest& page) { page.weights = &weights; }));
  EXPECT_FALSE(is_shared([&](engine::PageRequest& page) { page.external = {&list, 1}; }));
  EXPECT_FALSE(is_shared([](engine::PageRequest& page) { page.exploration = 0.1F; }));
  EXPECT_FALSE(is_shared([](engine::PageRequest& page) { page.with_ranker = false; }));
  EXPECT_FALSE(is_shared([](engine::PageRequest& page) { page.with_rows = true; }));
  EXPECT_FALSE(is_shared([](engine::PageRequest& page) { page.limit = 51; }));
  EXPECT_FALSE(is_shared([](engine::PageRequest& page) { page.kind = engine::PageKind::kUser; }));
  EXPECT_FALSE(is_shared([](engine::PageRequest& page) { page.kind = engine::PageKind::kTrending; }));
}

}  // namespace
}  // namespace lodestone::serving
