#include "evaluation/splits.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;

/// One user's events, item r in row r, at times given or in file order.
Dataset one_user(std::size_t n, Split split) {
  Dataset data;
  data.spec.file = "d.yaml";
  data.spec.kind = Kind::kInteractions;
  data.spec.protocol.split = split;
  data.spec.protocol.hide = {Part::kTrain};
  data.spec.files.emplace_back().part = Part::kEvents;
  data.n_items = n;
  data.n_users = 1;
  Events& e = data.events[Part::kEvents];
  for (std::size_t r = 0; r < n; ++r) {
    e.users.push_back(0);
    e.items.push_back(static_cast<ItemIndex>(r));
  }
  return data;
}

std::vector<ItemIndex> list(std::span<const ItemIndex> row) { return {row.begin(), row.end()}; }

TEST(Splits, the_row_hash_is_the_documented_one) {
  // printf 1:0 | sha256sum begins with a6685f3b62d57bfc, printf 7:4 with 02cc100736c73d8b.
  EXPECT_EQ(row_hash(1, 0), 0xa6685f3b62d57bfcULL);
  EXPECT_EQ(row_hash(7, 4), 0x02cc100736c73d8bULL);
}

TEST(Splits, k_fold_takes_rows_by_hash_modulo_folds) {
  // SHA-256 of 1:0 .. 1:7, modulo 3: 0 1 1 0 2 2 0 0.
  Dataset data = one_user(8, Split::kKFold);
  data.spec.protocol.folds = 3;
  const std::vector<Problem> problems = make_problems(data);
  ASSERT_EQ(problems.size(), 3U);
  EXPECT_THAT(list(problems[0].targets[0]), ElementsAre(0, 3, 6, 7));
  EXPECT_THAT(list(problems[1].targets[0]), ElementsAre(1, 2));
  EXPECT_THAT(list(problems[2].targets[0]), ElementsAre(4, 5));
  EXPECT_THAT(list(problems[1].hidden[0]), ElementsAre(0, 3, 4, 5, 6, 7));
  EXPECT_THAT(list(problems[1].inputs[0]), ElementsAre(0, 3, 4, 5, 6, 7));
}

TEST(Splits, per_user_trains_on_the_smallest_hashes) {
  // Ascending by hash of 1:r: rows 7 4 6 5 2 3 0 1; 0.7 of 8 is 5.6, rounded 6.
  Dataset data = one_user(8, Split::kPerUser);
  data.spec.protocol.fraction = 0.7;
  const std::vector<Problem> problems = make_problems(data);
  EXPECT_THAT(list(problems[0].targets[0]), ElementsAre(0, 1));
}

TEST(Splits, per_user_by_time_trains_on_the_earliest) {
  Dataset data = one_user(4, Split::kPerUser);
  data.spec.protocol.fraction = 0.5;
  data.spec.protocol.by = PerUserBy::kTime;
  data.events[Part::kEvents].times = {40, 10, 30, 20};
  const std::vector<Problem> problems = make_problems(data);
  EXPECT_THAT(list(problems[0].inputs[0]), ElementsAre(1, 3)) << "oldest first";
  EXPECT_THAT(list(problems[0].targets[0]), ElementsAre(0, 2));
}

TEST(Splits, train_counts_are_rounded_half_up_and_at_least_one) {
  EXPECT_EQ(train_count(0.7, 5), 4U) << "3.5";
  EXPECT_EQ(train_count(0.75, 2), 2U) << "1.5";
  EXPECT_EQ(train_count(0.1, 4), 1U);
  EXPECT_EQ(train_count(0.8, 10), 8U);
  EXPECT_EQ(train_count(0.5, 0), 0U);
}

TEST(Splits, value_min_keeps_values_from_there_on_and_row_numbers_stand) {
  Dataset data = one_user(8, Split::kKFold);
  data.spec.protocol.folds = 3;
  data.spec.protocol.value_min = 4;
  data.events[Part::kEvents].values = {4, 5, 1, 3, 4, 5, 4, 4};
  const std::vector<Problem> problems = make_problems(data);
  EXPECT_THAT(list(problems[0].targets[0]), ElementsAre(0, 6, 7));
  EXPECT_THAT(list(problems[1].targets[0]), ElementsAre(1));
  EXPECT_THAT(list(problems[1].inputs[0]), ElementsAre(0, 4, 5, 6, 7));
}

