#include "ranker_report.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lodestone::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

RankerReport three_rankers() {
  RankerReport report;
  report.title = "Ranker";
  report.notes = {"Measured on 2 days."};
  report.rankers = {{"baseline", 100, 81, 250'000, 0.79, 0.44, 120, false},
                    {"lightweight", 50, 81, 70'000, 0.78, 0.43, 40, true},
                    {"minimal", 30, 81, 20'000, kNaN, 0.39, 15, false}};
  report.gains = {{"item_price", 10}, {"user_orders", 30}, {"item_unused", 0}};
  report.calibration = {{0.1, 0.12, 40}, {0.3, 0.25, 41}};
  return report;
}

TEST(RankerReport, holds_a_row_and_a_dot_of_each_ranker) {
  const std::string page = format_ranker_html(three_rankers());
  EXPECT_EQ(count(page, "<th scope=\"row\">"), 3U);
  EXPECT_THAT(page, HasSubstr("<tr><th scope=\"row\">lightweight</th><td class=\"n\">50</td><td class=\"n\">81</td><td "
                              "class=\"n\">70000</td><td class=\"n\">0.7800</td><td class=\"n best-cell\">0.4300</td><td "
                              "class=\"n\">40.0</td><td>yes</td></tr>"));
  EXPECT_THAT(page, HasSubstr("<td class=\"n\">-</td><td class=\"n\">0.3900</td>")) << "what was not measured";
  EXPECT_EQ(count(page, " r=\"6\"/>"), 3U);
  EXPECT_EQ(count(page, "class=\"dot best\""), 1U);
  EXPECT_THAT(page, HasSubstr("<title>lightweight: NDCG@10 0.4300, 40.0 us for 200 rows, chosen</title>"));
  EXPECT_THAT(page, HasSubstr("<li>Measured on 2 days.</li>"));
}

TEST(RankerReport, shows_how_far_features_moved) {
  RankerReport report = three_rankers();
  EXPECT_THAT(format_ranker_html(report), HasSubstr("Not measured: "));
  report.drifts = {{"item_<price>", 0.25}, {"user_orders", 0.01}};
  const std::string page = format_ranker_html(report);
  EXPECT_THAT(page, HasSubstr("<tr><th scope=\"row\">item_&lt;price&gt;</th><td class=\"n\">0.250</td></tr>"));
  EXPECT_EQ(count(page, "Not measured: "), 0U);
}

TEST(RankerReport, shows_the_largest_gains_as_shares) {
  RankerReport report = three_rankers();
  std::string page = format_ranker_html(report);
  EXPECT_EQ(count(page, "<rect class=\"bar\""), 2U) << "no gain, no bar";
  EXPECT_THAT(page, HasSubstr("<title>user_orders: 75.00 %</title>"));
  EXPECT_LT(page.find("user_orders"), page.find("item_price"));
  EXPECT_THAT(page, HasSubstr("width=\"650.0\""));
  EXPECT_THAT(page, HasSubstr("width=\"216.7\"")) << "a third of the first";
  for (int f = 0; f < 40; ++f) report.gains.push_back({fmt::format("f{}", f), 1});
  page = format_ranker_html(report);
  EXPECT_EQ(count(page, "<rect class=\"bar\""), 30U);
  EXPECT_THAT(page, HasSubstr("the 30 largest of 42 features"));
  report.gains.clear();
  EXPECT_THAT(format_ranker_html(report), HasSubstr("No feature has a gain"));
}

TEST(RankerReport, shows_the_calibration_where_scores_are_chances) {
  RankerReport report = three_rankers();
  const std::string page = format_ranker_html(report);
  EXPECT_THAT(page, HasSubstr("<title>predicted 0.1000, found 0.1200, 40 rows</title>"));
  EXPECT_EQ(count(page, " r=\"5\">"), 2U);
  EXPECT_EQ(count(page, "class=\"even\""), 1U);
  report.calibration.clear();
  EXPECT_THAT(format_ranker_html(report), HasSubstr("they are no chances"));
}

TEST(RankerReport, escapes_every_text_of_the_caller) {
  RankerReport report = three_rankers();
  const std::string bad = "<script>\"&'";
  report.title = bad;
  report.notes = {bad};
  report.rankers[0].name = bad;
  report.gains[0].name = bad;
  const std::string page = format_ranker_html(report);
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_EQ(count(page, "&lt;script&gt;&quot;&amp;&#39;"), 9U)
      << "title, heading, note, row, description, dot and its name, bar and its name";
}

TEST(RankerReport, without_rankers_or_figures_says_so) {
  RankerReport report;
  report.title = "Ranker";
  EXPECT_THAT(format_ranker_html(report), HasSubstr("No ranker was fitted."));
  report.rankers = {{"one", 1, 1, 10, kNaN, kNaN, kNaN, true}};
  EXPECT_THAT(format_ranker_html(report), HasSubstr("No ranker has both figures."));
  report.rankers = {{"one", 1, 1, 10, 0.5, 1, 0, true}};
  EXPECT_THAT(format_ranker_html(report), Not(HasSubstr("nan")));
}

TEST(ParetoFront, keeps_those_that_no_other_beats_in_both) {
  std::vector<ComparedRanker> rankers = three_rankers().rankers;
  EXPECT_THAT(find_pareto_front(rankers), ElementsAre(2, 1, 0));
  rankers.push_back({"slow", 0, 0, 0, 0, 0.43, 90, false});  // as good as lightweight, and slower
  rankers.push_back({"twin", 0, 0, 0, 0, 0.44, 120, false});
  rankers.push_back({"best", 0, 0, 0, 0, 0.5, 40, false});
  rankers.push_back({"none", 0, 0, 0, 0, kNaN, 1, false});
  EXPECT_THAT(find_pareto_front(rankers), ElementsAre(2, 5));
}

}  // namespace
}  // namespace lodestone::app
