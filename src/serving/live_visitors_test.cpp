#include "serving/live_visitors.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

const TimePoint kNow = *parse_time("2026-11-24T09:30:00Z");

struct Did {
  EventKind kind = EventKind::kView;
  std::optional<UserId> user = {};
  std::string visitor = {};
  std::int64_t item = 1;
  int second = 0;
};

class LiveVisitorsTest : public ::testing::Test {
 protected:
  void add(const Did& did) {
    PostedEvent event;
    event.kind = did.kind;
    event.user = did.user;
    event.visitor_id = did.visitor;
    event.item = ItemId(did.item);
    event.at = kNow + std::chrono::seconds(did.second);
    visitors.add({&event, 1});
  }
  template <typename Who>
  std::vector<std::int64_t> items(const Who& who) {
    LiveVisitor found;
    if (!visitors.find(who, found)) return {};
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < found.n_items; ++i) ids.push_back(raw(found.items[i]));
    return ids;
  }
  std::vector<std::int64_t> owned(UserId user) {
    LiveVisitor found;
    if (!visitors.find(user, found)) return {};
    std::vector<std::int64_t> ids;
    for (std::size_t i = 0; i < found.n_owned; ++i) ids.push_back(raw(found.owned[i]));
    return ids;
  }

  LiveVisitors visitors{6'400};
};

TEST_F(LiveVisitorsTest, remembers_each_item_once_newest_first_in_whatever_order_they_come) {
  add({.user = UserId(1), .item = 5, .second = 1});
  add({.kind = EventKind::kClick, .user = UserId(1), .item = 6, .second = 3});
  add({.user = UserId(1), .item = 7, .second = 2});
  add({.kind = EventKind::kCart, .user = UserId(1), .item = 5, .second = 4});
  add({.user = UserId(1), .item = 6, .second = 0});
  add({.kind = EventKind::kExposure, .user = UserId(1), .item = 8, .second = 9});
  EXPECT_THAT(items(UserId(1)), ElementsAre(5, 6, 7));
  EXPECT_THAT(items(UserId(2)), IsEmpty());
  EXPECT_THAT(items(std::string_view("1")), IsEmpty());
}

