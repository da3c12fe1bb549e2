#include "sources/binlog/text_converter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::sources {
namespace {

std::string utf8_of(std::string_view charset, std::string_view text) {
  TextConverter converter(charset);
  std::string scratch;
  return std::string(converter.to_utf8(text, scratch));
}

TEST(TextConverter, utf8_and_bytes_pass_as_they_are) {
  for (const char* charset : {"", "binary", "utf8", "utf8mb3", "utf8mb4"})
    EXPECT_EQ(utf8_of(charset, "天\xff"), "天\xff") << charset;
}

TEST(TextConverter, other_sets_become_utf8) {
  EXPECT_EQ(utf8_of("latin1", "caf\xe9 \x80\x81\xff"), "café €\xc2\x81ÿ");
  EXPECT_EQ(utf8_of("gbk", "\xcc\xec\xc6\xf8 ab"), "天气 ab");
  EXPECT_EQ(utf8_of("big5", "\xa4\xd1"), "天");
  EXPECT_EQ(utf8_of("sjis", "\xb1\x93\xfa"), "ｱ日");
  EXPECT_EQ(utf8_of("cp1251", "\xcf\xf0"), "Пр");
  EXPECT_EQ(utf8_of("ucs2", std::string_view("\x59\x29\0a", 4)), "天a");
  EXPECT_EQ(utf8_of("utf16", std::string_view("\xd8\x3d\xde\x00", 4)), "😀");
  EXPECT_EQ(utf8_of("utf32", std::string_view("\0\x01\xf6\0", 4)), "😀");
}

TEST(TextConverter, ascii_stays_ascii_where_the_set_holds_it) {
  EXPECT_EQ(utf8_of("sjis", "C:\\a~"), "C:\\a~");
  EXPECT_EQ(utf8_of("latin1", ""), "");
}

TEST(TextConverter, long_texts_are_converted_in_pieces) {
  std::string gbk, utf8;
  for (int i = 0; i < 3000; ++i) {
    gbk += "\xcc\xec";
    utf8 += "天";
  }
  EXPECT_EQ(utf8_of("gbk", gbk), utf8);
}

TEST(TextConverter, what_has_no_meaning_becomes_a_question_mark) {
  EXPECT_EQ(utf8_of("gbk", "a\xcc"), "a?");
  EXPECT_EQ(utf8_of("gbk", "\xff\xff b"), "?? b");
  EXPECT_EQ(utf8_of("ascii", "a\xe9z"), "a?z");
  EXPECT_EQ(utf8_of("utf16", std::string_view("\xdc\x00\0a", 4)), "?a");
}

TEST(TextConverter, a_set_that_is_not_known_is_refused) {
  try {
    TextConverter converter("dec8");
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kContract);
    EXPECT_THAT(error.message(),
                testing::HasSubstr("its character set dec8 cannot be read from the binary log; convert the column to utf8mb4"));
  }
}

}  // namespace
}  // namespace lodestone::sources
