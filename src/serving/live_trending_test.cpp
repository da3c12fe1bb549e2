#include "serving/live_trending.hpp"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "base/rng.hpp"
#include "tests/support/sample_release.hpp"
#include "tests/support/serving_site.hpp"

namespace lodestone::serving {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LiveTrendingTest : public ::testing::Test {
 protected:
  LiveTrendingTest() : clock(*parse_time("2026-11-24T09:30:00Z")) {}
  void did(std::int64_t item, const std::string& visitor, std::chrono::seconds ago = {}, EventKind kind = EventKind::kView) {
    PostedEvent event;
    event.kind = kind;
    event.visitor_id = visitor;
    event.item = ItemId(item);
    event.at = clock.now() - ago;
    trending->add({&event, 1});
  }
  /// "item:people" of a window.
  std::vector<std::string> list(models::TrendingWindow window) {
    trending->tick();
    std::vector<std::string> out;
    for (const HotItem& hot : (*trending->lists())[static_cast<std::size_t>(window)])
      out.push_back(fmt::format("{}:{}", raw(hot.item), hot.people));
    return out;
  }

  static constexpr auto kHour = models::TrendingWindow::kHour;
  static constexpr auto kDay = models::TrendingWindow::kDay;
  static constexpr auto kWeek = models::TrendingWindow::kWeek;
  FixedClock clock;
  std::unique_ptr<LiveTrending> trending = std::make_unique<LiveTrending>(1'000'000, clock);
};

TEST_F(LiveTrendingTest, counts_people_and_not_clicks) {
  for (int i = 0; i < 10; ++i) did(1, "a");
  did(2, "a");
  did(2, "b", {}, EventKind::kOrder);
  did(3, "c", {}, EventKind::kExposure);
  did(3, "c", {}, EventKind::kRefund);
  did(3, "");
  EXPECT_THAT(list(kHour), ElementsAre("2:2", "1:1"));
}

TEST_F(LiveTrendingTest, windows_slide) {
  did(1, "a", minutes(59));
  did(2, "a", hours(23));
  did(3, "a", hours(24 * 7 - 1));
  did(4, "a", hours(24 * 7 + 1));
  EXPECT_THAT(list(kHour), ElementsAre("1:1"));
  EXPECT_THAT(list(kDay), ElementsAre("2:1", "1:1"));
  EXPECT_THAT(list(kWeek), ElementsAre("3:1", "2:1", "1:1"));
  clock.advance(minutes(1));
  EXPECT_THAT(list(kHour), IsEmpty());
  EXPECT_THAT(list(kDay), ElementsAre("2:1", "1:1"));
  did(1, "a");
  EXPECT_THAT(list(kHour), ElementsAre("1:1"));
  EXPECT_THAT(list(kDay), ElementsAre("2:1", "1:1")) << "one person still";
  clock.advance(hours(24 * 7));
  EXPECT_THAT(list(kWeek), IsEmpty());
}

TEST_F(LiveTrendingTest, equals_a_count_over_all_events) {
  Rng rng(7, 7);
  struct Touch {
    std::int64_t item, person, minute;
  };
  std::vector<Touch> all;
  const auto minute_now = [&] { return std::chrono::floor<minutes>(clock.now()).time_since_epoch().count(); };
  for (int step = 0; step < 4'000; ++step) {
    const auto item = static_cast<std::int64_t>(rng.below(8));
    const auto person = static_cast<std::int64_t>(rng.below(20));
    const minutes ago(rng.chance(0.7) ? rng.below(50) : rng.below(9'000));
    did(item, std::to_string(person), ago);
    all.push_back({item, person, minute_now() - ago.count()});
    if (rng.chance(0.3)) clock.advance(minutes(rng.below(20)));
    if (step % 50 != 0) continue;
    for (const auto& [window, width] : {std::pair{kHour, 60}, std::pair{kDay, 24 * 60}, std::pair{kWeek, 7 * 24 * 60}}) {
      std::map<std::int64_t, std::set<std::int64_t>> people;
      for (const Touch& touch : all) {
        if (touch.minute > minute_now() - width) people[touch.item].insert(touch.person);
      }
      std::vector<std::string> expected;
      for (const auto& [of, who] : people) expected.push_back(fmt::format("{}:{}", of, who.size()));
      EXPECT_THAT(list(window), ::testing::UnorderedElementsAreArray(expected)) << step;
    }
  }
}

TEST_F(LiveTrendingTest, memory_is_bounded_by_dropping_the_oldest) {
  trending = std::make_unique<LiveTrending>(100, clock);
  for (int i = 0; i < 1'000; ++i) {
    did(i, "a");
    clock.advance(minutes(1));
  }
  const auto week = list(kWeek);
  EXPECT_EQ(week.size(), 100U);
  EXPECT_EQ(week.front(), "999:1");
  EXPECT_EQ(list(kHour).size(), 59U);
}

class HotSiteTest : public ::testing::Test {
 protected:
  std::vector<std::int64_t> list(const std::string& timeframe) {
    std::vector<std::int64_t> ids;
    const json::Value body = site.get_json("/hot/trending?limit=50&timeframe=" + timeframe);
    for (const json::Value& item : *body.find("items")->as_array()) ids.push_back(*item.find("dataset_id")->as_int());
    return ids;
  }
  void view(std::int64_t item, int n_people, const std::string& headers = "") {
    std::string body = "[";
    for (int p = 0; p < n_people; ++p) {
      body +=
          fmt::format(R"({}{{"event_id":"{}-{}","kind":"view","visitor_id":"v{}","dataset_id":{},"at":"2026-11-24T09:29:00Z"}})",
                      p == 0 ? "" : ",", item, p, p, item);
    }
    ASSERT_EQ(site.post("/events", body + "]", headers).status, 202);
  }
  test::ServingSite site;
};

TEST_F(HotSiteTest, posted_events_lead_the_list_and_slide_out_of_it) {
  site.publish(site.pack_sample());
  site.start();
  const auto week = list("7d");
  view(70, 3);
  while (list("1h").front() != 70) std::this_thread::yield();  // a server that never learns runs into the test's time limit
  EXPECT_EQ(list("7d").front(), week.front()) << "three people are less than the release's fifty";
  site.clock.advance(hours(2));
  while (list("1h").front() == 70) std::this_thread::yield();
  EXPECT_THAT(list("24h"), Contains(70));
}

TEST_F(HotSiteTest, robots_make_nothing_hot) {
  site.publish(site.pack_sample());
  site.start();
  const auto before = list("1h");
  view(70, 50, "User-Agent: Googlebot/2.1\r\n");
  view(73, 1);
  while (list("1h").front() != 73) std::this_thread::yield();
  EXPECT_EQ(list("1h")[1], before[0]);
}

TEST_F(HotSiteTest, a_release_without_lists_gets_them_from_events) {
  site.publish(site.pack(test::without_trending()));
  site.start();
  view(70, 2);
  while (list("1h").front() != 70) std::this_thread::yield();
  EXPECT_EQ(list("7d").front(), 70);
}

}  // namespace
}  // namespace lodestone::serving
