// Features that move with events, over a real server.
#include "serving/live_features.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/support/sample_ranking.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

const std::vector<std::string> kColumns{"item_views_24h", "user_click_count"};

/// Ranked by the views of an item, then by the clicks of the user: more than two of each lift a score.
models::ReleaseData ranked_release(TimePoint as_of) {
  models::ReleaseData data = test::sample_release();
  data.ranking = test::sample_ranking(data, 3);
  for (models::OwnedRanking::Rows* rows : {&data.ranking.users, &data.ranking.items}) rows->values.assign(rows->values.size(), 0);
  data.ranking.rankers = {{"light", test::stump_ranker(kColumns, {{0, 2, -1, 1}, {1, 2, 0, 0.5}})}};
  data.online.emplace();
  data.online->as_of = as_of;
  return data;
}

class LiveFeaturesTest : public ::testing::Test {
 protected:
  void start() {
    site.publish(site.pack(ranked_release(site.clock.now() - std::chrono::hours(1))));
    site.start();
  }
  struct Shown {
    std::int64_t id;
    double score;
  };
  std::vector<Shown> list(const std::string& target) {
    std::vector<Shown> out;
    const json::Value body = site.get_json(target);
    for (const json::Value& item : *body.find(target.starts_with("/similar") ? "similar_items" : "recommendations")->as_array())
      out.push_back({*item.find("dataset_id")->as_int(), *item.find("score")->as_number()});
    return out;
  }
  void did(const std::string& kind, std::int64_t item, int n, const std::string& who) {
    std::string body = "[";
    for (int e = 0; e < n; ++e) {
      body += fmt::format(R"({}{{"event_id":"e{}","kind":"{}","dataset_id":{},"at":"2026-11-24T09:29:00Z",{}}})",
                          e == 0 ? "" : ",", n_++, kind, item, who);
    }
    ASSERT_EQ(site.post("/events", body + "]").body, fmt::format(R"({{"accepted":{},"duplicate":0,"rejected":[]}})", n));
  }
  test::ServingSite site;
  int n_ = 0;
};

TEST_F(LiveFeaturesTest, views_lift_an_item_within_a_second_and_its_window_slides) {
  start();
  const auto before = list("/similar/10?limit=10");
  const std::int64_t lifted = before[4].id;
  did("view", lifted, 3, "\"visitor_id\":\"somebody\"");
  site.clock.advance(std::chrono::seconds(1));  // guests share a list until then
  const auto after = list("/similar/10?limit=10");
  EXPECT_EQ(after.front().id, lifted);
  EXPECT_GT(after.front().score, before.front().score);
  site.clock.advance(std::chrono::hours(24));
  EXPECT_EQ(list("/similar/10?limit=10").front().id, before.front().id);
}

TEST_F(LiveFeaturesTest, clicks_of_a_user_count_for_that_user_alone) {
  start();
  const double before = list("/recommend/detail/10?user_id=100").front().score;
  did("click", 40, 3, "\"user_id\":100");
  EXPECT_GT(list("/recommend/detail/10?user_id=100").front().score, before);
  EXPECT_EQ(list("/recommend/detail/10?user_id=102").front().score, before);
}

TEST_F(LiveFeaturesTest, a_restart_and_a_new_release_know_what_was_posted) {
  start();
  const std::int64_t lifted = list("/similar/10?limit=10")[4].id;
  did("view", lifted, 3, "\"visitor_id\":\"somebody\"");
  site.stop();
  site.start();
  EXPECT_EQ(list("/similar/10?limit=10").front().id, lifted);
  const std::string next = site.pack(ranked_release(site.clock.now() - std::chrono::minutes(30)));
  site.publish(next);
  site.wait_for(next);
  EXPECT_EQ(list("/similar/10?limit=10").front().id, lifted);
}

TEST_F(LiveFeaturesTest, a_release_without_a_snapshot_keeps_its_own_features) {
  models::ReleaseData data = ranked_release(site.clock.now());
  data.online.reset();
  site.publish(site.pack(data));
  site.start();
  const auto before = list("/similar/10?limit=10");
  did("view", before[4].id, 3, "\"visitor_id\":\"somebody\"");
  EXPECT_EQ(list("/similar/10?limit=10").front().id, before.front().id);
}

TEST(LiveFeatures, forgets_the_times_of_those_who_left) {
  LiveFeatures live({}, 1);
  live.catch_up("", {});
  const TimePoint then{std::chrono::hours(1'000)};
  for (int e = 0; e < 100; ++e) {
    PostedEvent event;
    event.event_id = std::to_string(e);
    event.user = UserId(e);
    event.item = ItemId(e);
    event.at = event.received_at = then;
    live.add({&event, 1});
  }
  const TimePoint now = then + std::chrono::days(31);
  const auto n_stale = [&] {
    engine::PageRequest page;
    const auto lock = live.read(0, now, page);
    const features::OnlineState::Stale stale = page.online->find_stale(now);
    return stale.users.size() + stale.items.size();
  };
  EXPECT_EQ(n_stale(), 200U);
  live.forget(now);
  EXPECT_EQ(n_stale(), 0U);
}

TEST(LiveFeatures, reads_and_writes_at_once) {
  LiveFeatures live({}, 2);
  live.catch_up("", {});
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  const std::size_t n = features::features_of(features::Group::kItem).size();
  const std::size_t place = features::find_feature(features::Group::kItem, "item_views_all").value();
  for (std::size_t r = 0; r < 2; ++r) {
    readers.emplace_back([&, r] {
      std::vector<float> row(n, 0);
      float last = 0;
      while (!done.load()) {
        engine::PageRequest page;
        const auto lock = live.read(r, TimePoint(), page);
        page.online->item_row(ItemId(1), page.now, row);
        EXPECT_GE(row[place], last);
        last = row[place];
      }
    });
  }
  for (int e = 0; e < 5'000; ++e) {
    PostedEvent event;
    event.event_id = std::to_string(e);
    event.item = ItemId(1);
    event.at = event.received_at = TimePoint(std::chrono::seconds(e));
    live.add({&event, 1});
  }
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  engine::PageRequest page;
  std::vector<float> row(n, 0);
  const auto lock = live.read(0, TimePoint(), page);
  page.online->item_row(ItemId(1), page.now, row);
  EXPECT_EQ(row[place], 5'000);
}

}  // namespace
}  // namespace lodestone::serving
