#include "features/text/tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/hash.hpp"
#include "features/text/markup.hpp"

namespace lodestone::features {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string stripped(std::string_view text) {
  std::string out;
  strip_markup(text, out);
  return out;
}

TEST(Markup, drops_tags_comments_and_scripts) {
  EXPECT_EQ(stripped("<p>Sea <b>sur</b>face</p><!-- draft --><script>var a = '<p>';</script>heat"), " Sea surface    heat");
}

TEST(Markup, decodes_entities_by_name_and_number) {
  EXPECT_EQ(stripped("R&amp;D&nbsp;&#20013;&#x56fd; &unknown; &#xD800;|"), "R&D 中国 &unknown;  |");
}

TEST(Markup, strips_text_that_was_escaped_twice) { EXPECT_EQ(stripped("&lt;p&gt;rain&lt;/p&gt;"), " rain "); }

TEST(Markup, keeps_the_text_of_links_and_drops_their_targets) {
  EXPECT_EQ(stripped("[the guide](https://a.example/x_(1).html), see"), "[the guide , see");
}

TEST(Markup, drops_bare_addresses_up_to_chinese_text) {
  EXPECT_EQ(stripped("见https://a.example/b?c=1。下载 www.b.example now"), "见 。下载   now");
}

TEST(Markup, keeps_what_only_looks_like_markup) {
  EXPECT_EQ(stripped("a < b & c > d, AT&T, 3<4, ] (x)"), "a < b & c > d, AT&T, 3<4, ] (x)");
  EXPECT_EQ(stripped("open <p"), "open <p");
  EXPECT_EQ(stripped("](never closed"), "](never closed");
}

TEST(Tokenizer, english_words_fold_lose_plurals_and_stop_words) {
  EXPECT_THAT(token_texts("The Cities' Weather-Stations and the Children's Buses, glass & status v1.2 of 1,024"),
              ElementsAre("city", "weather", "station", "children", "buse", "glass", "status", "v1.2", "1024"));
}

TEST(Tokenizer, chinese_runs_give_characters_and_pairs) {
  EXPECT_THAT(token_texts("气象数据"), ElementsAre("气", "气象", "象", "象数", "数", "数据", "据"));
}

TEST(Tokenizer, the_particle_de_cuts_a_run_and_single_particles_go) {
  EXPECT_THAT(token_texts("城市的人口"), ElementsAre("城", "城市", "市", "人", "人口", "口"));
  EXPECT_THAT(token_texts("水和电"), ElementsAre("水", "水和", "和电", "电"));
}

TEST(Tokenizer, full_width_and_mixed_scripts_are_folded_and_parted) {
  EXPECT_THAT(token_texts("ＧＤＰ２０２４数据API"), ElementsAre("gdp2024", "数", "数据", "据", "api"));
  EXPECT_THAT(token_texts("Straße ÉTÉ"), ElementsAre("strasse", "été"));
}

TEST(Tokenizer, html_descriptions_give_the_words_people_read) {
  EXPECT_THAT(token_texts("<div style=\"color:red\">全国<br/>Rainfall&nbsp;data at <a href='https://x.example'>NOAA</a></div>"),
              ElementsAre("全", "全国", "国", "rainfall", "data", "noaa"));
}

TEST(Tokenizer, apostrophes_part_words_and_a_final_s_goes) {
  EXPECT_THAT(token_texts("O'Shea's user’s d'eau"), ElementsAre("o", "shea", "user", "d", "eau"));
}

TEST(Tokenizer, long_runs_without_blanks_are_no_words) {
  EXPECT_THAT(token_texts(std::string(49, 'x') + " ok"), ElementsAre("ok"));
}

TEST(Tokenizer, any_bytes_are_taken) {
  EXPECT_THAT(token_texts("\xff\xfe rain \xe6\xb0"), ElementsAre("rain"));
  EXPECT_THAT(token_texts(""), IsEmpty());
  EXPECT_THAT(token_texts("<>&;—！"), IsEmpty());
}

TEST(Tokenizer, hashes_are_those_of_the_texts_in_every_thread) {
  const std::string text = "Rainfall 降水 data 2024";
  std::vector<std::uint64_t> expected;
  for (const std::string& token : token_texts(text)) expected.push_back(xxh3(token));
  std::vector<std::uint64_t> here;
  tokenize(text, here);
  std::vector<std::uint64_t> there{1};
  std::thread([&] { tokenize(text, there); }).join();
  EXPECT_EQ(here, expected);
  there.erase(there.begin());
  EXPECT_EQ(there, expected);
}

}  // namespace
}  // namespace lodestone::features
