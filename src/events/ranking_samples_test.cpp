// sql/labels/ranking.sql over sql/mapping/attributions.sql on events made by hand, and how groups are cut.
#include "events/ranking_samples.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"

namespace lodestone::events {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RankingSamples : public testing::Test {
 protected:
  RankingSamples() {
    engine_.execute(
        "CREATE TABLE events (event_id VARCHAR, kind VARCHAR, user_id BIGINT, visitor_id VARCHAR, item_id BIGINT, \"at\" "
        "TIMESTAMP, request_id VARCHAR, position BIGINT)");
    engine_.execute("CREATE VIEW attributions AS " + table::SqlFile::load({}, "mapping/attributions").render({}));
  }
  /// `who` is a user's number, a visitor's name, both as "1/v", or "" for nobody; `at` a day of January 2026 with its time.
  void event(const std::string& id, const std::string& kind, const std::string& who, int item, const std::string& at,
             const std::string& request = "", int position = 1) {
    const std::size_t slash = who.find('/');
    const bool is_user = !who.empty() && who.find_first_not_of("0123456789/") != 0;
    const std::string user = is_user ? who.substr(0, slash) : "";
    const std::string visitor = is_user ? (slash == std::string::npos ? "" : who.substr(slash + 1)) : who;
    engine_.execute(fmt::format(
        "INSERT INTO events VALUES ('{}', '{}', TRY_CAST(nullif('{}', '') AS BIGINT), nullif('{}', ''), {}, '2026-01-{}', "
        "nullif('{}', ''), {})",
        id, kind, user, visitor, item, at, request, position));
  }
  /// Items 10, 11, 12 at positions 1, 2, 3.
  void list(const std::string& request, const std::string& who, const std::string& at) {
    for (int i = 0; i < 3; ++i) event(fmt::format("{}:{}", request, i + 1), "exposure", who, 10 + i, at, request, i + 1);
  }
  std::vector<RankingGroup> read(const LabelWindow& window = {}, const RankingOptions& options = {}) {
    return read_ranking_groups(engine_, window, options);
  }
  static LabelWindow window(const std::string& from, const std::string& to, const std::string& until) {
    return {day(from), day(to), day(until)};
  }
  static TimePoint day(const std::string& at) { return parse_time("2026-01-" + at).value(); }
  static std::vector<int> grades(const RankingGroup& group) {
    std::vector<int> out;
    for (const RankingSample& sample : group.samples) out.push_back(static_cast<int>(sample.grade));
    return out;
  }

  table::Engine engine_{{.memory_budget_bytes = 256 << 20, .n_threads = 2, .temp_folder = {}}};
};

TEST_F(RankingSamples, a_list_is_a_group_with_what_came_of_each_item) {
  list("r1", "1/v", "01 10:00:00");
  event("c1", "click", "1/v", 11, "01 10:01:00", "r1", 2);
  event("c2", "click", "1/v", 12, "01 10:02:00", "r1", 3);
  event("o1", "order", "1", 12, "02 10:00:00");
  const auto groups = read();
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].request_id, "r1");
  EXPECT_EQ(groups[0].user, UserId(1));
  EXPECT_EQ(groups[0].visitor_id, "v");
  EXPECT_EQ(groups[0].at, day("01 10:00:00"));
  EXPECT_THAT(groups[0].samples,
              ElementsAre(RankingSample{ItemId(10), 1, Grade::kNone}, RankingSample{ItemId(11), 2, Grade::kClick},
                          RankingSample{ItemId(12), 3, Grade::kOrder}));
}

TEST_F(RankingSamples, the_first_of_doubled_exposures_counts) {
  list("r1", "1", "01 10:00:00");
  event("again", "exposure", "1", 11, "01 10:00:05", "r1", 7);
  event("before", "exposure", "1", 12, "01 09:59:59", "r1", 4);
  const auto groups = read();
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].at, day("01 09:59:59"));
  EXPECT_THAT(groups[0].samples,
              ElementsAre(RankingSample{ItemId(10), 1, Grade::kNone}, RankingSample{ItemId(11), 2, Grade::kNone},
                          RankingSample{ItemId(12), 4, Grade::kNone}));
  // One whose first exposure lies before the window is not in it by its second.
  EXPECT_THAT(read(window("01 10:00:03", "02", "03")), IsEmpty());
}

TEST_F(RankingSamples, a_click_counts_for_its_request_alone_and_once) {
  list("r1", "1", "01 10:00:00");
  list("r2", "1", "01 11:00:00");
  event("c1", "click", "1", 10, "01 11:01:00", "r2");
  event("c2", "click", "1", 10, "01 11:02:00", "r2");
  event("c3", "click", "1", 99, "01 11:02:00", "r2");  // was not on the list
  const auto groups = read();
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_THAT(grades(groups[0]), ElementsAre(0, 0, 0));
  EXPECT_THAT(grades(groups[1]), ElementsAre(1, 0, 0));
}

