#include "sources/mysql/page_clauses.hpp"

#include <gtest/gtest.h>

namespace lodestone::sources {
namespace {

using table::ColumnType;

TEST(PageClauses, a_page_without_conditions_is_the_table_in_order) {
  EXPECT_EQ(page_clauses({}), "");
  RowPage page;
  page.order = {"id"};
  page.limit = 100;
  EXPECT_EQ(page_clauses(page), " ORDER BY `id` LIMIT 100");
}

TEST(PageClauses, equal_times_go_on_by_key) {
  RowPage page;
  page.order = {"update_time", "id"};
  page.after = {{ColumnType::kTimestamp, "2026-11-25 09:30:00"}, {ColumnType::kInt64, "42"}};
  EXPECT_EQ(page_clauses(page),
            " WHERE `update_time` >= '2026-11-25 09:30:00' AND (`update_time` > '2026-11-25 09:30:00' OR (`update_time` = "
            "'2026-11-25 09:30:00' AND `id` > 42)) ORDER BY `update_time`, `id`");
}

TEST(PageClauses, composite_keys_are_compared_column_by_column) {
  RowPage page;
  page.order = {"a", "b", "c"};
  page.after = {{ColumnType::kInt32, "1"}, {ColumnType::kText, "it's"}, {ColumnType::kBytes, "00ff"}};
  EXPECT_EQ(page_clauses(page),
            " WHERE `a` >= 1 AND (`a` > 1 OR (`a` = 1 AND (`b` > 'it\\'s' OR (`b` = 'it\\'s' AND `c` > x'00ff')))) ORDER BY `a`, "
            "`b`, `c`");
}

TEST(PageClauses, ranges_hold_their_first_and_leave_out_their_last) {
  RowPage page;
  page.order = {"id"};
  page.from = OrderValue{ColumnType::kInt64, "0"};
  page.until = OrderValue{ColumnType::kInt64, "8192"};
  EXPECT_EQ(page_clauses(page), " WHERE `id` >= 0 AND `id` < 8192 ORDER BY `id`");
}

TEST(PageClauses, rows_without_a_time_are_asked_for_by_key) {
  RowPage page;
  page.order = {"id"};
  page.null_column = "update_time";
  page.after = {{ColumnType::kInt64, "7"}};
  EXPECT_EQ(page_clauses(page), " WHERE (`update_time` IS NULL OR `update_time` = 0) AND `id` > 7 ORDER BY `id`");
}

TEST(PageClauses, names_cannot_leave_their_quotes) {
  RowPage page;
  page.order = {"a`b"};
  EXPECT_EQ(page_clauses(page), " ORDER BY `a``b`");
}

}  // namespace
}  // namespace lodestone::sources
