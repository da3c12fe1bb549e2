#include "training/quality_gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "training/popular.hpp"

namespace lodestone::training {
namespace {

using ::testing::ElementsAre;

constexpr std::int64_t kDay = 86'400'000'000;

std::vector<models::Item> described(std::size_t n) {
  std::vector<models::Item> items(n);
  for (models::Item& item : items) {
    item.title = "Rain";
    item.tags = {"weather"};
  }
  return items;
}

/// `people[i]` users who each touched item i alone.
models::Interactions touched_by(const std::vector<std::size_t>& people) {
  models::Interactions x;
  x.n_items = people.size();
  for (std::size_t i = 0; i < people.size(); ++i) {
    for (std::size_t p = 0; p < people[i]; ++p) {
      x.items.push_back(static_cast<ItemIndex>(i));
      x.weights.push_back(1);
      x.offsets.push_back(x.items.size());
    }
  }
  return x;
}

TEST(QualityGate, asks_for_people_by_the_category) {
  const std::vector<std::int32_t> categories = {0, 0, 0, 1, 1};
  // A median of 100 asks for 25 in the first category; two are enough in the second.
  EXPECT_THAT(quality_gate(described(5), categories, touched_by({100, 24, 120, 2, 1}), {}, {}), ElementsAre(1, 0, 1, 1, 0));
}

TEST(QualityGate, asks_for_a_title_and_words_and_that_it_may_be_shown) {
  std::vector<models::Item> items = described(5);
  items[0].title = "";
  items[1].tags.clear();
  items[2].tags.clear();
  items[2].description = "Daily rain";
  items[3].is_available = false;
  EXPECT_THAT(quality_gate(items, std::vector<std::int32_t>(5, 0), touched_by({4, 4, 4, 4, 4}), {}, {}),
              ElementsAre(0, 0, 1, 0, 1));
}

TEST(QualityGate, asks_for_a_recent_event) {
  const models::Interactions x = touched_by({2, 2, 2});
  const std::vector<std::int64_t> at = {900 * kDay, 1000 * kDay, 100 * kDay, 819 * kDay, 100 * kDay, 820 * kDay};
  EXPECT_THAT(quality_gate(described(3), std::vector<std::int32_t>(3, 0), x, at, {}), ElementsAre(1, 0, 1))
      << "180 days before the newest event are the limit";
}

TEST(QualityGate, lists_take_what_failed_only_to_reach_their_least_length_and_behind_the_rest) {
  const models::Interactions x = touched_by({9, 7, 5, 3});
  const std::vector<std::uint8_t> gate = {0, 1, 0, 1};
  PopularOptions options;
  options.gate = gate;
  options.min_items = 3;
  const models::OwnedNeighbours three = fit_popular(x, options);
  EXPECT_THAT(three.items, ElementsAre(1, 3, 0));
  EXPECT_GT(three.scores[1], three.scores[2]);
  EXPECT_GT(three.scores[2], 0);
  options.min_items = 1;
  EXPECT_THAT(fit_popular(x, options).items, ElementsAre(1, 3));
  const std::vector<std::uint8_t> none(4, 0);
  options.gate = none;
  options.min_items = 2;
  EXPECT_THAT(fit_popular(x, options).items, ElementsAre(0, 1)) << "never empty where anything is popular";
}

}  // namespace
}  // namespace lodestone::training
