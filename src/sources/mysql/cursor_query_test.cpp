#include "sources/mysql/cursor_query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestone::sources {
namespace {

using testing::ElementsAre;

TEST(CursorQuery, a_range_of_the_change_column_leads) {
  const Cursor cursor = make_cursor("order_tab", "update_time", std::vector<std::string>{"id"});
  EXPECT_EQ(
      cursor_query(cursor, CursorPosition{"'2026-02-28 01:02:03'", "42"}, 1000),
      "SELECT * FROM `order_tab` WHERE (`update_time` >= '2026-02-28 01:02:03' AND (`update_time` > '2026-02-28 01:02:03' OR "
      "`id` > 42)) ORDER BY `update_time`, `id` LIMIT 1000");
}

TEST(CursorQuery, without_a_position_everything_comes) {
  Cursor cursor = make_cursor("user", "create_time", std::vector<std::string>{"id"});
  EXPECT_EQ(cursor_query(cursor, std::nullopt, 7), "SELECT * FROM `user` ORDER BY `create_time`, `id` LIMIT 7");
  cursor.columns = {"id", "from"};
  EXPECT_EQ(cursor_query(cursor, std::nullopt, 7), "SELECT `id`, `from` FROM `user` ORDER BY `create_time`, `id` LIMIT 7");
}

TEST(CursorQuery, a_key_of_several_columns_is_compared_column_by_column) {
  const Cursor cursor =
      make_cursor("matomo_log_conversion", "server_time", std::vector<std::string>{"idvisit", "idgoal", "buster"});
  EXPECT_EQ(cursor_query(cursor, CursorPosition{"'t'", "1", "2", "3"}, 5),
            "SELECT * FROM `matomo_log_conversion` WHERE (`server_time` >= 't' AND (`server_time` > 't' OR `idvisit` > 1 OR "
            "(`idvisit` = 1 AND `idgoal` > 2) OR (`idvisit` = 1 AND `idgoal` = 2 AND `buster` > 3))) "
            "ORDER BY `server_time`, `idvisit`, `idgoal`, `buster` LIMIT 5");
}

TEST(CursorQuery, a_change_column_of_the_key_stands_once) {
  const Cursor cursor = make_cursor("log", "at", std::vector<std::string>{"site", "at"});
  EXPECT_THAT(cursor.order, ElementsAre("at", "site"));
  const Cursor alone = make_cursor("log_action", "idaction", std::vector<std::string>{"idaction"});
  EXPECT_EQ(cursor_query(alone, CursorPosition{"9"}, 5),
            "SELECT * FROM `log_action` WHERE `idaction` > 9 ORDER BY `idaction` LIMIT 5");
}

TEST(CursorQuery, rows_that_were_never_changed_come_first) {
  const Cursor cursor = make_cursor("user", "update_time", std::vector<std::string>{"id"});
  EXPECT_EQ(cursor_query(cursor, CursorPosition{"NULL", "3"}, 5),
            "SELECT * FROM `user` WHERE (`update_time` IS NOT NULL OR `id` > 3) ORDER BY `update_time`, `id` LIMIT 5");
}

TEST(CursorQuery, literals_of_binary_columns_are_hexadecimal) {
  EXPECT_EQ(literal_of("at", "datetime"), "QUOTE(`at`)");
  EXPECT_EQ(literal_of("idvisitor", "binary"), "IFNULL(CONCAT('x''', HEX(`idvisitor`), ''''), 'NULL')");
}

}  // namespace
}  // namespace lodestone::sources
