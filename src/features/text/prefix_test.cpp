#include "features/text/prefix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/rng.hpp"
#include "tests/support/allocation_counter.hpp"

namespace lodestone::features {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> complete(const OwnedPrefixArrays& arrays, std::string_view prefix, std::size_t k = 10) {
  const PrefixIndex index(arrays.view(), "prefixes");
  std::vector<Completion> out(k);
  out.resize(index.complete(prefix, out));
  std::vector<std::string> words;
  for (const Completion& c : out) words.emplace_back(index.word(c.number));
  return words;
}

std::vector<WeightedWord> some_words() {
  return {{"数据", 5}, {"数学", 7}, {"数", 1}, {"气象", 9}, {"Rain", 2}, {"rainfall", 3}, {"GDP", 4}};
}

TEST(Prefix, gives_the_heaviest_words_that_start_so_in_either_script) {
  const OwnedPrefixArrays arrays = build_prefix_arrays(some_words());
  EXPECT_THAT(complete(arrays, "数"), ElementsAre("数学", "数据", "数"));
  EXPECT_THAT(complete(arrays, "数据"), ElementsAre("数据"));
  EXPECT_THAT(complete(arrays, "rain"), ElementsAre("rainfall", "Rain"));
  EXPECT_THAT(complete(arrays, "x"), IsEmpty());
  EXPECT_THAT(complete(arrays, "数据库"), IsEmpty());
  EXPECT_THAT(complete(arrays, "", 3), ElementsAre("气象", "数学", "数据"));
}

TEST(Prefix, case_and_width_of_what_is_typed_do_not_matter) {
  const OwnedPrefixArrays arrays = build_prefix_arrays(some_words());
  EXPECT_THAT(complete(arrays, "gD"), ElementsAre("GDP"));
  EXPECT_THAT(complete(arrays, "ＲＡ"), ElementsAre("rainfall", "Rain"));
}

TEST(Prefix, words_that_fold_alike_are_one_with_the_sum_of_weights) {
  const OwnedPrefixArrays arrays = build_prefix_arrays(std::vector<WeightedWord>{{"Rain", 2}, {"RAIN", 3}, {"rail", 4}});
  EXPECT_THAT(complete(arrays, "ra"), ElementsAre("RAIN", "rail"));
}

TEST(Prefix, words_without_text_or_weight_are_left_out) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const OwnedPrefixArrays arrays =
      build_prefix_arrays(std::vector<WeightedWord>{{"", 1}, {"a", 0}, {"b", -1}, {"c", nan}, {"d", 1}});
  EXPECT_THAT(complete(arrays, ""), ElementsAre("d"));
  EXPECT_THAT(complete(build_prefix_arrays({}), ""), IsEmpty());
  EXPECT_EQ(PrefixIndex().complete("a", {}), 0U);
}

TEST(Prefix, no_room_gives_nothing_and_much_room_at_most_the_bound) {
  std::vector<WeightedWord> words;
  for (int i = 0; i < 100; ++i) words.push_back({"w" + std::to_string(i), 1});
  const OwnedPrefixArrays arrays = build_prefix_arrays(words);
  EXPECT_THAT(complete(arrays, "w", 0), IsEmpty());
  EXPECT_EQ(complete(arrays, "w", 100).size(), PrefixIndex::kMaxCompletions);
  EXPECT_EQ(complete(arrays, "w").front(), "w0");
}

TEST(Prefix, agrees_with_sorting_all_words) {
  Rng rng(5);
  std::vector<WeightedWord> words;
  for (int i = 0; i < 500; ++i) {
    std::string word;
    for (std::uint64_t k = 1 + rng.below(4); k > 0; --k) word += static_cast<char>('a' + rng.below(3));
    const bool known = std::any_of(words.begin(), words.end(), [&](const WeightedWord& w) { return w.word == word; });
    if (!known) words.push_back({word, static_cast<float>(1 + rng.below(5))});
  }
  const OwnedPrefixArrays arrays = build_prefix_arrays(words);
  std::sort(words.begin(), words.end(), [](const WeightedWord& a, const WeightedWord& b) {
    return a.weight != b.weight ? a.weight > b.weight : a.word < b.word;
  });
  for (const std::string prefix : {"", "a", "b", "ab", "cc", "abc", "bbbb"}) {
    std::vector<std::string> expected;
    for (const WeightedWord& w : words) {
      if (w.word.starts_with(prefix) && expected.size() < 10) expected.push_back(w.word);
    }
    EXPECT_EQ(complete(arrays, prefix), expected) << prefix;
  }
}

TEST(Prefix, completing_allocates_nothing) {
  const OwnedPrefixArrays arrays = build_prefix_arrays(some_words());
  const PrefixIndex index(arrays.view(), "prefixes");
  std::array<Completion, 5> out{};
  const std::size_t before = test::allocation_count();
  const std::size_t n = index.complete("数", out) + index.complete("ＲＡ", out) + index.complete("", out);
  EXPECT_EQ(test::allocation_count(), before);
  EXPECT_EQ(n, 10U);
}

TEST(Prefix, any_bytes_and_long_texts_are_taken) {
  const OwnedPrefixArrays arrays = build_prefix_arrays(some_words());
  EXPECT_THAT(complete(arrays, "\xFF"), IsEmpty());
  EXPECT_THAT(complete(arrays, "\xE6\x95"), ElementsAre("数学", "数据", "数"));
  EXPECT_THAT(complete(arrays, std::string(10'000, 'a')), IsEmpty());
}

TEST(Prefix, arrays_that_do_not_fit_are_refused) {
  const auto fault = [](const OwnedPrefixArrays& arrays) -> std::string {
    try {
      const PrefixIndex index(arrays.view(), "prefixes");
    } catch (const Error& error) {
      return error.message();
    }
    return "no error";
  };
  OwnedPrefixArrays tree = build_prefix_arrays(some_words());
  tree.heaviest[1] = 99;
  EXPECT_THAT(fault(tree), HasSubstr("prefixes: its tree names word 99 of 7"));
  tree.heaviest.pop_back();
  EXPECT_THAT(fault(tree), HasSubstr("7 words and a tree of 6 nodes"));
  OwnedPrefixArrays offsets = build_prefix_arrays(some_words());
  offsets.key_offsets[2] = 1'000;
  EXPECT_THAT(fault(offsets), HasSubstr("the offsets of keys do not fit"));
  OwnedPrefixArrays order = build_prefix_arrays(some_words());
  order.key_bytes[0] = 'z';
  EXPECT_THAT(fault(order), HasSubstr("key 1 is not above the one before"));
}

}  // namespace
}  // namespace lodestone::features
