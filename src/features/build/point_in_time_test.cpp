// What comes later than the time asked for changes nothing: no label leaks into the features it is learnt from.
#include "features/build/feature_fixture.hpp"

namespace lodestone::features {
namespace {

class PointInTime : public FeatureFixture {
 protected:
  PointInTime() {
    sql("INSERT INTO items SELECT i, 'title ' || i, 'some text', ['t' || i % 3, 'all'], 'c' || i % 4, 'company ' || i % 5, i * "
        "0.7, 'a.png', "
        "'csv', i, TIMESTAMP '2026-09-01' + to_days(CAST(i AS INTEGER)), NULL, true, NULL FROM range(1, 21) t(i)");
    sql("INSERT INTO users SELECT i, 'company ' || i, 'p', 'c', ['x'], true, TIMESTAMP '2026-08-01', NULL FROM range(1, 9) t(i)");
    sql("INSERT INTO item_images SELECT i, i, 'u', 1, TIMESTAMP '2026-09-02', NULL FROM range(1, 11) t(i)");
    const char* kinds[] = {"view", "click", "cart", "order", "api_order", "exposure", "refund"};
    for (int i = 0; i < 210; ++i) {
      event(kinds[i % 7], std::to_string(1 + i % 8), 1 + i * 7 % 20, i * 4.0, i % 7 > 2 ? std::to_string(i % 11) + ".5" : "NULL",
            i % 7 == 5 || i % 7 == 1 ? std::to_string(1 + i % 13) : "NULL");
    }
    sql("INSERT INTO attributions SELECT event_id, CASE WHEN kind = 'click' THEN 'click' ELSE 'order' END, user_id, visitor_id, "
        "item_id, "
        "events.at, 'r', coalesce(position, 2), event_id, events.at FROM events WHERE kind IN ('click', 'order')");
    build();
    before_ = set_;
  }

  /// Builds again and compares every value with what it was.
  void expect_unchanged(std::uint64_t events_per_slice = 1000) {
    build({}, events_per_slice);
    expect_same(before_.users, set_.users);
    expect_same(before_.items, set_.items);
    EXPECT_EQ(before_.vocabularies, set_.vocabularies);
  }
  static void expect_same(const FeatureTable& before, const FeatureTable& after) {
    ASSERT_EQ(before.ids, after.ids);
    const auto features = features_of(before.group);
    for (std::size_t i = 0; i < before.values.size(); ++i) {
      const float a = before.values[i];
      const float b = after.values[i];
      // Sums of floats depend on the order of threads in their last bits.
      const bool same = (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= 1e-5F * std::max(1.0F, std::abs(a));
      EXPECT_TRUE(same) << features[i % features.size()].name << " of " << before.ids[i / features.size()] << ": " << a << ", "
                        << b;
    }
  }

  FeatureSet before_;
};

TEST_F(PointInTime, later_events_change_no_feature) {
  for (int i = 0; i < 100; ++i) {
    for (const char* kind : {"view", "click", "cart", "order", "api_order", "exposure", "refund"})
      event(kind, std::to_string(1 + i % 8), 1 + i % 20, -0.001 - i, "1000", "1");
    event("order", std::to_string(1000 + i), 3, -1, "5");  // a user who is not there yet
  }
  sql("INSERT INTO attributions SELECT 'later ' || event_id, 'order', user_id, visitor_id, item_id, events.at, 'r', 1, event_id, "
      "events.at "
      "FROM events WHERE kind = 'order' AND events.at > TIMESTAMP '2026-10-31'");
  expect_unchanged();
}

TEST_F(PointInTime, later_items_users_and_images_change_no_feature) {
  sql("INSERT INTO items SELECT i, 'new', 'new', ['all', 'new'], 'new', 'new', i * 100, 'a.png', 'new', i, TIMESTAMP '2026-10-31 "
      "00:00:01', NULL, "
      "true, NULL FROM range(100, 150) t(i)");
  sql("INSERT INTO users SELECT i, 'new', 'new', 'new', ['new'], true, TIMESTAMP '2026-11-01', NULL FROM range(100, 150) t(i)");
  sql("INSERT INTO item_images SELECT i, i % 20, 'u', 1, TIMESTAMP '2026-11-01', NULL FROM range(100, 150) t(i)");
  event("view", "1", 120, -5);
  expect_unchanged();
}

TEST_F(PointInTime, an_event_at_the_very_time_counts) {
  event("view", "1", 1, 0);
  build();
  EXPECT_EQ(item(1, "item_views_1h"), value(before_.items, 1, "item_views_1h") + 1);
}

TEST_F(PointInTime, an_account_that_logs_in_later_has_no_last_login) {
  sql("UPDATE users SET last_login_at = TIMESTAMP '2026-12-01'");
  sql("UPDATE items SET updated_at = TIMESTAMP '2026-12-01'");
  sql("UPDATE item_images SET updated_at = TIMESTAMP '2026-12-01'");
  expect_unchanged();
}

TEST_F(PointInTime, pieces_give_what_the_whole_query_gives) { expect_unchanged(30); }

TEST_F(PointInTime, a_refund_later_is_not_known_yet) {
  event("refund", "1", 1, -1, "3");
  expect_unchanged();
}

}  // namespace
}  // namespace lodestone::features
