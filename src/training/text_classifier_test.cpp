#include "training/text_classifier.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"

namespace lodestone::training {
namespace {

using ::testing::HasSubstr;

TextClassifier fit(const std::vector<std::string_view>& texts, const std::vector<std::int32_t>& labels, std::size_t n_classes,
                   int threads = 1) {
  TextClassifierOptions options;
  options.threads = threads;
  return {texts, labels, n_classes, options};
}

std::string fault(const std::vector<std::string_view>& texts, const std::vector<std::int32_t>& labels, std::size_t n_classes) {
  try {
    (void)fit(texts, labels, n_classes);
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

std::vector<std::string_view> some_texts() {
  return {"股票大涨", "银行股票", "球队夺冠", "足球比赛", "bank shares rise", "football match"};
}

std::vector<std::int32_t> some_labels() { return {0, 0, 1, 1, 0, 1}; }

TEST(TextClassifier, names_the_class_whose_words_a_text_shares) {
  const TextClassifier classifier = fit(some_texts(), some_labels(), 2);
  EXPECT_EQ(classifier.classify("股票"), 0);
  EXPECT_EQ(classifier.classify("球队比赛"), 1);
  EXPECT_EQ(classifier.classify("Bank of shares"), 0);
  for (std::size_t i = 0; i < some_texts().size(); ++i) EXPECT_EQ(classifier.classify(some_texts()[i]), some_labels()[i]);
}

TEST(TextClassifier, a_class_without_texts_is_never_named) {
  const TextClassifier classifier = fit(some_texts(), some_labels(), 4);
  for (const std::string_view text : {"股票", "足球", "", "完全不同"}) EXPECT_LT(classifier.classify(text), 2);
  EXPECT_EQ(fit({"a"}, {2}, 3).classify("b"), 2);
}

TEST(TextClassifier, a_text_without_known_words_gets_the_larger_class) {
  const TextClassifier classifier = fit({"水", "电", "煤", "足球"}, {0, 0, 0, 1}, 2);
  EXPECT_EQ(classifier.classify("zzz"), 0);
  EXPECT_EQ(classifier.classify(""), 0);
  EXPECT_EQ(classifier.classify("\xFF"), 0);
}

TEST(TextClassifier, equal_texts_of_two_classes_and_empty_texts_are_taken) {
  const TextClassifier classifier = fit({"same", "same", ""}, {0, 1, 1}, 2);
  EXPECT_GE(classifier.classify("same"), 0);
  EXPECT_EQ(fit({"", ""}, {0, 0}, 1).classify("x"), 0);
}

TEST(TextClassifier, two_thread_counts_give_the_same_answers) {
  const TextClassifier one = fit(some_texts(), some_labels(), 2, 1);
  const TextClassifier two = fit(some_texts(), some_labels(), 2, 2);
  EXPECT_EQ(one.n_features(), two.n_features());
  for (const std::string_view text : {"股票比赛", "银行球队", "match bank", ""})
    EXPECT_EQ(one.classify(text), two.classify(text));
}

TEST(TextClassifier, nothing_to_fit_on_and_labels_outside_are_refused) {
  EXPECT_THAT(fault({}, {}, 2), HasSubstr("cannot be fitted on 0 texts in 2 classes"));
  EXPECT_THAT(fault({"a"}, {0}, 0), HasSubstr("on 1 texts in 0 classes"));
  EXPECT_THAT(fault({"a"}, {-1}, 2), HasSubstr("label -1 is none of the 2 classes"));
  EXPECT_THAT(fault({"a"}, {2}, 2), HasSubstr("label 2 is none of the 2 classes"));
}

}  // namespace
}  // namespace lodestone::training
