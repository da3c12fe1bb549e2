#include "lake/range_digests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::lake {
namespace {

using testing::ElementsAre;

TEST(RangeDigests, ranges_of_negative_keys_lie_below_zero) {
  EXPECT_EQ(range_of(0, 10), 0);
  EXPECT_EQ(range_of(9, 10), 0);
  EXPECT_EQ(range_of(10, 10), 1);
  EXPECT_EQ(range_of(-1, 10), -1);
  EXPECT_EQ(range_of(-10, 10), -1);
  EXPECT_EQ(range_of(-11, 10), -2);
  EXPECT_EQ(range_of(INT64_MIN, 2), INT64_MIN / 2);
}

TEST(RangeDigests, neighbours_add_up_when_there_are_many) {
  RangeDigests digests{"id", 8, {{-2, 1, 1, 10}, {-1, 2, 2, 20}, {0, 3, 4, 30}, {1, 4, 8, 40}, {3, 5, 16, 50}}};
  digests.coarsen_to(3);
  EXPECT_EQ(digests.width, 16);
  EXPECT_THAT(digests.ranges, ElementsAre(sources::RangeDigest{-1, 3, 3, 30}, sources::RangeDigest{0, 7, 12, 70},
                                          sources::RangeDigest{1, 5, 16, 50}));
  digests.coarsen_to(3);
  EXPECT_EQ(digests.width, 16);
}

TEST(RangeDigests, what_differs_came_or_went_or_was_touched_is_named_once) {
  const RangeDigests before{"id", 8, {{0, 1, 1, 1}, {1, 1, 1, 1}, {2, 1, 1, 1}, {3, 1, 1, 1}}};
  const RangeDigests now{"id", 8, {{0, 1, 1, 1}, {1, 1, 1, 2}, {3, 1, 1, 1}, {9, 1, 1, 1}}};
  EXPECT_THAT(differing_ranges(before, now, {}), ElementsAre(1, 2, 9));
  EXPECT_THAT(differing_ranges(before, now, {0, 1}), ElementsAre(0, 1, 2, 9));
}

TEST(RangeDigests, come_back_from_their_file_and_a_damaged_one_is_named) {
  const RangeDigests digests{"id", 8192, {{-1, 1, UINT64_MAX, 7}, {5, 8, 0, UINT64_MAX}}};
  const std::string text = format_range_digests(digests);
  const RangeDigests back = parse_range_digests(text, "d.json");
  EXPECT_EQ(back.key, "id");
  EXPECT_EQ(back.ranges, digests.ranges);
  for (std::size_t n = 0; n + 2 < text.size(); ++n) {
    try {
      (void)parse_range_digests(std::string_view(text).substr(0, n), "d.json");
      ADD_FAILURE() << n;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    }
  }
}

}  // namespace
}  // namespace lodestone::lake
