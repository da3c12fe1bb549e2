#include "evaluate_output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "verbs.hpp"

namespace lodestone::app {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

EvaluationOutput sample() {
  EvaluationOutput output;
  output.set = "films";
  evaluation::MethodResult one;
  one.method = "pop";
  one.settings = "users of an item";
  one.metrics = {{"recall@5", 0.25, evaluation::Interval{0.2, 0.3}}, {"coverage@5", 0.5, std::nullopt}};
  one.users = 7;
  one.slices = {{"cold_users", 3, {{"recall@5", 0.125, evaluation::Interval{0, 0.25}}}}, {"cold_items", 0, {}}};
  output.results.push_back(one);
  return output;
}

std::string printed(const EvaluationOutput& output) {
  ::testing::internal::CaptureStdout();
  print_evaluation(output);
  return ::testing::internal::GetCapturedStdout();
}

TEST(EvaluateOutput, a_table_of_methods_and_one_of_slices_that_have_cases) {
  const std::string text = printed(sample());
  EXPECT_THAT(text, HasSubstr("0.2500 +-0.0500      0.5000"));
  EXPECT_THAT(text, HasSubstr("0.1250 +-0.1250"));
  EXPECT_THAT(text, HasSubstr("cold_users"));
  EXPECT_THAT(text, Not(HasSubstr("cold_items")));
  EvaluationOutput without = sample();
  without.results[0].slices.clear();
  EXPECT_THAT(printed(without), Not(HasSubstr("slice")));
}

TEST(EvaluateOutput, the_document_has_slices_where_they_were_measured) {
  const json::Value document = json::parse(format_evaluation_json(sample()), "json");
  const json::Value& row = document.find("results")->as_array()->front();
  EXPECT_EQ(row.find("metrics")->find("coverage@5")->as_number(), 0.5);
  EXPECT_EQ(row.find("intervals")->find("coverage@5"), nullptr);
  const json::Value* slices = row.find("slices");
  ASSERT_NE(slices, nullptr);
  EXPECT_EQ(slices->find("cold_users")->find("metrics")->find("recall@5")->as_number(), 0.125);
  EXPECT_EQ(slices->find("cold_users")->find("intervals")->find("recall@5")->as_array()->size(), 2U);
  EXPECT_EQ(*slices->find("cold_items")->find("users")->as_int(), 0);
  EXPECT_EQ(slices->find("cold_items")->find("metrics")->as_object()->size(), 0U);
  EvaluationOutput without = sample();
  without.results[0].slices.clear();
  EXPECT_EQ(json::parse(format_evaluation_json(without), "json").find("results")->as_array()->front().find("slices"), nullptr);
}

TEST(EvaluateOutput, the_protocol_is_told_in_sentences) {
  evaluation::DatasetSpec spec;
  spec.protocol.hide = {evaluation::Part::kTrain, evaluation::Part::kValid};
  spec.protocol.split = evaluation::Split::kKFold;
  EXPECT_THAT(describe_protocol(spec), Contains("5 folds by hash with seed 1; every figure is the mean of the folds."));
  EXPECT_THAT(describe_protocol(spec), Contains("A user's items of train and valid cannot be listed."));
  spec.protocol.split = evaluation::Split::kTime;
  spec.protocol.until = 86400;
  EXPECT_THAT(describe_protocol(spec), Contains("What happened before 1970-01-02T00:00:00Z is train, the rest is test."));
  spec.protocol.valid_until = 0;
  EXPECT_THAT(describe_protocol(spec), Contains(HasSubstr("from 1970-01-01T00:00:00Z on is validation.")));
  spec.protocol.split = evaluation::Split::kPerUser;
  spec.protocol.fraction = 0.75;
  EXPECT_THAT(describe_protocol(spec), Contains("75 % of each user's interactions are train (by hash), the rest is test."));
  spec.kind = evaluation::Kind::kLtr;
  EXPECT_THAT(describe_protocol(spec), Contains(HasSubstr("the gain of a row is 2^label - 1")));
}

/// Ten users with four items each, of which the last two are alike for all.
class EvaluateOptionsOfVerb : public ::testing::Test {
 protected:
  void SetUp() override {
    set_log_level(LogLevel::kOff);
    std::string events = "user,item\n";
    for (int u = 0; u < 10; ++u) {
      for (const int item : {u, (u + 1) % 10, 10, 11}) events += std::to_string(u) + "," + std::to_string(item) + "\n";
    }
    write_file_atomic(folder_.path() / "events.csv", events);
    write_file_atomic(folder_.path() / "dataset.yaml",
                      "version: 1\nname: small\nkind: interactions\nfiles: {events: {path: events.csv, format: table}}\n"
                      "protocol: {split: per-user, fraction: 0.5, k: [3], metrics: [recall]}\n");
  }
  void TearDown() override { set_log_level(LogLevel::kInfo); }