TEST(Splits, leave_one_out_asks_for_the_last_with_everything_before_it) {
  Dataset data = one_user(4, Split::kLeaveOneOut);
  data.spec.kind = Kind::kSequences;
  data.spec.protocol.hide = {Part::kTrain};
  data.n_users = 4;
  Events& e = data.events[Part::kEvents];
  e.users = {0, 0, 0, 0, 1, 1, 2};
  e.items = {3, 1, 0, 2, 0, 1, 2};
  const std::vector<Problem> problems = make_problems(data);
  ASSERT_EQ(problems[0].targets.size(), 2U) << "a user with one item asks nothing";
  EXPECT_THAT(problems[0].subjects, ElementsAre(0, 1));
  EXPECT_THAT(list(problems[0].inputs[0]), ElementsAre(3, 1, 0));
  EXPECT_THAT(list(problems[0].targets[0]), ElementsAre(2));
  EXPECT_THAT(list(problems[0].hidden[0]), ElementsAre(1, 3)) << "the validation item, 0, may be listed";
  EXPECT_THAT(list(problems[0].inputs[1]), ElementsAre(0));
  EXPECT_EQ(problems[0].train.order, HistoryOrder::kTime);
  const Problem& tuning = *problems[0].train.tuning;
  ASSERT_EQ(tuning.targets.size(), 1U);
  EXPECT_THAT(list(tuning.targets[0]), ElementsAre(0));
  EXPECT_THAT(list(tuning.inputs[0]), ElementsAre(3, 1));
}

TEST(Splits, time_parts_train_validation_and_test) {
  Dataset data = one_user(5, Split::kTime);
  data.events[Part::kEvents].times = {50, 10, 20, 30, 40};
  data.spec.protocol.until = 40;
  data.spec.protocol.valid_until = 30;
  const std::vector<Problem> problems = make_problems(data);
  EXPECT_THAT(list(problems[0].targets[0]), ElementsAre(0, 4)) << "at the boundary is test";
  EXPECT_THAT(list(problems[0].inputs[0]), ElementsAre(1, 2, 3));
  EXPECT_THAT(list(problems[0].hidden[0]), ElementsAre(1, 2));
  EXPECT_THAT(list(problems[0].train.tuning->targets[0]), ElementsAre(3));
}

Dataset given() {
  Dataset data = one_user(6, Split::kGiven);
  data.events.clear();
  data.events[Part::kTrain] = {{0, 0, 1}, {0, 1, 2}, {}, {}};
  data.events[Part::kValid] = {{0}, {2}, {}, {}};
  data.events[Part::kTest] = {{0, 0, 2}, {3, 3, 4}, {}, {}};
  data.n_users = 3;
  return data;
}

TEST(Splits, given_fits_on_train_alone_and_hides_what_is_said) {
  Dataset data = given();
  data.spec.protocol.tune_on_valid = true;
  const std::vector<Problem> problems = make_problems(data);
  EXPECT_THAT(problems[0].train.histories.items, ElementsAre(0, 1, 2));
  EXPECT_THAT(list(problems[0].targets[0]), ElementsAre(3)) << "a set";
  EXPECT_THAT(list(problems[0].hidden[0]), ElementsAre(0, 1));
  EXPECT_THAT(problems[0].subjects, ElementsAre(0, 2));
  EXPECT_TRUE(problems[0].inputs[1].empty()) << "a user without a history is asked too";
  EXPECT_THAT(list(problems[0].train.tuning->targets[0]), ElementsAre(2));
  data.spec.protocol.hide = {Part::kTrain, Part::kValid};
  EXPECT_THAT(list(make_problems(data)[0].hidden[0]), ElementsAre(0, 1, 2));
  data.spec.protocol.hide = {};
  EXPECT_TRUE(make_problems(data)[0].hidden[0].empty());
}

