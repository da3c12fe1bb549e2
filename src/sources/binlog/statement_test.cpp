#include "sources/binlog/statement.hpp"

#include <gtest/gtest.h>

namespace lodestone::sources {
namespace {

TEST(Statement, is_known_by_its_first_words) {
  EXPECT_EQ(statement_kind("BEGIN"), Statement::kBegin);
  EXPECT_EQ(statement_kind("start transaction"), Statement::kBegin);
  EXPECT_EQ(statement_kind("START SLAVE"), Statement::kOther);
  EXPECT_EQ(statement_kind("COMMIT"), Statement::kCommit);
  EXPECT_EQ(statement_kind("ROLLBACK"), Statement::kRollback);
  EXPECT_EQ(statement_kind("ROLLBACK TO `a`"), Statement::kRollbackTo);
  EXPECT_EQ(statement_kind("SAVEPOINT `a`"), Statement::kSavepoint);
  EXPECT_EQ(statement_kind("XA COMMIT 'a'"), Statement::kXa);
  EXPECT_EQ(statement_kind("insert into t values (1)"), Statement::kChange);
  EXPECT_EQ(statement_kind("ALTER TABLE t ADD c INT"), Statement::kDefinition);
  EXPECT_EQ(statement_kind("CREATE OR REPLACE TABLE t (a INT)"), Statement::kDefinition);
  EXPECT_EQ(statement_kind("truncate t"), Statement::kDefinition);
  EXPECT_EQ(statement_kind(""), Statement::kOther);
}

TEST(Statement, comments_in_front_do_not_count) {
  EXPECT_EQ(statement_kind("  /* who */ -- why\n # what\n UPDATE t SET a = 1"), Statement::kChange);
  EXPECT_EQ(statement_kind("/* open"), Statement::kOther);
  EXPECT_EQ(statement_kind("--"), Statement::kOther);
}

TEST(Statement, comments_that_are_executed_do) {
  EXPECT_EQ(statement_kind("/*!40000 ALTER TABLE t DISABLE KEYS */"), Statement::kDefinition);
  EXPECT_EQ(statement_kind("/*M!100301 CREATE TABLE t (a INT) */"), Statement::kDefinition);
  EXPECT_EQ(statement_kind("CREATE /*M!100301 OR REPLACE */ TABLE t (a INT)"), Statement::kDefinition);
  EXPECT_EQ(statement_kind("/*!"), Statement::kOther);
}

TEST(Statement, those_about_accounts_are_no_definitions_that_are_shown) {
  for (const char* sql :
       {"CREATE USER a IDENTIFIED BY PASSWORD 'x'", "CREATE OR REPLACE USER a", "ALTER USER a IDENTIFIED BY 'x'", "DROP ROLE r",
        "GRANT ALL ON *.* TO a IDENTIFIED BY 'x'", "SET PASSWORD FOR a = 'x'", "CREATE SERVER s OPTIONS (PASSWORD 'x')"}) {
    EXPECT_EQ(statement_kind(sql), Statement::kOther) << sql;
  }
}

TEST(Statement, names_tables_as_whole_words_in_any_case) {
  EXPECT_TRUE(names_table("INSERT INTO shop.`Item` VALUES (1)", "item"));
  EXPECT_TRUE(names_table("item", "item"));
  EXPECT_FALSE(names_table("INSERT INTO items VALUES (1)", "item"));
  EXPECT_FALSE(names_table("INSERT INTO my_item VALUES (1)", "item"));
  EXPECT_TRUE(names_table("DELETE items FROM items, item", "item"));
  EXPECT_FALSE(names_table("", "item"));
}

}  // namespace
}  // namespace lodestone::sources
