// What the state does with single events; that its rows are those of the queries is build/online_state_property_test.cpp's.
#include "features/online_state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "base/error.hpp"

namespace lodestone::features {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;
using Added = OnlineState::Added;

constexpr UserId kUser{1};
constexpr ItemId kItem{10};

class OnlineStateTest : public testing::Test {
 protected:
  /// An event of kUser on kItem.
  static OnlineEvent event(const std::string& id, EventKind kind, TimePoint at, double value = NAN) {
    return {online_event_id(id), kind, kUser, kItem, at, value};
  }
  [[nodiscard]] float user(std::string_view name, TimePoint now) const {
    std::vector<float> row(features_of(Group::kUser).size());
    state_.user_row(kUser, now, row);
    return row[find_feature(Group::kUser, name).value()];
  }
  [[nodiscard]] float item(std::string_view name, TimePoint now) const {
    std::vector<float> row(features_of(Group::kItem).size());
    state_.item_row(kItem, now, row);
    return row[find_feature(Group::kItem, name).value()];
  }
  void forget(TimePoint now) {
    const OnlineState::Stale stale = state_.find_stale(now);
    EXPECT_THAT(stale.users, testing::ElementsAre(kUser));
    EXPECT_THAT(stale.items, testing::ElementsAre(kItem));
    state_.forget(now, stale.users, stale.items);
    EXPECT_TRUE(state_.find_stale(now).users.empty());
    EXPECT_TRUE(state_.find_stale(now).items.empty());
  }
  static OnlineSnapshot start() {
    OnlineSnapshot snapshot;
    snapshot.as_of = parse_time("2026-10-01T00:00:00Z").value();
    return snapshot;
  }
  static std::string message_of(const OnlineSnapshot& snapshot, const OnlineState::Options& options) {
    try {
      const OnlineState state(snapshot, options);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }

  TimePoint t_ = parse_time("2026-10-31T00:00:00Z").value();
  OnlineState state_{start(), {.lateness = 2h, .smoothing = 20}};
};

TEST_F(OnlineStateTest, a_click_is_in_the_next_row) {
  EXPECT_EQ(user("user_clicks_1h", t_), 0);
  EXPECT_EQ(state_.add(event("c", EventKind::kClick, t_), t_), Added::kAdded);
  EXPECT_EQ(user("user_clicks_1h", t_), 1);
  EXPECT_EQ(user("user_click_count", t_), 1);
  EXPECT_EQ(user("user_last_event_days", t_), 0);
  EXPECT_EQ(user("user_is_active", t_), 1);
  EXPECT_EQ(item("item_clicks_1h", t_), 1);
  EXPECT_EQ(item("item_popularity_7d", t_), 2);
}

TEST_F(OnlineStateTest, a_window_ends_at_its_width) {
  state_.add(event("v", EventKind::kView, t_), t_);
  EXPECT_EQ(user("user_views_1h", t_ + 1h - 1us), 1);
  EXPECT_EQ(user("user_views_1h", t_ + 1h), 0);
  EXPECT_EQ(user("user_views_24h", t_ + 24h), 0);
  EXPECT_EQ(item("item_views_30d", t_ + 720h - 1us), 1);
  EXPECT_EQ(item("item_views_30d", t_ + 720h), 0);
  EXPECT_EQ(item("item_views_all", t_ + 720h), 1);
}

TEST_F(OnlineStateTest, a_repeated_event_counts_once) {
  EXPECT_EQ(state_.add(event("v", EventKind::kView, t_), t_), Added::kAdded);
  EXPECT_EQ(state_.add(event("v", EventKind::kView, t_), t_ + 1h), Added::kDuplicate);
  EXPECT_EQ(state_.add(event("w", EventKind::kView, t_ + 119min), t_ + 119min), Added::kAdded);
  EXPECT_EQ(state_.add(event("v", EventKind::kView, t_), t_ + 2h), Added::kDuplicate);
  EXPECT_EQ(state_.add(event("w", EventKind::kView, t_ + 119min), t_ + 3h), Added::kDuplicate);
  EXPECT_EQ(user("user_view_count", t_ + 3h), 2);
}

TEST_F(OnlineStateTest, an_event_too_late_or_ahead_changes_nothing) {
  EXPECT_EQ(state_.add(event("on time", EventKind::kView, t_ - 2h), t_), Added::kAdded);
  EXPECT_EQ(state_.add(event("late", EventKind::kView, t_ - 2h - 1us), t_), Added::kTooLate);
  EXPECT_EQ(state_.add(event("ahead", EventKind::kView, t_ + 1us), t_), Added::kAhead);
  EXPECT_EQ(user("user_view_count", t_), 1);
  // It may come again when its time has come.
  EXPECT_EQ(state_.add(event("ahead", EventKind::kView, t_ + 1us), t_ + 1us), Added::kAdded);
}

TEST_F(OnlineStateTest, a_row_is_never_before_the_last_event) {
  state_.add(event("v", EventKind::kView, t_), t_);
  EXPECT_EQ(user("user_views_1h", t_ - 1min), 1);
  EXPECT_EQ(user("user_last_event_days", t_ - 1min), 0);
}

TEST_F(OnlineStateTest, a_guests_event_counts_for_the_item_alone) {
  OnlineEvent guest = event("v", EventKind::kView, t_);
  guest.user.reset();
  state_.add(guest, t_);
  EXPECT_EQ(user("user_view_count", t_), 0);
  EXPECT_EQ(item("item_views_all", t_), 1);
}

TEST_F(OnlineStateTest, forgetting_leaves_the_windows_and_the_totals) {
  state_.add(event("v", EventKind::kView, t_), t_);
  state_.add(event("w", EventKind::kView, t_ + 24h), t_ + 24h);
  forget(t_ + 720h);
  EXPECT_EQ(user("user_views_30d", t_ + 720h), 1);
  forget(t_ + 2400h);
  EXPECT_EQ(user("user_views_30d", t_ + 2400h), 0);
  EXPECT_EQ(user("user_view_count", t_ + 2400h), 2);
}

TEST_F(OnlineStateTest, made_up_ids_push_out_each_other_and_nobody_of_the_snapshot) {
  OnlineSnapshot snapshot = start();
  snapshot.users.push_back({.user = UserId(7), .views = 3});
  state_ = OnlineState(snapshot, {.lateness = 2h, .smoothing = 20, .newcomers = 10});
  const auto did = [&](int n, std::int64_t who) {
    OnlineEvent one = event(std::to_string(n), EventKind::kView, t_);
    one.user = UserId(who);
    one.item = ItemId(who);
    state_.add(one, t_);
  };
  const auto views = [&](std::int64_t who) {
    std::vector<float> row(features_of(Group::kUser).size());
    state_.user_row(UserId(who), t_, row);
    return row[find_feature(Group::kUser, "user_view_count").value()];
  };
  did(0, 7);
  did(1, 1'000);
  for (int n = 0; n < 100; ++n) {
    did(10 + 2 * n, 2'000 + n);
    did(11 + 2 * n, 1'000);
  }
  EXPECT_EQ(views(7), 4);
  EXPECT_EQ(views(1'000), 101) << "who comes again and again stays";
  for (int n = 96; n < 100; ++n) EXPECT_EQ(views(2'000 + n), 1) << n;
  int n_known = 0;
  for (int n = 0; n < 100; ++n) n_known += views(2'000 + n) > 0 ? 1 : 0;
  EXPECT_LT(n_known, 10);
}

TEST_F(OnlineStateTest, starts_from_a_snapshot_and_knows_its_events) {
  OnlineSnapshot snapshot;
  snapshot.as_of = t_;
  snapshot.users.push_back({.user = kUser, .views = 7, .last_event = t_ - 1h});
  snapshot.items.push_back({.item = kItem, .views = 9, .popularity = {4, 8, 16}, .popularity_at = t_});
  snapshot.recent = {event("a", EventKind::kView, t_ - 25h), event("b", EventKind::kView, t_ - 1h)};
  state_ = OnlineState(snapshot, {.lateness = 2h, .smoothing = 20});
  EXPECT_EQ(user("user_view_count", t_), 7);
  EXPECT_EQ(user("user_views_24h", t_), 1);
  EXPECT_EQ(user("user_views_7d", t_), 2);
  EXPECT_EQ(item("item_popularity_1d", t_ + 24h), 2);
  EXPECT_EQ(item("item_popularity_7d", t_ + 168h), 4);
  EXPECT_EQ(state_.add(event("b", EventKind::kView, t_ - 1h), t_), Added::kDuplicate);
  EXPECT_EQ(state_.add(event("c", EventKind::kView, t_ - 1h), t_), Added::kAdded);
  EXPECT_EQ(user("user_view_count", t_), 8);
}

TEST_F(OnlineStateTest, refuses_what_is_no_snapshot) {
  OnlineSnapshot twice = start();
  twice.users = {{.user = kUser}, {.user = kUser}};
  EXPECT_EQ(message_of(twice, {}), "the online snapshot has user 1 twice; build it again");
  OnlineSnapshot items = start();
  items.items = {{.item = kItem}, {.item = kItem}};
  EXPECT_EQ(message_of(items, {}), "the online snapshot has item 10 twice; build it again");
  OnlineSnapshot later = start();
  later.recent = {event("v", EventKind::kView, t_)};
  EXPECT_EQ(message_of(later, {}),
            "the online snapshot of 2026-10-01T00:00:00Z has an event of 2026-10-31T00:00:00Z out of its order or time; build it "
            "again");
  EXPECT_THAT(message_of(start(), {.lateness = 721h, .smoothing = 20}), HasSubstr("is not between 0 and 30 days"));
}

TEST(OnlineColumns, are_features_of_the_schema) {
  for (const Group group : {Group::kUser, Group::kItem}) {
    EXPECT_FALSE(online_columns(group).empty());
    for (const std::string_view name : online_columns(group)) EXPECT_TRUE(find_feature(group, name)) << name;
  }
  EXPECT_TRUE(online_columns(Group::kCross).empty());
}

TEST(EventKinds, have_the_names_of_the_lake) {
  EXPECT_EQ(find_event_kind("exposure"), EventKind::kExposure);
  EXPECT_EQ(find_event_kind("api_order"), EventKind::kApiOrder);
  EXPECT_EQ(find_event_kind("refund"), EventKind::kRefund);
  EXPECT_EQ(find_event_kind("look"), std::nullopt);
}

}  // namespace
}  // namespace lodestone::features
