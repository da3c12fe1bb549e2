#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "models/catalog.hpp"
#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"
#include "models/release.hpp"

namespace lodestone::models {
namespace {

using ::testing::ElementsAre;

TEST(Interactions, transpose_lists_the_users_of_each_item) {
  const Interactions x{3, {0, 2, 2, 3}, {0, 2, 2}, {1, 2, 5}};
  const ItemUsers t = transpose(x);
  EXPECT_THAT(t.offsets, ElementsAre(0, 1, 1, 3));
  EXPECT_THAT(t.users, ElementsAre(0, 0, 2));
  EXPECT_THAT(t.weights, ElementsAre(1, 2, 5));
}

TEST(Neighbours, inverted_lists_speak_for_candidates_best_first) {
  // Candidate 0 counts items 1 and 2; candidate 1 counts 2; candidate 2 counts nothing.
  const OwnedNeighbours lists{{0, 2, 3, 3}, {1, 2, 2}, {0.9F, 0.2F, 0.5F}};
  const OwnedNeighbours inverted = invert(lists.view());
  EXPECT_THAT(inverted.view().row(0).items, ElementsAre());
  EXPECT_THAT(inverted.view().row(1).items, ElementsAre(0));
  EXPECT_THAT(inverted.view().row(2).items, ElementsAre(1, 0));
  EXPECT_THAT(inverted.view().row(2).scores, ElementsAre(0.5F, 0.2F));
}

TEST(Neighbours, a_history_scores_every_candidate_that_counts_it) {
  const OwnedNeighbours lists{{0, 2, 3, 3}, {1, 2, 2}, {0.5F, 0.25F, 0.5F}};
  const OwnedNeighbours inverted = invert(lists.view());
  std::vector<float> scores(3);
  const std::vector<ItemIndex> history{2, 1};
  const std::vector<float> weights{2, 1};
  add_history_scores(inverted.view(), history, weights, scores);
  EXPECT_THAT(scores, ElementsAre(1.0F, 1.0F, 0.0F));
}

TEST(Neighbours, a_row_beyond_the_lists_is_empty) { EXPECT_TRUE(OwnedNeighbours{}.view().row(5).items.empty()); }

std::vector<Item> sample_items() {
  Item a;
  a.id = ItemId(5);
  a.title = "气象 \"数据\"";
  a.tags = {"weather", "air"};
  a.category = "气象";
  a.company = "x";
  a.price = 9.5;
  a.created_at = 1000;
  Item b;
  b.id = ItemId(70000000000);
  b.title = "traffic";
  b.tags = {"air"};
  b.price = std::numeric_limits<double>::quiet_NaN();
  b.records = std::numeric_limits<double>::quiet_NaN();
  b.cover_image = "https://example.org/a.png";
  b.is_available = false;
  return {a, b};
}

TEST(Catalog, gives_back_what_was_saved) {
  const TemporaryFolder folder;
  save_catalog(sample_items(), folder.path() / "items.safetensors");
  const TensorFile file(folder.path() / "items.safetensors");
  const Catalog catalog(file);
  ASSERT_EQ(catalog.n_items(), 2U);
  EXPECT_EQ(catalog.find(ItemId(70000000000)), 1);
  EXPECT_EQ(catalog.find(ItemId(6)), std::nullopt);
  EXPECT_EQ(catalog.title(0), "气象 \"数据\"");
  EXPECT_EQ(catalog.category(0), "气象");
  EXPECT_EQ(catalog.category(1), "");
  EXPECT_EQ(catalog.company(0), "x");
  EXPECT_EQ(catalog.tags(0).size(), 2U);
  EXPECT_EQ(catalog.tag_name(catalog.tags(1)[0]), "air");
  EXPECT_EQ(catalog.price(0), 9.5);
  EXPECT_TRUE(std::isnan(catalog.price(1)));
  EXPECT_EQ(catalog.created_at(0), 1000);
  EXPECT_EQ(catalog.created_at(1), Item::kNoTime);
  EXPECT_TRUE(catalog.is_available(0));
  EXPECT_FALSE(catalog.is_available(1));
}

TEST(Catalog, cards_are_ready_json) {
  const TemporaryFolder folder;
  save_catalog(sample_items(), folder.path() / "i");
  const TensorFile file(folder.path() / "i");
  const Catalog catalog(file);
  EXPECT_EQ(catalog.card(0), R"("dataset_id":5,"title":"气象 \"数据\"","price":9.5,"cover_image":null)");
  EXPECT_EQ(catalog.card(1),
            R"("dataset_id":70000000000,"title":"traffic","price":null,"cover_image":"https://example.org/a.png")");
}

TEST(Users, are_found_by_id) {
  const std::vector<std::int64_t> ids{3, 9};
  const std::vector<std::uint64_t> offsets{0, 1, 3};
  const std::vector<ItemIndex> items{4, 2, 1};
  const std::vector<float> weights{1, 2, 3};
  const std::vector<std::uint64_t> owned_offsets{0, 0, 1};
  const std::vector<ItemIndex> owned{2};
  const Users users(ids, offsets, items, weights, owned_offsets, owned);
  EXPECT_EQ(users.find(UserId(9)), 1U);
  EXPECT_EQ(users.find(UserId(4)), std::nullopt);
  EXPECT_THAT(users.history(1), ElementsAre(2, 1));
  EXPECT_THAT(users.owned(1), ElementsAre(2));
}

TEST(Release, categories_are_numbered_as_first_seen) {
  std::vector<Item> items(3);
  items[0].category = "b";
  items[1].category = "a";
  items[2].category = "b";
  EXPECT_THAT(number_categories(items), ElementsAre(0, 1, 0));
}

}  // namespace
}  // namespace lodestone::models
