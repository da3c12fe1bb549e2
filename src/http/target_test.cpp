#include "http/target.hpp"

#include <gtest/gtest.h>

namespace lodestone::http {
namespace {

TEST(Target, takes_path_and_query_apart) {
  Target target;
  ASSERT_TRUE(target.parse("/similar/5?limit=10&filter=price%3C%3D10+and+x&q=%E5%A4%A9%E6%B0%94&flag"));
  EXPECT_EQ(target.path(), "/similar/5");
  ASSERT_EQ(target.parameters().size(), 4U);
  EXPECT_EQ(target.parameters()[0].name, "limit");
  EXPECT_EQ(target.parameters()[0].value, "10");
  EXPECT_EQ(target.parameters()[1].value, "price<=10 and x");
  EXPECT_EQ(target.parameters()[2].value, "天气");
  EXPECT_EQ(target.parameters()[3].name, "flag");
  EXPECT_EQ(target.parameters()[3].value, "");
}

TEST(Target, takes_the_absolute_form) {
  Target target;
  ASSERT_TRUE(target.parse("http://example.org:80/hot/trending?limit=1"));
  EXPECT_EQ(target.path(), "/hot/trending");
  ASSERT_TRUE(target.parse("http://example.org"));
  EXPECT_EQ(target.path(), "/");
}

TEST(Target, refuses_what_is_no_path) {
  Target target;
  for (const std::string_view text : {"", "*", "similar", "example.org:443", "/a#b", "ftp://x/"})
    EXPECT_FALSE(target.parse(text)) << text;
}

TEST(Target, marks_parameters_that_are_no_text) {
  Target target;
  for (const std::string_view text : {"/?q=%", "/?q=%4", "/?q=%zz", "/?q=%ff", "/?q=%00", "/?q=a%0d%0ab", "/?q=%c0%af",
                                      "/?q=%ed%a0%80", "/?q=%f4%90%80%80", "/?q=%e5%a4"}) {
    ASSERT_TRUE(target.parse(text));
    ASSERT_EQ(target.parameters().size(), 1U) << text;
    EXPECT_FALSE(target.parameters()[0].is_text) << text;
    EXPECT_EQ(target.parameters()[0].name, "q");
  }
}

TEST(Target, keeps_empty_pairs_out_and_repeats_in) {
  Target target;
  ASSERT_TRUE(target.parse("/?&a=1&&a=2&"));
  ASSERT_EQ(target.parameters().size(), 2U);
  EXPECT_EQ(target.parameters()[1].value, "2");
}

TEST(Target, a_plus_in_the_path_stays_a_plus) {
  Target target;
  ASSERT_TRUE(target.parse("/a"));
  EXPECT_EQ(target.decode_segment("x", "").value, "");
  ASSERT_TRUE(target.parse("/a+b%2Fc"));
  EXPECT_EQ(target.decode_segment("x", target.path().substr(1)).value, "a+b/c");
}

}  // namespace
}  // namespace lodestone::http
