#include "evaluate_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace lodestone::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

EvaluationOutput two_methods() {
  EvaluationOutput output;
  output.set = "films";
  output.protocol = {"Everything is ranked."};
  for (const char* name : {"pop", "ease"}) {
    evaluation::MethodResult r;
    r.method = name;
    r.settings = "lambda=1";
    const double value = r.method == "pop" ? 0.1 : 0.4;
    r.metrics = {{"ndcg@10", value, evaluation::Interval{value - 0.05, value + 0.05}}, {"coverage@10", 0.2, std::nullopt}};
    r.users = 12;
    r.slices = {{"cold_users", 3, {{"ndcg@10", value / 2, std::nullopt}}}, {"cold_items", 0, {}}};
    output.results.push_back(r);
  }
  return output;
}

TEST(EvaluateReport, has_a_chart_a_metric_with_a_bar_and_an_interval_a_method) {
  const std::string page = format_evaluation_html(two_methods());
  EXPECT_EQ(count(page, "<svg "), 2U);
  EXPECT_EQ(count(page, "role=\"img\""), 2U);
  EXPECT_EQ(count(page, "<rect class=\"bar"), 4U);
  EXPECT_EQ(count(page, "class=\"whisker\""), 2U) << "coverage has no interval";
  EXPECT_EQ(count(page, "<rect class=\"bar best\""), 1U) << "more coverage is not better";
  EXPECT_THAT(page, HasSubstr("pop 0.1000, interval 0.0500 to 0.1500; ease 0.4000, interval 0.3500 to 0.4500"));
  EXPECT_THAT(page, HasSubstr("<li>Everything is ranked.</li>"));
  EXPECT_THAT(page, HasSubstr("<td class=\"n best-cell\">0.4000 <small>±0.0500</small></td>"));
}

TEST(EvaluateReport, bars_are_to_one_scale_from_zero) {
  EvaluationOutput output = two_methods();
  output.results[0].metrics = {{"recall@10", 0.25, std::nullopt}};
  output.results[1].metrics = {{"recall@10", 0.5, std::nullopt}};
  const std::string page = format_evaluation_html(output);
  // The axis ends at .5, so that the second bar is full and the first one half of it.
  EXPECT_THAT(page, HasSubstr("width=\"175.0\""));
  EXPECT_THAT(page, HasSubstr("width=\"350.0\""));
}

TEST(EvaluateReport, shows_slices_and_says_when_one_has_no_case) {
  const std::string page = format_evaluation_html(two_methods());
  EXPECT_THAT(page, HasSubstr("Users with few interactions"));
  EXPECT_THAT(page, HasSubstr("<td class=\"n best-cell\">0.2000</td><td class=\"n\">3</td>"));
  EXPECT_EQ(count(page, "No case of this data set is of that kind."), 1U);
  EvaluationOutput without = two_methods();
  for (auto& r : without.results) r.slices.clear();
  EXPECT_THAT(format_evaluation_html(without), Not(HasSubstr("Users with few interactions")));
}

TEST(EvaluateReport, escapes_every_name) {
  EvaluationOutput output = two_methods();
  const std::string evil = "<script>alert(\"1\" & '2')</script>";
  output.set = evil;
  output.protocol = {evil};
  output.results[0].method = evil;
  output.results[0].settings = evil;
  const std::string page = format_evaluation_html(output);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;"));
}

TEST(EvaluateReport, needs_nothing_from_elsewhere) {
  const std::string page = format_evaluation_html(two_methods());
  for (const char* part : {"<script", "src=", "href=", "url(", "http"}) EXPECT_THAT(page, Not(HasSubstr(part)));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme:dark"));
  EXPECT_THAT(page, HasSubstr("@media print"));
}

TEST(EvaluateReport, stands_on_values_that_say_nothing) {
  EvaluationOutput output = two_methods();
  output.results[0].metrics = {{"recall@10", 0, std::nullopt}};
  output.results[1].metrics = {{"recall@10", std::numeric_limits<double>::quiet_NaN(), std::nullopt}};
  std::string page = format_evaluation_html(output);
  EXPECT_EQ(count(page, "width=\"0.0\""), 2U);
  EXPECT_EQ(count(page, "bar best"), 0U);
  output.results[0].metrics = {{"novelty@10", 17.5, evaluation::Interval{17, 18}}};
  output.results[1].metrics = {{"novelty@10", 1e-12, std::nullopt}};
  page = format_evaluation_html(output);
  EXPECT_THAT(page, HasSubstr(">20</text>"));
  output.results.clear();
  EXPECT_THAT(format_evaluation_html(output), HasSubstr("No method was measured."));
}

TEST(EvaluateReport, a_long_name_is_cut_between_characters_and_whole_in_the_tooltip) {
  EvaluationOutput output = two_methods();
  output.results[0].method = "eine-Methode-mit-über-langem-Namen";
  const std::string page = format_evaluation_html(output);
  EXPECT_THAT(page, HasSubstr(">eine-Methode-mit-…</text>"));
  EXPECT_THAT(page, HasSubstr("<title>eine-Methode-mit-über-langem-Namen 0.1000"));
}

}  // namespace
}  // namespace lodestone::app