TEST_F(RankingSamples, an_order_is_credited_to_its_last_touch_alone) {
  list("r1", "1", "01 10:00:00");
  list("r2", "1", "02 10:00:00");
  event("c1", "click", "1", 10, "01 10:01:00", "r1");
  event("v2", "view", "1", 10, "02 10:01:00", "r2");  // a landing, without a click
  event("o1", "api_order", "1", 10, "03 10:00:00");
  const auto groups = read();
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_THAT(grades(groups[0]), ElementsAre(1, 0, 0));
  EXPECT_THAT(grades(groups[1]), ElementsAre(2, 0, 0));
}

TEST_F(RankingSamples, what_comes_after_the_horizon_does_not_count) {
  list("r1", "1", "01 10:00:00");
  event("c1", "click", "1", 10, "01 10:01:00", "r1");
  event("o1", "order", "1", 10, "03 10:00:00");
  EXPECT_THAT(grades(read(window("01", "02", "03 10:00:00"))[0]), ElementsAre(2, 0, 0));
  EXPECT_THAT(grades(read(window("01", "02", "03 09:59:59"))[0]), ElementsAre(1, 0, 0));
  EXPECT_THAT(grades(read(window("01", "02", "01 10:00:59"))[0]), ElementsAre(0, 0, 0));
}

TEST_F(RankingSamples, the_window_is_half_open) {
  list("r1", "1", "01 10:00:00");
  EXPECT_EQ(read(window("01 10:00:00", "01 10:00:01", "03")).size(), 1U);
  EXPECT_THAT(read(window("01", "01 10:00:00", "03")), IsEmpty());
}

TEST_F(RankingSamples, another_persons_click_does_not_count) {
  list("r1", "1/v", "01 10:00:00");
  event("c1", "click", "2", 10, "01 10:01:00", "r1");
  event("c2", "click", "2/v", 11, "01 10:01:00", "r1");  // the same browser, another account
  event("c3", "click", "w", 12, "01 10:01:00", "r1");
  EXPECT_THAT(grades(read()[0]), ElementsAre(0, 0, 0));
}

TEST_F(RankingSamples, a_visitor_known_on_both_sides_is_enough) {
  list("r1", "v", "01 10:00:00");
  event("c1", "click", "1/v", 10, "01 10:01:00", "r1");  // signed in since
  event("c2", "click", "v", 11, "01 10:01:00", "r1");
  list("r2", "1/v", "01 11:00:00");
  event("c3", "click", "v", 12, "01 11:01:00", "r2");
  const auto groups = read();
  EXPECT_THAT(grades(groups[0]), ElementsAre(1, 1, 0));
  EXPECT_THAT(grades(groups[1]), ElementsAre(0, 0, 1));
}

TEST_F(RankingSamples, a_list_shown_to_nobody_known_takes_anyones_clicks_once) {
  list("r1", "", "01 10:00:00");
  event("c1", "click", "1", 10, "01 10:01:00", "r1");
  event("c2", "click", "w", 10, "01 10:02:00", "r1");
  const auto groups = read();
  EXPECT_EQ(groups[0].user, std::nullopt);
  EXPECT_THAT(grades(groups[0]), ElementsAre(1, 0, 0));
}

TEST_F(RankingSamples, exposures_without_a_request_belong_to_no_list) {
  event("e1", "exposure", "1", 10, "01 10:00:00");
  EXPECT_THAT(read(), IsEmpty());
}

TEST_F(RankingSamples, groups_without_action_are_kept_or_dropped) {
  list("r2", "1", "01 11:00:00");
  list("r1", "1", "01 11:00:00");
  list("r3", "1", "01 10:00:00");
  event("c1", "click", "1", 10, "01 11:01:00", "r2");
  const auto all = read();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].request_id, "r3");
  EXPECT_EQ(all[1].request_id, "r1");
  EXPECT_EQ(all[2].request_id, "r2");
  EXPECT_FALSE(all[0].has_action());
  EXPECT_TRUE(all[2].has_action());
  const auto kept = read({}, {.sql_folder = {}, .parameters = {}, .without_action = WithoutAction::kDrop});
  EXPECT_THAT(kept, ElementsAre(all[2]));
}

TEST_F(RankingSamples, pieces_give_what_the_whole_query_gives) {
  for (int i = 0; i < 20; ++i) {
    list(fmt::format("r{}", i), std::to_string(i % 3), fmt::format("{:02} 10:00:00", 1 + i % 9));
    event(fmt::format("c{}", i), "click", std::to_string(i % 3), 10 + i % 3, "09 11:00:00", fmt::format("r{}", i));
  }
  RankingOptions options;
  options.events_per_slice = 10;
  EXPECT_EQ(read({}, options), read());
}

