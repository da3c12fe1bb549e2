// The interactions are the same however the query that reads them is cut.
#include "training_input.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "table/engine.hpp"

namespace lodestone::app {
namespace {

/// 40 items, and 5,000 events of users and guests, most of them twice on an item.
class TrainingInputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::int64_t i = 0; i < 40; ++i) items_.emplace_back().id = ItemId(100 + i);
    engine_.execute(
        "CREATE TABLE events AS SELECT CASE WHEN i % 3 > 0 THEN 1000 + i % 70 END AS user_id, "
        "CASE WHEN i % 3 = 0 THEN lpad(hex(i % 90), 16, '0') END AS visitor_id, 100 + (i * 7919) % 43 AS item_id, "
        "TIMESTAMP '2026-10-01 00:00:00' + to_minutes(CAST(i * 13 % 40000 AS BIGINT)) AS at, "
        "['view', 'click', 'order', 'exposure'][1 + i % 4] AS kind FROM range(5000) t(i)");
  }
  TrainingInteractions read(std::uint64_t events_per_slice, const fs::path& sql_folder = {}) {
    const TrainingQueries queries{sql_folder, {}, events_per_slice};
    return read_interactions(engine_, queries, items_, 200);
  }
  static void expect_same(const TrainingInteractions& a, const TrainingInteractions& b) {
    EXPECT_EQ(a.user_ids, b.user_ids);
    EXPECT_EQ(a.matrix.offsets, b.matrix.offsets);
    EXPECT_EQ(a.matrix.items, b.matrix.items);
    EXPECT_EQ(a.last_at, b.last_at);
    EXPECT_THAT(a.matrix.weights, ::testing::Pointwise(::testing::FloatEq(), b.matrix.weights));
  }

  table::Engine engine_{{1ULL << 28U, 2, {}}};
  std::vector<models::Item> items_;
};

TEST_F(TrainingInputTest, slices_give_what_the_whole_query_gives) {
  const TrainingInteractions whole = read(5'001);  // one slice
  ASSERT_GT(whole.matrix.items.size(), 1000U);
  ASSERT_EQ(whole.user_ids.size(), 70U);
  ASSERT_GT(whole.matrix.n_users(), whole.user_ids.size());  // guests are there
  EXPECT_TRUE(std::is_sorted(whole.user_ids.begin(), whole.user_ids.end()));
  expect_same(read(5'000), whole);  // two
  expect_same(read(700), whole);    // eight
}

TEST_F(TrainingInputTest, a_query_without_slices_is_run_once) {
  const TemporaryFolder folder;
  make_folders(folder.path() / "labels");
  write_file_atomic(
      folder.path() / "labels/interactions.sql",
      "-- Orders only.\nSELECT user_id, CAST(NULL AS BIGINT) AS guest_key, item_id, 1.0 AS weight, max(e.at) AS last_at\n"
      "FROM events e WHERE kind = 'order' AND user_id IS NOT NULL GROUP BY user_id, item_id\n");
  expect_same(read(100, folder.path()), read(1'000'000, folder.path()));
  EXPECT_EQ(read(100, folder.path()).matrix.n_users(), read(100, folder.path()).user_ids.size());
}

TEST_F(TrainingInputTest, the_newest_pairs_are_kept_and_every_row_stays) {
  const TrainingInteractions whole = read(5'001);
  TrainingInteractions cut = whole;
  const std::size_t n = whole.last_at.size() / 3;
  keep_newest(cut, n);
  EXPECT_EQ(cut.last_at.size(), n);
  EXPECT_EQ(cut.matrix.items.size(), n);
  EXPECT_EQ(cut.matrix.weights.size(), n);
  EXPECT_EQ(cut.matrix.offsets.back(), n);
  EXPECT_EQ(cut.matrix.n_users(), whole.matrix.n_users());
  std::vector<std::int64_t> newest = whole.last_at;
  std::sort(newest.rbegin(), newest.rend());
  newest.resize(n);
  std::vector<std::int64_t> kept = cut.last_at;
  std::sort(kept.rbegin(), kept.rend());
  EXPECT_EQ(kept, newest);
  keep_newest(cut, n + 1);
  EXPECT_EQ(cut.last_at.size(), n);
  keep_newest(cut, 0);
  EXPECT_EQ(cut.matrix.offsets.back(), 0U);
}

}  // namespace
}  // namespace lodestone::app
