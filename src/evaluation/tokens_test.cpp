#include "evaluation/tokens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Tokens : public ::testing::Test {
 protected:
  std::vector<GoldSentence> load(const std::string& text) {
    FileSpec file;
    file.path = folder_.path() / "gold.txt";
    write_file_atomic(file.path, text);
    return load_gold_sentences(file);
  }
  TemporaryFolder folder_;
};

TEST_F(Tokens, words_are_parted_by_two_blanks_and_empty_lines_are_skipped) {
  const auto sentences = load("ab  c  \n\n   \r\n d e    f\n");
  ASSERT_EQ(sentences.size(), 2U);
  EXPECT_EQ(sentences[0].text, "abc");
  EXPECT_THAT(sentences[0].words, ElementsAre(Span{0, 2}, Span{2, 3}));
  EXPECT_EQ(sentences[1].text, "d ef");
  EXPECT_THAT(sentences[1].words, ElementsAre(Span{0, 3}, Span{3, 4}));
}

TEST_F(Tokens, a_file_without_words_is_refused) {
  try {
    (void)load("\n\n");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("gold.txt: holds no words in 2 lines"));
  }
}

TEST(CompareSpans, counts_spans_that_are_equal_at_both_ends) {
  const SpanCounts counts = compare_spans({{0, 1}, {1, 3}, {3, 4}}, {{0, 1}, {1, 2}, {2, 3}, {3, 4}});
  EXPECT_EQ(counts.right, 2);
  EXPECT_EQ(counts.gold, 3);
  EXPECT_EQ(counts.found, 4);
  EXPECT_DOUBLE_EQ(counts.f1(), 4.0 / 7);
  EXPECT_EQ(compare_spans({}, {}).f1(), 0);
  EXPECT_EQ(compare_spans({{0, 2}, {2, 4}}, {{0, 4}}).right, 0);
  EXPECT_EQ(compare_spans({{0, 4}}, {{0, 2}, {3, 4}}).right, 0);
}

TEST_F(Tokens, a_row_has_the_f1_of_all_words_and_an_interval_around_it_for_any_number_of_threads) {
  const auto sentences = load("ab  c\na  b\nabc\na  b  c\n");
  SegmentMethod method{"chars", "", [] {},
                       [](std::string_view text, std::vector<Span>& words) {
                         words.clear();
                         for (std::uint32_t i = 0; i < text.size(); ++i) words.push_back({i, i + 1});
                       }};
  const MethodResult one = measure_segmenter(sentences, method, {.threads = 1, .draws = 200});
  const MethodResult two = measure_segmenter(sentences, method, {.threads = 2, .draws = 200});
  // Gold 2 + 2 + 1 + 3 = 8 words, found 3 + 2 + 3 + 3 = 11, right 1 + 2 + 0 + 3 = 6.
  EXPECT_DOUBLE_EQ(one.metrics.at(0).value, 12.0 / 19);
  EXPECT_EQ(one.metrics.at(0).name, "word_f1");
  EXPECT_EQ(one.users, 4U);
  EXPECT_LT(one.metrics.at(0).interval->low, 12.0 / 19);
  EXPECT_GT(one.metrics.at(0).interval->high, 12.0 / 19);
  EXPECT_EQ(one.metrics.at(0).interval->low, two.metrics.at(0).interval->low);
  EXPECT_FALSE(measure_segmenter(sentences, method, {.threads = 1, .draws = 0}).metrics.at(0).interval);
}

}  // namespace
}  // namespace lodestone::evaluation