  json::Value run(const std::string& metrics, const bool slices) {
    EvaluateArguments arguments{folder_.path(), "pop", 1};
    arguments.metrics = metrics;
    arguments.slices = slices;
    Globals globals;
    globals.json = true;
    ::testing::internal::CaptureStdout();
    EXPECT_EQ(run_evaluate(globals, arguments), 0);
    return json::parse(::testing::internal::GetCapturedStdout(), "stdout").find("results")->as_array()->front();
  }

  TemporaryFolder folder_;
};

TEST_F(EvaluateOptionsOfVerb, metrics_stand_instead_of_the_protocols) {
  EXPECT_EQ(run("", false).find("metrics")->as_object()->size(), 1U);
  const json::Value row = run("auc,mrr,coverage", false);
  EXPECT_EQ(row.find("metrics")->as_object()->size(), 3U);
  EXPECT_NE(row.find("metrics")->find("auc"), nullptr);
  EXPECT_NE(row.find("metrics")->find("mrr@3"), nullptr);
  EXPECT_EQ(run("all", false).find("metrics")->as_object()->size(), 10U) << "all but diversity, as there are no texts";
  EvaluateArguments arguments{folder_.path(), "pop", 1};
  arguments.metrics = "accuracy";
  EXPECT_THROW((void)run_evaluate({}, arguments), Error);
}

TEST_F(EvaluateOptionsOfVerb, slices_come_when_asked_for) {
  EXPECT_EQ(run("", false).find("slices"), nullptr);
  const json::Value row = run("", true);
  EXPECT_EQ(*row.find("slices")->find("cold_users")->find("users")->as_int(), 10) << "everybody has two interactions";
}

TEST_F(EvaluateOptionsOfVerb, a_report_is_written_with_every_method_and_with_slices) {
  EvaluateArguments arguments{folder_.path(), "pop,itemknn-cosine", 1};
  arguments.report = folder_.path() / "report.html";
  ::testing::internal::CaptureStdout();
  EXPECT_EQ(run_evaluate({}, arguments), 0);
  (void)::testing::internal::GetCapturedStdout();
  const std::string page = read_file(arguments.report);
  for (const char* part : {"<title>small: evaluation</title>", "itemknn-cosine", ">pop</th>", "Users with few interactions"})
    EXPECT_THAT(page, HasSubstr(part));
}

TEST_F(EvaluateOptionsOfVerb, a_report_that_cannot_be_written_is_said_before_anything_is_measured) {
  EvaluateArguments arguments{"/nowhere", "pop", 1};
  const auto fault = [&] {
    try {
      (void)run_evaluate({}, arguments);
    } catch (const Error& error) {
      return error.message();
    }
    return std::string();
  };
  arguments.report = folder_.path() / "none/report.html";
  EXPECT_THAT(fault(), HasSubstr("there is no folder " + (folder_.path() / "none").string() + "; make it first"));
  arguments.report = folder_.path();
  EXPECT_THAT(fault(), HasSubstr("is a folder; name a file in it"));
}

}  // namespace
}  // namespace lodestone::app
