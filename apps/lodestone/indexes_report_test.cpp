#include "indexes_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.hpp"

namespace lodestone::app {
namespace {

using testing::HasSubstr;
using testing::Not;

IndexReport sample(const std::string& verb) {
  IndexRow row{"business", {.table = "a<b>", .name = "lodestone_at", .columns = {"at", "id"}, .reason = "because \"so\" & so"}};
  row.before = sources::ReadingCost{{"", "ALL", 1000, true}, 20};
  row.after = sources::ReadingCost{{"lodestone_at", "range", 10, false}, 5};
  row.writes = sources::WriteCost{100, 40, 42};
  row.is_used = true;
  return {verb, {row}, {"A note."}};
}

TEST(IndexesReport, the_page_escapes_what_the_database_says) {
  const std::string page = format_index_report_html(sample("plan"));
  EXPECT_THAT(page, HasSubstr("<td>a&lt;b&gt;</td>"));
  EXPECT_THAT(page, HasSubstr("because &quot;so&quot; &amp; so"));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, HasSubstr("<p>A note.</p>"));
}

TEST(IndexesReport, the_larger_bar_is_full_and_the_other_to_scale) {
  const std::string page = format_index_report_html(sample("apply"));
  EXPECT_THAT(page, HasSubstr("20.00 ms without the index, 5.00 ms with it"));
  EXPECT_THAT(page, HasSubstr("width='300.0' height='14' fill='#9aa5b1'"));
  EXPECT_THAT(page, HasSubstr("width='75.0' height='14' fill='#2f7d4f'"));
}

TEST(IndexesReport, the_document_holds_what_was_measured) {
  const json::Value report = json::parse(format_index_report_json(sample("apply")), "report");
  const json::Value& row = report.find("indexes")->as_array()->at(0);
  EXPECT_TRUE(row.find("before")->find("key")->is_null());
  EXPECT_EQ(*row.find("after")->find("key")->as_string(), "lodestone_at");
  EXPECT_EQ(*row.find("after")->find("rows")->as_int(), 10);
  EXPECT_EQ(row.find("write_cost")->find("ratio")->as_number(), 1.05);
  EXPECT_EQ(*report.find("notes")->as_array()->at(0).as_string(), "A note.");
}

}  // namespace
}  // namespace lodestone::app
