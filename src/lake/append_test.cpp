#include "lake/append.hpp"

#include <gmock/gmock.h>

#include "lake/extract_fixture.hpp"

namespace lodestone::lake {
namespace {

class AppendTest : public ExtractFixture {
 protected:
  AppendTest()
      : appended_(parse_contract("version: 1\nsource: exposures\ntable: t\nprimary_key: [id]\ncolumns:\n"
                                 "  id: {type: int64, nullable: false}\n  name: {type: text, nullable: false}\n",
                                 "t.yaml")) {}

  TableReport add(std::uint64_t n_rows, const std::string& position, std::uint64_t null_name_at = UINT64_MAX,
                  std::uint64_t die_at = UINT64_MAX) {
    MadeSource source({{.name = "id", .type = table::ColumnType::kInt64}, {.name = "name", .type = table::ColumnType::kText}},
                      n_rows);
    source.null_name_at = null_name_at;
    source.die_at = die_at;
    const LakeLock lock(lake(), LakeLayer::kRaw);
    return append(
        *source.snapshot("t").stream, [&] { return position; }, appended_, "made", "nowhere", engine(), lake(), now_, lock);
  }
  std::int64_t count(const std::string& what = "count(*)") {
    Reader(lake()).attach(engine());
    return engine().query_int("SELECT " + what + " FROM raw_exposures.t").value_or(-1);
  }

  Contract appended_;
  FixedClock now_{TimePoint(std::chrono::hours(500'000))};
};

TEST_F(AppendTest, rows_come_behind_those_before_with_the_position) {
  EXPECT_EQ(position_of(lake(), appended_), "");
  EXPECT_EQ(add(3, "one").rows_out, 3U);
  EXPECT_EQ(add(2, "two").rows_out, 5U);
  EXPECT_EQ(position_of(lake(), appended_), "two");
  EXPECT_EQ(count(), 5);
  EXPECT_EQ(add(0, "three").rows_out, 5U) << "lists without items move the position alone";
  EXPECT_EQ(position_of(lake(), appended_), "three");
}

TEST_F(AppendTest, a_stream_that_dies_leaves_rows_and_position_as_they_were) {
  add(3, "one");
  EXPECT_THROW(add(5, "two", UINT64_MAX, 4), Error);
  EXPECT_EQ(count(), 3);
  EXPECT_EQ(position_of(lake(), appended_), "one");
}

TEST_F(AppendTest, bad_rows_of_every_time_stay_in_quarantine) {
  EXPECT_EQ(add(3, "one", 1).n_quarantined, 1U);
  EXPECT_EQ(add(3, "two", 0).n_quarantined, 1U);
  EXPECT_EQ(count(), 4);
  EXPECT_EQ(engine().query_int("SELECT count(*) FROM quarantine.exposures_t"), 2);
}

TEST_F(AppendTest, many_small_parts_become_one) {
  for (int i = 1; i <= 30; ++i) add(2, std::to_string(i));
  EXPECT_EQ(count(), 60);
  EXPECT_LE(find_manifest(table_path(lake(), "exposures", "t"))->parts.size(), 24U);
}

}  // namespace
}  // namespace lodestone::lake
