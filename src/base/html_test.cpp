#include "base/html.hpp"

#include <gtest/gtest.h>

namespace lodestone {
namespace {

TEST(Html, nothing_in_a_text_can_end_a_tag_or_an_attribute) {
  EXPECT_EQ(escape_html("a<b>&\"c'"), "a&lt;b&gt;&amp;&quot;c&#39;");
  EXPECT_EQ(escape_html("数据 &amp;"), "数据 &amp;amp;");
  EXPECT_EQ(escape_html(""), "");
}

}  // namespace
}  // namespace lodestone
