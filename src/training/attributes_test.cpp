#include "training/attributes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace lodestone::training {
namespace {

using models::Item;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kDay = 86'400'000'000;

std::vector<Item> items_with_tags(const std::vector<std::vector<std::string>>& tags) {
  std::vector<Item> items(tags.size());
  for (std::size_t i = 0; i < tags.size(); ++i) {
    items[i].id = ItemId(static_cast<std::int64_t>(i));
    items[i].title = "title";
    items[i].tags = tags[i];
  }
  return items;
}

std::vector<Item> items_at(const std::vector<double>& prices) {
  std::vector<Item> items(prices.size());
  for (std::size_t i = 0; i < prices.size(); ++i) items[i].price = prices[i];
  return items;
}

TEST(Tags, rank_items_by_the_tags_they_share_and_rare_tags_count_more) {
  const std::vector<Item> items =
      items_with_tags({{"rare", "common"}, {"rare"}, {"common"}, {"common"}, {"common"}, {"other"}, {}, {}});
  const models::OwnedNeighbours lists = fit_tags(items, std::vector<float>(8, 0), {});
  EXPECT_EQ(lists.view().row(0).items[0], 1);
  EXPECT_THAT(lists.view().row(0).items, SizeIs(4));
  EXPECT_THAT(lists.view().row(5).items, IsEmpty());
  EXPECT_THAT(lists.view().row(6).items, IsEmpty()) << "no tags";
}

TEST(Tags, put_the_more_popular_of_equals_first_and_keep_the_length) {
  const std::vector<Item> items = items_with_tags({{"a"}, {"a"}, {"a"}, {"a"}, {}, {}});
  AttributeOptions options;
  options.neighbors = 2;
  const models::OwnedNeighbours lists = fit_tags(items, std::vector<float>{0, 1, 9, 4, 0, 0}, options);
  EXPECT_THAT(lists.view().row(0).items, ElementsAre(2, 3));
}

TEST(Tags, count_a_tag_that_an_item_repeats_once) {
  const std::vector<Item> items = items_with_tags({{"a", "a"}, {"a"}, {}, {}});
  EXPECT_THAT(fit_tags(items, std::vector<float>(4, 0), {}).view().row(0).items, ElementsAre(1));
}

TEST(Prices, fall_into_buckets_of_equal_size_and_rank_by_popularity) {
  AttributeOptions options;
  options.price_buckets = 2;
  const PriceLists prices = fit_prices(items_at({1, 2, 30, 40}), std::vector<float>{5, 9, 0, 1}, options);
  EXPECT_THAT(prices.bucket_of, ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(prices.lists.view().row(0).items, ElementsAre(1, 0));
  EXPECT_THAT(prices.lists.view().row(1).items, ElementsAre(3, 2));
  EXPECT_THAT(prices.lists.scores, Each(::testing::Gt(0)));
}

TEST(Prices, that_are_unknown_or_no_number_have_an_empty_row_of_their_own) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const PriceLists prices = fit_prices(items_at({nan, 3, std::numeric_limits<double>::infinity()}), std::vector<float>(3, 1), {});
  EXPECT_THAT(prices.bucket_of, ElementsAre(1, 0, 1));
  EXPECT_EQ(prices.lists.offsets.size(), 3U);
  EXPECT_THAT(prices.lists.view().row(1).items, IsEmpty());
}

TEST(Prices, that_are_all_equal_make_one_bucket) {
  const PriceLists prices = fit_prices(items_at({7, 7, 7, 7}), std::vector<float>(4, 1), {});
  EXPECT_THAT(prices.bucket_of, Each(0));
  EXPECT_EQ(prices.lists.offsets.size(), 2U);
  EXPECT_EQ(fit_prices({}, {}, {}).lists.offsets.size(), 2U) << "no items, one row, as a reader counts";
}

TEST(NewItems, come_newest_first_and_only_if_they_say_what_they_are) {
  std::vector<Item> items = items_with_tags({{"a"}, {"a"}, {}, {"a"}, {"a"}});
  items[0].created_at = 0;
  items[1].created_at = 30 * kDay;
  items[2].created_at = 40 * kDay;  // neither description nor tags
  items[3].created_at = 20 * kDay;
  items[3].is_available = false;
  const models::OwnedNeighbours fresh = fit_new(items, {});
  EXPECT_THAT(fresh.items, ElementsAre(1, 0)) << "item 4 has no time";
  EXPECT_FLOAT_EQ(fresh.scores[1] * 2, fresh.scores[0]);
  EXPECT_EQ(fit_new({}, {}).offsets.size(), 2U);
}

models::Interactions rows_of(std::size_t n_items, const std::vector<std::vector<ItemIndex>>& rows) {
  models::Interactions x;
  x.n_items = n_items;
  for (const auto& row : rows) {
    x.items.insert(x.items.end(), row.begin(), row.end());
    x.offsets.push_back(x.items.size());
  }
  x.weights.assign(x.items.size(), 1.0F);
  return x;
}

TEST(ItemUsers, hold_people_with_something_else_to_tell) {
  const models::OwnedNeighbours users = sample_item_users(rows_of(2, {{0, 1}, {0}, {0, 1}}), {});
  EXPECT_THAT(users.view().row(0).items, ElementsAre(0, 2)) << "row 1 has nothing else";
  EXPECT_FLOAT_EQ(users.view().row(0).scores[0], 1 / std::sqrt(2.0F));
}

TEST(ItemUsers, of_an_item_that_everybody_has_are_a_sample) {
  std::vector<std::vector<ItemIndex>> rows;
  for (ItemIndex u = 0; u < 1000; ++u) rows.push_back({0, 1 + u % 5});
  AttributeOptions options;
  options.users_per_item = 100;
  const models::OwnedNeighbours users = sample_item_users(rows_of(6, rows), options);
  EXPECT_THAT(users.view().row(0).items, SizeIs(100));
  double mean = 0;
  for (const ItemIndex user : users.view().row(0).items) mean += user / 100.0;
  EXPECT_GT(mean, 400);
  EXPECT_LT(mean, 600);
}

}  // namespace
}  // namespace lodestone::training
