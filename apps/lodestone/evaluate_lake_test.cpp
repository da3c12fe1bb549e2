#include "evaluate_lake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "evaluation/splits.hpp"

namespace lodestone::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A lake of six items, 100 to 105, and events at days of October 2026.
class EvaluateLake : public ::testing::Test {
 protected:
  void SetUp() override {
    engine_.execute(
        "CREATE TABLE items AS SELECT 100 + i AS item_id, 'title ' || i AS title, CAST(NULL AS VARCHAR) AS description, "
        "CAST(NULL AS VARCHAR[]) AS tags, CAST(NULL AS VARCHAR) AS category, CAST(NULL AS VARCHAR) AS company, 1.0 AS price, "
        "CAST(NULL AS VARCHAR) AS cover_image, CAST(NULL AS VARCHAR) AS data_format, CAST(NULL AS DOUBLE) AS records, "
        "CAST(NULL AS TIMESTAMP) AS created_at, CAST(NULL AS TIMESTAMP) AS updated_at, true AS is_available FROM range(6) t(i)");
    engine_.execute("CREATE TABLE events (user_id BIGINT, visitor_id VARCHAR, item_id BIGINT, \"at\" TIMESTAMP, kind VARCHAR)");
  }
  void user(int id, int item, int day, const std::string& kind = "view") { event(std::to_string(id), "NULL", item, day, kind); }
  void guest(const std::string& visitor, int item, int day) { event("NULL", "'" + visitor + "'", item, day, "click"); }
  void event(const std::string& user, const std::string& visitor, int item, int day, const std::string& kind) {
    engine_.execute("INSERT INTO events VALUES (" + user + ", " + visitor + ", " + std::to_string(item) +
                    ", TIMESTAMP '2026-10-01 00:00:00' + to_days(" + std::to_string(day) + "), '" + kind + "')");
  }
  evaluation::Dataset build(const fs::path& sql_folder = {}) {
    return build_lake_dataset(engine_, {sql_folder, {}}, "here/lake");
  }
  std::string fault(const fs::path& sql_folder = {}) {
    try {
      (void)build(sql_folder);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  }

  table::Engine engine_{{1ULL << 28U, 1, {}}};
};

TEST_F(EvaluateLake, the_last_fifth_of_the_time_is_test_and_the_tenth_before_is_for_tuning) {
  // Days 0 to 20: train until day 14, tuning until day 16, then test.
  user(7, 100, 0);
  user(7, 101, 13);
  user(7, 102, 15);
  user(7, 103, 16);
  user(3, 100, 20);
  const evaluation::Dataset data = build();
  EXPECT_EQ(data.n_users, 2U);
  EXPECT_EQ(data.n_items, 6U);
  const std::vector<evaluation::Problem> problems = evaluation::make_problems(data);
  ASSERT_EQ(problems.size(), 1U);
  const evaluation::Problem& problem = problems[0];
  EXPECT_EQ(problem.train.order, evaluation::HistoryOrder::kTime);
  EXPECT_THAT(problem.subjects, ElementsAre(0, 1)) << "user 3 is before user 7";
  EXPECT_THAT(problem.inputs[0], IsEmpty());
  EXPECT_THAT(problem.targets[0], ElementsAre(0));
  EXPECT_THAT(problem.inputs[1], ElementsAre(0, 1, 2)) << "oldest first; what was for tuning is known at test";
  EXPECT_THAT(problem.targets[1], ElementsAre(3));
  EXPECT_THAT(problem.hidden[1], ElementsAre(0, 1, 2));
  ASSERT_NE(problem.train.tuning, nullptr);
  EXPECT_THAT(problem.train.tuning->train.histories.items, ElementsAre(0, 1));
  EXPECT_THAT(problem.train.tuning->targets[0], ElementsAre(2));
}

TEST_F(EvaluateLake, what_comes_later_does_not_move_a_pair_out_of_the_train_part) {
  user(1, 100, 0);
  user(1, 101, 1);
  user(1, 101, 19);  // again, in the test part
  user(1, 102, 20);
  const evaluation::Dataset data = build();
  const std::vector<evaluation::Problem> problems = evaluation::make_problems(data);
  EXPECT_THAT(problems[0].inputs[0], ElementsAre(0, 1));
  EXPECT_THAT(problems[0].hidden[0], ElementsAre(0, 1));
}

TEST_F(EvaluateLake, guests_come_after_users_and_a_number_of_theirs_is_never_a_users) {
  user(5, 100, 0);
  guest("00000000000000a1", 101, 1);
  guest("00000000000000a1", 102, 20);
  user(5, 103, 19);
  const evaluation::Dataset data = build();
  EXPECT_EQ(data.n_users, 2U);
  const std::vector<evaluation::Problem> problems = evaluation::make_problems(data);
  EXPECT_THAT(problems[0].inputs[0], ElementsAre(0));
  EXPECT_THAT(problems[0].inputs[1], ElementsAre(1));
}

TEST_F(EvaluateLake, exposures_and_unknown_items_are_no_interactions) {
  user(1, 100, 0);
  user(1, 101, 30, "exposure");
  user(1, 999, 19);
  user(1, 102, 20);
  const evaluation::Dataset data = build();
  EXPECT_EQ(data.events.at(evaluation::Part::kEvents).items.size(), 2U);
}

TEST_F(EvaluateLake, a_lake_that_cannot_be_parted_is_refused_with_a_sentence) {
  EXPECT_EQ(fault(),
            "here/lake: the table events holds no view, click, cart or order; check the sources and run lodestone extract");
  user(1, 100, 0);
  user(2, 101, 0);
  EXPECT_EQ(fault(),
            "here/lake: all interactions are of 2026-10-01T00:00:00Z; there is no earlier and later to part train from test by");
  engine_.execute("UPDATE events SET item_id = 999");
  user(1, 998, 3);
  EXPECT_THAT(fault(), HasSubstr("here/lake: no interaction is with an item of the table items"));
  engine_.execute("DELETE FROM items");
  EXPECT_THAT(fault(), HasSubstr("the lake's table items is empty"));
}

TEST_F(EvaluateLake, a_query_that_cannot_be_run_as_of_a_time_is_refused) {
  user(1, 100, 0);
  user(1, 101, 9);
  const TemporaryFolder folder;
  make_folders(folder.path() / "labels");
  write_file_atomic(folder.path() / "labels/interactions.sql",
                    "-- Views.\nSELECT user_id, CAST(NULL AS BIGINT) AS guest_key, item_id, 1.0 AS weight, max(e.at) AS last_at\n"
                    "FROM events e GROUP BY user_id, item_id\n");
  EXPECT_THAT(fault(folder.path()), HasSubstr("declares no parameter as_of, so it cannot be run as of an earlier time"));
}

}  // namespace
}  // namespace lodestone::app
