#include "content_choice.hpp"

#include <gtest/gtest.h>

#include <string>

namespace lodestone::app {
namespace {

models::Item titled(std::size_t id, std::string title) {
  models::Item item;
  item.id = ItemId(static_cast<std::int64_t>(id));
  item.title = std::move(title);
  return item;
}

/// Two words of four, so that every item has neighbours with one word and one item with none of its words.
std::vector<models::Item> chain(std::size_t n) {
  std::vector<models::Item> items;
  for (std::size_t i = 0; i < n; ++i)
    items.push_back(titled(i, "word" + std::to_string(i / 2) + " name" + std::to_string(i % 5)));
  return items;
}

TrainingInteractions walks(std::size_t n_users, std::size_t n_items, std::size_t step) {
  TrainingInteractions out;
  out.matrix.n_items = n_items;
  for (std::size_t u = 0; u < n_users; ++u) {
    const std::size_t a = (u * 2) % n_items;
    const std::size_t b = (a + step) % n_items;
    for (const std::size_t i : {std::min(a, b), std::max(a, b)}) {
      out.matrix.items.push_back(static_cast<ItemIndex>(i));
      out.matrix.weights.push_back(1);
      out.last_at.push_back(i == b ? 2 : 1);
    }
    out.matrix.offsets.push_back(out.matrix.items.size());
  }
  return out;
}

TEST(ContentChoice, few_histories_leave_the_bags_alone_and_try_nothing) {
  const ContentModel model = choose_content(walks(20, 40, 1), chain(40), {});
  EXPECT_EQ(model.n_cases, 20U);
  EXPECT_TRUE(model.trials.empty());
  EXPECT_EQ(model.dense_weight, 0);
  EXPECT_FALSE(model.neighbours.items.empty());
}

TEST(ContentChoice, where_names_lead_on_the_bags_stay_alone) {
  const ContentModel model = choose_content(walks(300, 40, 1), chain(40), {});
  ASSERT_EQ(model.trials.size(), 3U);
  EXPECT_EQ(model.dense_weight, 0);
  EXPECT_GT(model.trials[0].ndcg_at_10, 0.9);
}

TEST(ContentChoice, the_lists_are_those_of_the_weight_that_is_told) {
  const std::vector<models::Item> items = chain(40);
  const ContentModel model = choose_content(walks(300, 40, 7), items, {});
  training::ContentOptions options;
  options.dense_weight = model.dense_weight;
  EXPECT_EQ(model.neighbours.items, training::fit_content(items, options).items);
}

}  // namespace
}  // namespace lodestone::app
