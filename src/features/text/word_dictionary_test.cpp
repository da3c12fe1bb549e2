#include "features/text/word_dictionary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "features/text/segmenter.hpp"
#include "features/text/word_dictionary_builder.hpp"

namespace lodestone::features {
namespace {

using ::testing::HasSubstr;

/// A dictionary in memory that is aligned as a mapped file is.
struct Block {
  std::vector<std::uint64_t> words;
  std::size_t size = 0;

  explicit Block(std::string_view bytes) : words((bytes.size() + 7) / 8), size(bytes.size()) {
    if (!bytes.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::as_bytes(std::span(words)).first(size); }
  [[nodiscard]] WordDictionary open() const { return {bytes(), "words.bin"}; }
};

std::string build(std::string_view lines, double long_penalty = 3) {
  const auto words = parse_counted_words(lines, "list");
  return build_word_dictionary(words, {.long_penalty = long_penalty});
}

std::optional<std::uint32_t> find_cost(const WordDictionary& words, std::u32string_view word) {
  std::uint32_t node = WordDictionary::kRoot;
  for (const char32_t c : word) {
    node = words.step(node, words.code(c));
    if (node == WordDictionary::kNoNode) return std::nullopt;
  }
  const std::uint32_t cost = words.cost(node);
  return cost == WordDictionary::kNoWord ? std::nullopt : std::optional(cost);
}

template <typename Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

TEST(WordDictionary, finds_each_word_with_its_cost_and_no_other) {
  const Block block(build("数据 50 n\n数 30 n\n气象 20 n\n"));
  const WordDictionary words = block.open();
  words.verify();
  EXPECT_EQ(words.n_words(), 3U);
  EXPECT_EQ(find_cost(words, U"数据"), static_cast<std::uint32_t>(std::round(std::log(2.0) * kCostUnit)));
  EXPECT_EQ(find_cost(words, U"气象"), static_cast<std::uint32_t>(std::round(std::log(5.0) * kCostUnit)));
  EXPECT_TRUE(find_cost(words, U"数"));
  EXPECT_FALSE(find_cost(words, U"气"));
  EXPECT_FALSE(find_cost(words, U"据"));
  EXPECT_FALSE(find_cost(words, U"数据气"));
  EXPECT_FALSE(find_cost(words, U"x"));
  EXPECT_FALSE(find_cost(words, U"\U00020000"));
}

TEST(WordDictionary, holds_every_word_of_a_large_list) {
  std::string lines;
  std::vector<std::u32string> all;
  for (char32_t a = 0; a < 40; ++a) {
    for (char32_t b = 0; b < 40; ++b) {
      const std::u32string word{static_cast<char32_t>('a' + a % 26), static_cast<char32_t>(0x4E00 + a),
                                static_cast<char32_t>(0x4E00 + b * 7)};
      all.push_back(word);
      std::string text;
      for (const char32_t c : word) {
        if (c < 0x80) {
          text += static_cast<char>(c);
        } else {
          text += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
                   static_cast<char>(0x80 | (c & 0x3F))};
        }
      }
      lines += text + " 2\n";
    }
  }
  const Block block(build(lines));
  const WordDictionary words = block.open();
  for (const auto& word : all) EXPECT_TRUE(find_cost(words, word));
}

TEST(WordDictionary, a_compound_that_its_parts_always_beat_is_left_out) {
  const std::string lines = "基础 100\n设施 100\n基础设施 80\n糊 1\n涂 1\n糊涂 3\n";
  const Block with(build(lines, 3));
  EXPECT_FALSE(find_cost(with.open(), U"基础设施"));
  const Block without(build(lines, 0));
  EXPECT_TRUE(find_cost(without.open(), U"基础设施"));
  EXPECT_TRUE(find_cost(with.open(), U"糊涂"));
}

TEST(WordDictionary, words_fold_and_counts_of_equal_ones_are_added) {
  const Block block(build("Ｂ超 1\nb超 1\n数 2\n"));
  EXPECT_EQ(block.open().n_words(), 2U);
  EXPECT_EQ(find_cost(block.open(), U"b超"), find_cost(block.open(), U"数"));
}

TEST(WordDictionary, numbers_with_measure_words_are_left_out_and_other_numbers_stay) {
  const Block block(build("一个 9 m\n三十天 9 m\n一些 9 m\n万一 9 m\n二年 9 n\n"));
  EXPECT_FALSE(find_cost(block.open(), U"一个"));
  EXPECT_FALSE(find_cost(block.open(), U"三十天"));
  EXPECT_TRUE(find_cost(block.open(), U"一些"));
  EXPECT_TRUE(find_cost(block.open(), U"万一"));
  EXPECT_TRUE(find_cost(block.open(), U"二年"));
}

TEST(WordDictionary, the_same_list_in_another_order_gives_the_same_bytes) {
  EXPECT_EQ(build("数据 50\n数 30\n气象 20\n"), build("气象 20\n数 30\n数据 50\n"));
}

TEST(WordDictionary, the_documented_example_is_what_is_built) {
  const Block block(build("数 1\n数据 1\n"));
  const WordDictionary words = block.open();
  EXPECT_EQ(words.code(U'数'), 1);
  EXPECT_EQ(words.code(U'据'), 2);
  EXPECT_EQ(find_cost(words, U"数"), 710U);
  EXPECT_EQ(find_cost(words, U"数据"), 710U);
}

TEST(WordDictionary, the_built_in_one_is_sound) {
  const WordDictionary& words = built_in_words();
  words.verify();
  EXPECT_GT(words.n_words(), 100'000U);
  EXPECT_TRUE(find_cost(words, U"数据"));
}

TEST(WordDictionary, lists_that_are_none_are_refused_with_their_line) {
  EXPECT_THAT(message_of([] { (void)parse_counted_words("数 1 n\n据\n", "list"); }),
              HasSubstr("list:2: expected \"word count tag\" parted by blanks, found \"据\""));
  EXPECT_THAT(message_of([] { (void)parse_counted_words("数 -1 n", "list"); }), HasSubstr("list:1"));
  EXPECT_THAT(message_of([] { (void)parse_counted_words(" 1 n", "list"); }), HasSubstr("list:1"));
  EXPECT_THAT(message_of([] { (void)parse_counted_words("数 99999999999999999999", "list"); }), HasSubstr("list:1"));
  EXPECT_THAT(message_of([] { (void)build_word_dictionary({}, {}); }), HasSubstr("the list of 0 words holds none"));
}

TEST(WordDictionary, blocks_that_are_none_are_refused) {
  const std::string good = build("数据 50\n数 30\n");
  EXPECT_THAT(message_of([] { (void)Block("").open(); }), HasSubstr("words.bin: is no word dictionary (0 bytes"));
  EXPECT_THAT(message_of([&] { (void)Block(good.substr(0, good.size() - 8)).open(); }), HasSubstr("its header says"));
  std::string version = good;
  version[8] = 9;
  EXPECT_THAT(message_of([&] { (void)Block(version).open(); }), HasSubstr("of version 9, this program reads 1"));
  std::string magic = good;
  magic[0] = 'X';
  EXPECT_THAT(message_of([&] { (void)Block(magic).open(); }), HasSubstr("it begins otherwise"));
  std::string unknown = good;
  std::memset(unknown.data() + 20, 0, 4);
  EXPECT_THAT(message_of([&] { (void)Block(unknown).open(); }), HasSubstr("an unknown character costs 0"));
  std::string flipped = good;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  const Block block(flipped);
  EXPECT_THAT(message_of([&] { block.open().verify(); }), HasSubstr("do not have the checksum"));
}

TEST(WordDictionary, no_content_of_the_nodes_makes_a_look_up_leave_the_block) {
  std::string damaged = build("数据 50\n数 30\n气象 20\n");
  const std::size_t nodes = WordDictionary::kHeaderBytes + WordDictionary::kCodes * 2;
  for (std::size_t at = nodes; at < damaged.size(); ++at) damaged[at] = static_cast<char>(at * 31);
  const Block block(damaged);
  const WordDictionary words = block.open();
  SegmenterScratch scratch;
  std::vector<WordSpan> spans;
  const std::string text = "气象数据气象数据";
  Segmenter(words).segment(text, scratch, spans);
  std::uint32_t end = 0;
  for (const WordSpan& s : spans) {
    EXPECT_EQ(s.begin, end);
    end = s.end;
  }
  EXPECT_EQ(end, text.size());
}

}  // namespace
}  // namespace lodestone::features