TEST(Splits, without_validation_a_fifth_of_the_train_part_is_asked_for) {
  Dataset data = given();
  data.events[Part::kTrain] = {{0, 0, 0, 0, 0}, {0, 1, 2, 3, 4}, {}, {}};
  const std::vector<Problem> problems = make_problems(data);
  const Problem& tuning = *problems[0].train.tuning;
  EXPECT_EQ(tuning.train.histories[0].size(), 4U);
  EXPECT_EQ(tuning.targets[0].size(), 1U);
}

TEST(Splits, tuning_parts_are_taken_as_they_lie) {
  Dataset data = given();
  data.events[Part::kTuneTrain] = {{1}, {5}, {}, {}};
  data.events[Part::kTuneValid] = {{1}, {4}, {}, {}};
  const std::vector<Problem> problems = make_problems(data);
  EXPECT_THAT(problems[0].train.tuning->train.histories.items, ElementsAre(5));
  EXPECT_THAT(problems[0].train.tuning->targets.items, ElementsAre(4));
}

Dataset sessions(Split split) {
  Dataset data = one_user(5, split);
  data.spec.kind = Kind::kSessions;
  data.spec.protocol.hide = {};
  Events& e = data.events[Part::kEvents];
  e = {{0, 1, 0, 1, 0}, {0, 3, 2, 4, 1}, {1, 5, 3, 6, 2}, {}};  // session 0 by time: 0 1 2, session 1: 3 4
  return data;
}

TEST(Splits, sessions_ask_after_every_prefix) {
  Dataset data = sessions(Split::kGiven);
  data.events[Part::kTrain] = data.events[Part::kEvents];
  data.events[Part::kTest] = data.events[Part::kEvents];
  const std::vector<Problem> problems = make_problems(data);
  ASSERT_EQ(problems[0].targets.size(), 3U);
  EXPECT_THAT(list(problems[0].inputs[1]), ElementsAre(0, 1));
  EXPECT_THAT(list(problems[0].targets[1]), ElementsAre(2));
  EXPECT_TRUE(problems[0].hidden[1].empty()) << "repeats may be right";
  EXPECT_THAT(list(problems[0].targets[2]), ElementsAre(4));
}

TEST(Splits, sessions_by_time_go_whole) {
  Dataset data = sessions(Split::kTime);
  data.spec.protocol.until = 6;
  const std::vector<Problem> problems = make_problems(data);
  EXPECT_THAT(problems[0].train.histories.items, ElementsAre(0, 1, 2)) << "session 1 ends at 6 and is test as a whole";
  EXPECT_THAT(list(problems[0].targets[0]), ElementsAre(4));
}

TEST(Splits, sessions_leave_one_out_ask_for_the_last_item) {
  const std::vector<Problem> problems = make_problems(sessions(Split::kLeaveOneOut));
  EXPECT_THAT(problems[0].train.histories.items, ElementsAre(0, 1, 3));
  EXPECT_THAT(problems[0].targets.items, ElementsAre(2, 4));
}

TEST(Splits, similar_items_ask_for_each_query_without_itself) {
  Dataset data = one_user(6, Split::kGiven);
  data.spec.kind = Kind::kSimilarItems;
  data.truth = {{0, 1, 2}, {0, 1, 4}, {1, 1, 1}, {2, 5, 4}};
  const std::vector<Problem> all = make_problems(data);
  ASSERT_EQ(all[0].targets.size(), 2U) << "a query with nothing but itself asks nothing";
  EXPECT_THAT(list(all[0].targets[0]), ElementsAre(2, 4));
  EXPECT_THAT(list(all[0].hidden[0]), ElementsAre(1));
  EXPECT_TRUE(all[0].candidates.empty());
  data.spec.protocol.candidates = Candidates::kTruth;
  EXPECT_THAT(make_problems(data)[0].candidates, ElementsAre(1, 2, 4, 5));
}

TEST(Splits, a_set_without_test_rows_is_refused) {
  try {
    (void)make_problems(one_user(1, Split::kPerUser));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "d.yaml: no user has a test item under split per-user; there is nothing to measure");
  }
}

}  // namespace
}  // namespace lodestone::evaluation
