#include "evaluate_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"

namespace lodestone::app {
namespace {

using ::testing::HasSubstr;

class EvaluateText : public ::testing::Test {
 protected:
  void SetUp() override { set_log_level(LogLevel::kOff); }
  void TearDown() override { set_log_level(LogLevel::kInfo); }

  void write(const std::string& name, const std::string& text) { write_file_atomic(folder_.path() / name, text); }

  std::vector<evaluation::MethodResult> run(const std::string& method) {
    evaluation::EvaluateOptions options;
    options.threads = 1;
    return evaluate_text(evaluation::load_dataset_spec(folder_.path()), method, options);
  }

  std::string fault(const std::string& method) {
    try {
      (void)run(method);
    } catch (const Error& error) {
      return error.message();
    }
    return "no error";
  }

  void write_tokens(const std::string& gold) {
    write("gold.txt", gold);
    write("dataset.yaml",
          "version: 1\nname: gold\nkind: tokens\nfiles:\n  test: {path: gold.txt, format: tokens}\n"
          "protocol: {split: given, metrics: [word_f1]}\n");
  }

  TemporaryFolder folder_;
};

TEST_F(EvaluateText, segments_the_sentences_and_gives_a_row_for_each_name) {
  write_tokens("研究  生命  起源\n2000年  的  数据\n");
  const auto results = run("auto,words");
  ASSERT_EQ(results.size(), 2U);
  EXPECT_EQ(results[0].method, "auto");
  EXPECT_EQ(results[1].method, "words");
  EXPECT_THAT(results[0].settings, HasSubstr("words: unigram path"));
  EXPECT_EQ(results[0].metrics.at(0).name, "word_f1");
  EXPECT_EQ(results[0].metrics.at(0).value, 1);
  EXPECT_EQ(results[0].users, 2U);
  EXPECT_GT(results[0].peak_mib, 0);
}

TEST_F(EvaluateText, classifies_texts_that_are_given_or_cut_into_folds) {
  std::string lines;
  for (const char* text : {"股票上涨", "股票下跌", "银行股票", "买入股票", "股票交易"}) lines += std::string(text) + "\tmoney\n";
  for (const char* text : {"足球比赛", "足球夺冠", "球队足球", "足球进球", "观看足球"}) lines += std::string(text) + "\tsport\n";
  write("all.txt", lines);
  write("dataset.yaml",
        "version: 1\nname: news\nkind: labelled-text\nfiles:\n  train: {path: all.txt, format: labelled}\n"
        "protocol: {split: k-fold, folds: 2, seed: 1, metrics: [accuracy]}\n");
  EXPECT_EQ(run("linear").at(0).metrics.at(0).value, 1);
  write("test.txt", "股票\tmoney\n足球\tmoney\n");
  write("dataset.yaml",
        "version: 1\nname: news\nkind: labelled-text\nfiles:\n  train: {path: all.txt, format: labelled}\n"
        "  test: {path: test.txt, format: labelled}\nprotocol: {split: given, metrics: [accuracy]}\n");
  const auto results = run("all");
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0].metrics.at(0).value, 0.5);
  EXPECT_EQ(results[0].users, 2U);
}

TEST_F(EvaluateText, names_that_are_none_are_refused_with_those_that_are) {
  write_tokens("水\n");
  EXPECT_THAT(fault("word"),
              HasSubstr("kind tokens has no method \"word\"; did you mean \"words\"? It can be measured with words"));
  EXPECT_THAT(fault("linear"), HasSubstr("kind tokens has no method \"linear\""));
  EXPECT_THAT(fault(""), HasSubstr("has no method \"\""));
}

}  // namespace
}  // namespace lodestone::app
