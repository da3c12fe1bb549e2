#include "training/vocabulary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestone::training {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> words_of(const std::vector<models::Item>& items, std::size_t max_words = 100) {
  std::vector<std::string> out;
  for (const features::WeightedWord& word : build_vocabulary(items, max_words)) out.push_back(word.word);
  return out;
}

TEST(Vocabulary, counts_the_items_of_each_word_of_titles_and_tags) {
  std::vector<models::Item> items(3);
  items[0].title = "Weather weather stations";
  items[0].tags = {"weather"};
  items[1].title = "Weather 2024";
  items[2].title = "气象数据";
  const std::vector<features::WeightedWord> words = build_vocabulary(items);
  ASSERT_FALSE(words.empty());
  EXPECT_EQ(words[0].word, "weather");
  EXPECT_EQ(words[0].weight, 2);
  EXPECT_THAT(words_of(items), ::testing::UnorderedElementsAre("weather", "stations", "气象", "数据"));
}

TEST(Vocabulary, keeps_the_most_frequent) {
  std::vector<models::Item> items(2);
  items[0].title = "zebra apple";
  items[1].title = "zebra";
  EXPECT_THAT(words_of(items, 1), ElementsAre("zebra"));
  EXPECT_THAT(words_of({}), IsEmpty());
}

}  // namespace
}  // namespace lodestone::training