TEST_F(RankingSamples, an_attribution_listed_twice_is_refused) {
  engine_.execute("DROP VIEW attributions; CREATE TABLE attributions AS SELECT *, \"at\" AS touched_at FROM events");
  event("e1", "exposure", "1", 10, "01 10:00:00", "r1");
  engine_.execute("INSERT INTO attributions SELECT *, \"at\" FROM events UNION ALL SELECT *, \"at\" FROM events");
  try {
    (void)read();
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kContract);
    EXPECT_THAT(error.message(), HasSubstr("attributions"));
  }
}

/// `n` groups of 1 to 5 samples, one an hour, every fourth at the time of the one before it.
std::vector<RankingGroup> make_groups(int n) {
  std::vector<RankingGroup> groups;
  for (int i = 0; i < n; ++i) {
    RankingGroup& group = groups.emplace_back();
    group.request_id = fmt::format("r{}", i);
    group.at = TimePoint(std::chrono::hours(i % 4 == 3 ? i - 1 : i));
    for (int p = 1; p <= 1 + i % 5; ++p) group.samples.push_back({ItemId(p), p, Grade::kNone});
  }
  return groups;
}

std::uint64_t count_rows(std::span<const RankingGroup> groups) {
  std::uint64_t n = 0;
  for (const RankingGroup& group : groups) n += group.samples.size();
  return n;
}

TEST(SampleGroups, takes_whole_groups_in_their_order_up_to_the_rows) {
  const auto all = make_groups(200);
  for (const std::uint64_t max_rows : {0U, 1U, 7U, 100U, 599U, 600U, 1000U}) {
    const auto some = sample_groups(all, max_rows, 1);
    EXPECT_LE(count_rows(some), max_rows);
    EXPECT_GE(count_rows(some) + 5, std::min<std::uint64_t>(max_rows, 600));
    EXPECT_TRUE(std::includes(all.begin(), all.end(), some.begin(), some.end(),
                              [](const RankingGroup& a, const RankingGroup& b) { return a.at < b.at; }));
    for (const RankingGroup& group : some) EXPECT_NE(std::find(all.begin(), all.end(), group), all.end());
  }
  EXPECT_EQ(sample_groups(all, 600, 1), all);
}

TEST(SampleGroups, depends_on_seed_and_ids_alone) {
  const auto all = make_groups(200);
  const auto some = sample_groups(all, 100, 1);
  EXPECT_EQ(sample_groups(all, 100, 1), some);
  EXPECT_NE(sample_groups(all, 100, 2), some);
  auto reversed = all;
  std::reverse(reversed.begin(), reversed.end());
  auto again = sample_groups(reversed, 100, 1);
  std::reverse(again.begin(), again.end());
  EXPECT_EQ(again, some);
  // A smaller sample is a part of a larger one.
  const auto fewer = sample_groups(all, 50, 1);
  for (const RankingGroup& group : fewer) EXPECT_NE(std::find(some.begin(), some.end(), group), some.end());
}

TEST(SplitByTime, puts_the_latest_groups_into_validation_and_none_into_both) {
  const auto all = make_groups(100);
  for (const double share : {0.0, 0.1, 0.2, 0.25, 0.97, 1.0}) {
    const TimeSplit split = split_by_time(all, share);
    EXPECT_EQ(split.training.size() + split.validation.size(), all.size());
    EXPECT_GE(split.validation.size(), static_cast<std::size_t>(share * 100));
    EXPECT_LE(split.validation.size(), static_cast<std::size_t>(share * 100) + 1);
    std::set<std::string> ids;
    for (const RankingGroup& group : split.training) ids.insert(group.request_id);
    for (const RankingGroup& group : split.validation) EXPECT_FALSE(ids.contains(group.request_id));
    if (!split.training.empty() && !split.validation.empty()) {
      EXPECT_LT(split.training.back().at, split.validation.front().at);
    }
  }
}

TEST(SplitByTime, keeps_groups_of_one_time_together) {
  const auto all = make_groups(8);  // 2 and 3, 6 and 7 are of one time
  EXPECT_EQ(split_by_time(all, 0.125).validation.size(), 2U);
  auto same = make_groups(5);
  for (RankingGroup& group : same) group.at = TimePoint{};
  EXPECT_TRUE(split_by_time(same, 0.2).training.empty());
  EXPECT_TRUE(split_by_time({}, 0.2).validation.empty());
}

TEST(SplitByTime, refuses_groups_out_of_order_and_shares_that_are_none) {
  auto groups = make_groups(3);
  std::swap(groups[0], groups[2]);
  const auto message = [&](double share) {
    try {
      (void)split_by_time(groups, share);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string();
  };
  EXPECT_EQ(message(0.5),
            "the groups to be split are not in order of time: r1 of 1970-01-01T01:00:00Z comes after a later one; sort them");
  EXPECT_EQ(message(1.5), "the share of groups for validation is 1.5; give a number from 0 to 1");
}

}  // namespace
}  // namespace lodestone::events
