#include "features/text/segmenter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "features/text/word_dictionary_builder.hpp"
#include "tests/support/allocation_counter.hpp"

namespace lodestone::features {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> cut(std::string_view text) {
  SegmenterScratch scratch;
  std::vector<WordSpan> spans;
  Segmenter(built_in_words()).segment(text, scratch, spans);
  std::vector<std::string> out;
  for (const WordSpan& s : spans) out.emplace_back(text.substr(s.begin, s.end - s.begin));
  return out;
}

TEST(Segmenter, takes_the_most_probable_path_over_the_dictionary) {
  EXPECT_THAT(cut("研究生命起源"), ElementsAre("研究", "生命", "起源"));
  EXPECT_THAT(cut("全国降水数据"), ElementsAre("全国", "降水", "数据"));
  EXPECT_THAT(cut("南京市长江大桥"), ElementsAre("南京市", "长江大桥"));
}

TEST(Segmenter, compounds_fall_apart_and_idioms_stay) {
  EXPECT_THAT(cut("职务犯罪"), ElementsAre("职务", "犯罪"));
  EXPECT_THAT(cut("改革开放"), ElementsAre("改革", "开放"));
  EXPECT_THAT(cut("一塌糊涂"), ElementsAre("一塌糊涂"));
}

TEST(Segmenter, runs_of_letters_and_digits_stay_whole) {
  EXPECT_THAT(cut("GDP2024 v3.5占1,024的50%,ÉTÉ"), ElementsAre("GDP2024", "v3.5", "占", "1,024", "的", "50%", ",", "ÉTÉ"));
  EXPECT_THAT(cut("３．５％"), ElementsAre("３．５％"));
  EXPECT_THAT(cut("end. 5."), ElementsAre("end", ".", "5", "."));
}

TEST(Segmenter, words_with_letters_are_found_in_either_case_and_width_and_not_inside_a_run) {
  EXPECT_THAT(cut("做b超"), ElementsAre("做", "b超"));
  EXPECT_THAT(cut("做Ｂ超"), ElementsAre("做", "Ｂ超"));
  EXPECT_THAT(cut("做AB超"), ElementsAre("做", "AB", "超"));
}

TEST(Segmenter, dates_are_words_in_both_kinds_of_digits) {
  EXPECT_THAT(cut("2000年12月31日"), ElementsAre("2000年", "12月", "31日"));
  EXPECT_THAT(cut("二○○一年"), ElementsAre("二○○一年"));
  EXPECT_THAT(cut("二十四日"), ElementsAre("二十四日"));
}

TEST(Segmenter, what_can_be_no_date_is_a_number_and_a_unit) {
  EXPECT_THAT(cut("13月32日3年"), ElementsAre("13", "月", "32", "日", "3", "年"));
  EXPECT_THAT(cut("abc年"), ElementsAre("abc", "年"));
  EXPECT_THAT(cut("12345678901234567890年"), ElementsAre("12345678901234567890", "年"));
}

TEST(Segmenter, numbers_and_measure_words_are_parted) {
  EXPECT_THAT(cut("一个"), ElementsAre("一", "个"));
  EXPECT_THAT(cut("一万三千五百六十二"), ElementsAre("一万三千五百六十二"));
}

TEST(Segmenter, marks_stand_alone_except_dashes_and_dots) {
  EXPECT_THAT(cut("水，——电……。。"), ElementsAre("水", "，", "——", "电", "……", "。", "。"));
  EXPECT_THAT(cut("— —"), ElementsAre("—", "—"));
}

TEST(Segmenter, kinds_tell_words_from_marks_and_places_are_bytes_of_the_text) {
  SegmenterScratch scratch;
  std::vector<WordSpan> spans;
  Segmenter(built_in_words()).segment(" 水，x", scratch, spans);
  EXPECT_THAT(spans,
              ElementsAre(WordSpan{1, 4, WordKind::kWord}, WordSpan{4, 7, WordKind::kMark}, WordSpan{7, 8, WordKind::kWord}));
}

TEST(Segmenter, blanks_belong_to_nothing) {
  EXPECT_THAT(cut(" \t\n\xE3\x80\x80 水 电 "), ElementsAre("水", "电"));
  EXPECT_THAT(cut(""), IsEmpty());
  EXPECT_THAT(cut("   "), IsEmpty());
}

TEST(Segmenter, bytes_that_are_no_text_are_marks) {
  EXPECT_THAT(cut("水\xFF\xE6\xB0"), ElementsAre("水", "\xFF", "\xE6", "\xB0"));
}

TEST(Segmenter, characters_of_no_word_are_words_of_one_character) {
  EXPECT_THAT(cut("\xF0\xA0\x80\x80\xF0\xA0\x80\x81"), ElementsAre("\xF0\xA0\x80\x80", "\xF0\xA0\x80\x81"));
}

TEST(Segmenter, a_long_text_without_marks_comes_back_whole) {
  std::string text;
  for (int i = 0; i < 70'000; ++i) text += "水";
  std::string joined;
  for (const std::string& word : cut(text)) joined += word;
  EXPECT_EQ(joined, text);
}

TEST(Segmenter, a_scratch_carries_nothing_from_one_text_to_the_next) {
  const Segmenter segmenter(built_in_words());
  SegmenterScratch scratch;
  std::vector<WordSpan> first;
  std::vector<WordSpan> later;
  segmenter.segment("全国降水数据", scratch, first);
  std::vector<WordSpan> other;
  segmenter.segment("2000年B超" + std::string(100, 'x'), scratch, other);
  segmenter.segment("全国降水数据", scratch, later);
  EXPECT_EQ(first, later);
}

TEST(Segmenter, a_warm_call_allocates_nothing) {
  const Segmenter segmenter(built_in_words());
  SegmenterScratch scratch;
  std::vector<WordSpan> spans;
  segmenter.segment("全国降水数据2000年，GDP", scratch, spans);
  spans.clear();
  const std::size_t before = test::allocation_count();
  segmenter.segment("全国降水数据2000年，GDP", scratch, spans);
  EXPECT_EQ(test::allocation_count(), before);
  EXPECT_EQ(spans.size(), 6U);
}

TEST(Segmenter, threads_with_their_own_scratch_agree) {
  const std::string text = "研究生命起源的数据2000年";
  const auto expected = cut(text);
  std::vector<std::string> there;
  std::thread([&] { there = cut(text); }).join();
  EXPECT_EQ(there, expected);
}

}  // namespace
}  // namespace lodestone::features