TEST_F(LiveVisitorsTest, keeps_so_many_and_drops_the_oldest) {
  for (int i = 0; i < 100; ++i) add({.user = UserId(1), .item = i, .second = i});
  add({.user = UserId(1), .item = 1'000, .second = 10});
  const auto found = items(UserId(1));
  ASSERT_EQ(found.size(), kLiveItems);
  EXPECT_EQ(found.front(), 99);
  EXPECT_EQ(found.back(), 100 - static_cast<std::int64_t>(kLiveItems));
}

TEST_F(LiveVisitorsTest, a_guest_who_logs_in_brings_what_he_did) {
  add({.user = UserId(1), .item = 1, .second = 0});
  add({.visitor = "v", .item = 2, .second = 1});
  EXPECT_THAT(items(UserId(1)), ElementsAre(1));
  add({.user = UserId(1), .visitor = "v", .item = 3, .second = 2});
  EXPECT_THAT(items(UserId(1)), ElementsAre(3, 2, 1));
  add({.visitor = "v", .item = 4, .second = 3});
  EXPECT_THAT(items(UserId(1)), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(items(std::string_view("v")), ElementsAre(4, 3, 2));
}

TEST_F(LiveVisitorsTest, another_user_of_a_shared_browser_gets_nothing_of_the_first) {
  add({.user = UserId(1), .visitor = "v", .item = 1, .second = 0});
  add({.user = UserId(2), .visitor = "v", .item = 2, .second = 1});
  EXPECT_THAT(items(UserId(2)), ElementsAre(2));
  EXPECT_THAT(items(std::string_view("v")), ElementsAre(2));
  EXPECT_THAT(items(UserId(1)), ElementsAre(1));
}

TEST_F(LiveVisitorsTest, orders_are_owned_until_they_are_refunded) {
  add({.kind = EventKind::kOrder, .user = UserId(1), .item = 1});
  add({.kind = EventKind::kApiOrder, .user = UserId(1), .item = 2});
  add({.user = UserId(1), .item = 3});
  EXPECT_THAT(owned(UserId(1)), ElementsAre(2, 1));
  add({.kind = EventKind::kRefund, .user = UserId(1), .item = 2});
  EXPECT_THAT(owned(UserId(1)), ElementsAre(1));
  for (int i = 0; i < 50; ++i) add({.kind = EventKind::kOrder, .user = UserId(1), .item = 100 + i});
  EXPECT_EQ(owned(UserId(1)).size(), kLiveOrders);
  EXPECT_EQ(owned(UserId(1)).front(), 149);
}

TEST_F(LiveVisitorsTest, memory_is_bounded_and_the_idlest_go) {
  add({.user = UserId(1), .item = 1});
  for (int u = 2; u < 20'000; ++u) {
    add({.user = UserId(u), .item = 1});
    if (u % 10 == 0) add({.user = UserId(2), .item = u});
  }
  EXPECT_EQ(visitors.size(), 6'400U);
  EXPECT_THAT(items(UserId(1)), IsEmpty());
  EXPECT_EQ(items(UserId(2)).front(), 19'990);
}

TEST_F(LiveVisitorsTest, is_read_while_it_is_written) {
  std::atomic<bool> done{false};
  std::thread reader([&] {
    LiveVisitor found;
    while (!done.load()) {
      if (!visitors.find(UserId(1), found)) continue;
      for (std::size_t i = 1; i < found.n_items; ++i) EXPECT_LE(found.at[i], found.at[i - 1]);
    }
  });
  for (int i = 0; i < 20'000; ++i) add({.user = UserId(1), .item = i % 50, .second = i});
  done.store(true);
  reader.join();
}

/// Through the whole server: what is posted changes the next list.
class LiveListsTest : public ::testing::Test {
 protected:
  LiveListsTest() {
    site.publish(site.pack_sample());
    site.start();
  }
  std::vector<std::int64_t> list(const std::string& target) {
    std::vector<std::int64_t> ids;
    const json::Value body = site.get_json(target);
    for (const json::Value& item : *body.find("recommendations")->as_array()) ids.push_back(*item.find("dataset_id")->as_int());
    return ids;
  }
  void did(const std::string& kind, const std::string& who, std::int64_t item) {
    const auto answer =
        site.post("/events", fmt::format(R"([{{"event_id":"e{}","kind":"{}",{},"dataset_id":{},"at":"2026-11-24T09:29:00Z"}}])",
                                         n_++, kind, who, item));
    ASSERT_EQ(answer.body, R"({"accepted":1,"duplicate":0,"rejected":[]})");
  }
  test::ServingSite site;
  int n_ = 0;
};

TEST_F(LiveListsTest, a_click_changes_the_next_list) {
  const std::string target = "/recommend/user/99999?limit=20";  // known to nobody
  const auto before = list(target);
  did("click", "\"user_id\":99999", 40);
  const auto after = list(target);
  EXPECT_NE(before, after);
  EXPECT_THAT(site.get(target + "&explain=true").body, ::testing::HasSubstr("\"behavior\":{")) << "its neighbours have come in";
  EXPECT_EQ(list("/recommend/user/99998?limit=20"), before) << "nobody else's list changes";
}

TEST_F(LiveListsTest, a_guest_is_known_by_the_visitor_id) {
  const auto before = list("/recommend/detail/10?visitor_id=v&limit=20");
  did("view", "\"visitor_id\":\"v\"", 40);
  EXPECT_NE(list("/recommend/detail/10?visitor_id=v&limit=20"), before);
  EXPECT_EQ(list("/recommend/detail/10?visitor_id=w&limit=20"), before);
  EXPECT_EQ(list("/recommend/detail/10?limit=20"), before);
}

TEST_F(LiveListsTest, what_is_bought_is_never_shown_to_its_buyer_again) {
  const std::string target = "/recommend/user/100?limit=50";
  const std::int64_t bought = list(target).front();
  did("order", "\"user_id\":100", bought);
  EXPECT_THAT(list(target), Not(Contains(bought)));
  EXPECT_THAT(list("/recommend/detail/10?limit=50&user_id=100"), Not(Contains(bought)));
  site.stop();
  site.start();
  EXPECT_THAT(list(target), Not(Contains(bought))) << "after a restart";
}

TEST_F(LiveListsTest, events_of_items_that_the_release_lacks_are_kept_and_not_shown) {
  did("click", "\"user_id\":99999", 123'456);
  EXPECT_EQ(list("/recommend/user/99999?limit=20").size(), 20U);
}

}  // namespace
}  // namespace lodestone::serving
