// sql/mapping/attributions.sql on events made by hand.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "table/engine.hpp"

namespace lodestone::lake {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string query(const table::Parameters& values = {}) {
  return "(" + table::SqlFile::load({}, "mapping/attributions").render(values) + ")";
}

class Attributions : public testing::Test {
 protected:
  Attributions() {
    engine_.execute(
        "CREATE TABLE events (event_id VARCHAR, kind VARCHAR, user_id BIGINT, visitor_id VARCHAR, item_id BIGINT, \"at\" "
        "TIMESTAMP, request_id VARCHAR, position BIGINT)");
  }
  /// `who` is a user's number or a visitor's name, `at` a day of January 2026 with its time.
  void event(const std::string& id, const std::string& kind, const std::string& who, int item, const std::string& at,
             const std::string& request = "", int position = 1) {
    const bool is_user = who.find_first_not_of("0123456789") == std::string::npos;
    engine_.execute(fmt::format("INSERT INTO events VALUES ('{}', '{}', {}, {}, {}, '2026-01-{}', nullif('{}', ''), {})", id,
                                kind, is_user ? who : "NULL", is_user ? "NULL" : "'" + who + "'", item, at, request, position));
  }
  /// "event request touch", in order.
  std::vector<std::string> credited(const table::Parameters& values = {}) {
    std::vector<std::string> out;
    engine_.query("SELECT concat(event_id, ' ', request_id, ' ', touch_event_id) FROM " + query(values),
                  [&](const table::Chunk& chunk) {
                    for (std::size_t row = 0; row < chunk.n_rows(); ++row) out.emplace_back(chunk.text_at(0, row));
                  });
    std::sort(out.begin(), out.end());
    return out;
  }

  table::Engine engine_{{.memory_budget_bytes = 256 << 20, .n_threads = 2, .temp_folder = {}}};
};

TEST_F(Attributions, an_order_goes_to_the_last_touch_before_it) {
  event("c1", "click", "1", 10, "01 10:00:00", "r1", 4);
  event("c2", "click", "1", 10, "02 10:00:00", "r2", 2);
  event("c3", "click", "1", 10, "04 10:00:00", "r3", 1);  // after the order
  event("o1", "order", "1", 10, "03 10:00:00");
  EXPECT_THAT(credited(), ElementsAre("c1 r1 c1", "c2 r2 c2", "c3 r3 c3", "o1 r2 c2"));
  EXPECT_EQ(engine_.query_int("SELECT position FROM " + query() + " WHERE event_id = 'o1'"), 2);
}

TEST_F(Attributions, a_touch_outside_the_window_does_not_count) {
  event("c1", "click", "1", 10, "01 10:00:00", "r1");
  event("o1", "order", "1", 10, "08 10:00:00");  // exactly seven days
  event("c2", "click", "2", 10, "01 10:00:00", "r2");
  event("o2", "api_order", "2", 10, "08 10:00:01");
  EXPECT_THAT(credited(), ElementsAre("c1 r1 c1", "c2 r2 c2", "o1 r1 c1"));
  EXPECT_THAT(credited({{"attribution_days", "0.5"}}), ElementsAre("c1 r1 c1", "c2 r2 c2"));
  EXPECT_THAT(credited({{"attribution_days", "8"}}), ElementsAre("c1 r1 c1", "c2 r2 c2", "o1 r1 c1", "o2 r2 c2"));
}

TEST_F(Attributions, each_person_request_and_item_counts_once) {
  event("c1", "click", "1", 10, "01 10:00:00", "r1");
  event("c2", "click", "1", 10, "01 10:05:00", "r1");  // the same card again
  event("c3", "click", "v", 10, "01 10:00:00", "r1");  // another person, from a cached list
  event("c4", "click", "1", 11, "01 10:00:00", "r1");  // another card of the list
  event("o1", "order", "1", 10, "01 11:00:00");
  event("o2", "order", "1", 10, "01 12:00:00");  // bought again
  event("o3", "api_order", "1", 10, "01 13:00:00");
  EXPECT_THAT(credited(), ElementsAre("c1 r1 c1", "c3 r1 c3", "c4 r1 c4", "o1 r1 c2"));
}

TEST_F(Attributions, an_order_is_the_buyers_own_and_of_that_item) {
  event("c1", "click", "1", 10, "01 10:00:00", "r1");
  event("c2", "click", "v", 11, "01 10:00:00", "r2");
  event("o1", "order", "2", 10, "01 11:00:00");
  event("o2", "order", "1", 11, "01 11:00:00");
  event("o3", "refund", "1", 10, "01 11:00:00");
  EXPECT_THAT(credited(), ElementsAre("c1 r1 c1", "c2 r2 c2"));
}

TEST_F(Attributions, a_landing_is_a_touch_and_no_click) {
  event("v1", "view", "1", 10, "01 10:00:00", "r1", 3);
  event("v2", "view", "1", 10, "01 10:30:00");  // came by itself
  event("o1", "order", "1", 10, "01 11:00:00");
  EXPECT_THAT(credited(), ElementsAre("o1 r1 v1"));
}

TEST_F(Attributions, equal_times_are_put_in_order_by_event) {
  event("c1", "click", "1", 10, "01 10:00:00", "r1");
  event("c2", "click", "1", 10, "01 10:00:00", "r2");
  event("o1", "order", "1", 10, "01 10:00:00");
  EXPECT_THAT(credited(), ElementsAre("c1 r1 c1", "c2 r2 c2", "o1 r2 c2"));
}

TEST_F(Attributions, nothing_comes_of_nothing) {
  event("v1", "view", "1", 10, "01 10:00:00");
  event("o1", "order", "1", 10, "01 10:30:00");
  EXPECT_THAT(credited(), IsEmpty());
}

// Many requests that show the same data sets to the same people: the join must not multiply.
TEST_F(Attributions, nobodys_rate_exceeds_one) {
  const std::string insert =
      "INSERT INTO events SELECT concat('{0}', i), '{0}', i * 7919 % 5, NULL, i * {1} % 3, TIMESTAMP '2026-01-01' + INTERVAL (i) "
      "MINUTE, {2}, 1 FROM range({3}) t(i)";
  engine_.execute(fmt::format(fmt::runtime(insert), "click", 104729, "concat('r', i // 50)", 2000));
  engine_.execute(fmt::format(fmt::runtime(insert), "order", 1299709, "NULL", 3000));
  EXPECT_EQ(engine_.query_int("SELECT count(*) - count(DISTINCT event_id) FROM " + query()), 0);
  EXPECT_EQ(engine_.query_int("SELECT max(n) FROM (SELECT count(*) AS n FROM " + query() +
                              " GROUP BY kind = 'click', user_id, request_id, item_id)"),
            1);
  const auto n_touched =
      engine_.query_int("SELECT count(*) FROM (SELECT DISTINCT user_id, request_id, item_id FROM events WHERE kind = 'click')");
  EXPECT_EQ(engine_.query_int("SELECT count(*) FROM " + query() + " WHERE kind = 'click'"), n_touched);
  EXPECT_LT(n_touched, 2000);
  EXPECT_GT(engine_.query_int("SELECT count(*) FROM " + query() + " WHERE kind = 'order'"), 0);
  EXPECT_EQ(engine_.query_int("SELECT count(*) FROM " + query({{"slices", "2"}, {"slice", "0"}})).value_or(0) +
                engine_.query_int("SELECT count(*) FROM " + query({{"slices", "2"}, {"slice", "1"}})).value_or(0),
            engine_.query_int("SELECT count(*) FROM " + query()));
}

}  // namespace
}  // namespace lodestone::lake
