#include "table/sql_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::table {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.message();
  }
  return "nothing was thrown";
}

TEST(SqlText, quotes_cannot_be_escaped) {
  EXPECT_EQ(quote_identifier("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_literal("it's '; DROP"), "'it''s ''; DROP'");
  EXPECT_EQ(quote_identifiers({"a", "b c"}), "\"a\", \"b c\"");
}

TEST(SqlFile, fills_in_parameters_as_safe_literals) {
  const SqlFile file = SqlFile::parse(
      "-- A query.\n-- param: zone text = Asia/Shanghai\n-- param: days number\n-- param: at time\n-- param: n integer = 3\n"
      "-- param: col name = custom_dimension_1\n-- unique: raw_business.dict(id)\n-- unique: t(a, b)\n"
      "SELECT {{zone}}, {{days}}, {{at}}, {{n}}, {{col}}\n",
      "q.sql");
  EXPECT_THAT(file.parameters(), ElementsAre("zone", "days", "at", "n", "col"));
  ASSERT_EQ(file.unique_keys().size(), 2U);
  EXPECT_EQ(file.unique_keys()[0].table, "raw_business.dict");
  EXPECT_THAT(file.unique_keys()[1].columns, ElementsAre("a", "b"));
  const std::string sql = file.render({{"days", "7.5"}, {"at", "2026-01-02T03:04:05+08:00"}, {"zone", "x'y"}, {"other", "1"}});
  EXPECT_THAT(sql, HasSubstr("SELECT 'x''y', 7.5, TIMESTAMP '2026-01-01 19:04:05', 3, custom_dimension_1"));
}

TEST(SqlFile, refuses_values_that_are_not_what_was_declared) {
  const SqlFile file = SqlFile::parse("-- param: n number\n-- param: c name = a\nSELECT {{n}}, {{c}}", "q.sql");
  EXPECT_EQ(message_of([&] { (void)file.render({}); }), "q.sql: parameter n has no default and no value was given");
  EXPECT_EQ(message_of([&] {
              (void)file.render({{"n", "1; DROP TABLE t"}});
            }),
            "q.sql: parameter n is \"1; DROP TABLE t\", it must be a number");
  EXPECT_EQ(message_of([&] { (void)file.render({{"n", "nan"}}); }), "q.sql: parameter n is \"nan\", it must be a number");
  EXPECT_THAT(message_of([&] { (void)file.render({{"n", "1"}, {"c", "a b"}}); }), HasSubstr("it must be a name of letters"));
}

TEST(SqlFile, refuses_malformed_headers) {
  EXPECT_THAT(message_of([] { (void)SqlFile::parse("-- x\n-- param: n\nSELECT 1", "q.sql"); }),
              HasSubstr("q.sql:2: a parameter is declared as"));
  EXPECT_THAT(message_of([] { (void)SqlFile::parse("-- param: n float\nSELECT 1", "q.sql"); }),
              HasSubstr("\"float\" is no kind of a parameter"));
  EXPECT_THAT(message_of([] { (void)SqlFile::parse("-- unique: t\nSELECT 1", "q.sql"); }), HasSubstr("a key is declared as"));
  EXPECT_EQ(message_of([] { (void)SqlFile::parse("-- param: zone text\nSELECT {{zoen}}", "q.sql"); }),
            "q.sql: {{zoen}} is declared by no \"-- param:\" line; did you mean \"zone\"?");
}

TEST(SqlFile, comes_from_the_binary_unless_the_folder_has_one) {
  EXPECT_THAT(built_in_queries(), Contains("labels/owned"));
  EXPECT_EQ(SqlFile::load({}, "labels/owned").origin(), "sql/labels/owned.sql");
  const TemporaryFolder folder;
  EXPECT_EQ(SqlFile::load(folder.path(), "labels/owned").origin(), "sql/labels/owned.sql");
  make_folders(folder.path() / "labels");
  write_file_atomic(folder.path() / "labels/owned.sql", "SELECT 1");
  EXPECT_EQ(SqlFile::load(folder.path(), "labels/owned").render({}), "SELECT 1");
  EXPECT_THAT(message_of([] { (void)SqlFile::load({}, "labels/owend"); }),
              HasSubstr("no query named labels/owend; did you mean \"labels/owned\"?"));
}

TEST(SqlFile, every_built_in_query_parses) {
  for (const std::string& name : built_in_queries()) EXPECT_NO_THROW((void)SqlFile::load({}, name)) << name;
}

}  // namespace
}  // namespace lodestone::table
