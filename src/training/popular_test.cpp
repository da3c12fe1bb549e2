#include "training/popular.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestone::training {
namespace {

using ::testing::ElementsAre;

TEST(Popular, many_users_outweigh_one_that_came_often) {
  const models::Interactions x{3, {0, 2, 3, 4}, {0, 1, 1, 1}, {50, 1, 1, 1}};
  const models::OwnedNeighbours popular = fit_popular(x, {});
  EXPECT_THAT(popular.view().row(0).items, ElementsAre(1, 0, 2));
  const float floor = 0.01F * (50.0F / 51.0F + 1.5F) / 3;
  EXPECT_THAT(popular.view().row(0).scores,
              ::testing::Pointwise(::testing::FloatNear(1e-4F), {1.5F + 2 * floor, 50.0F / 51.0F + 2 * floor, floor}));
}

TEST(Popular, decayed_weights_sink) {
  const models::Interactions x{2, {0, 1, 2, 3}, {0, 0, 1}, {0.1F, 0.1F, 1}};
  EXPECT_THAT(fit_popular(x, {}).view().row(0).items, ElementsAre(1, 0));
}

TEST(Popular, untouched_items_come_last_newest_first) {
  const models::Interactions x{4, {0, 1}, {0}, {1e-3F}};
  EXPECT_THAT(fit_popular(x, {}).view().row(0).items, ElementsAre(0, 3, 2, 1));
  EXPECT_THAT(fit_popular(models::Interactions{2, {0}, {}, {}}, {}).view().row(0).items, ElementsAre(1, 0));
}

TEST(Popular, categories_have_lists_of_their_own_up_to_the_length) {
  const models::Interactions x{5, {0, 5}, {0, 1, 2, 3, 4}, {1, 2, 3, 4, 5}};
  PopularOptions options;
  options.max_items = 2;
  const models::OwnedNeighbours lists = fit_popular_by_category(x, std::vector<std::int32_t>{0, 0, 0, 2, 2}, 3, options);
  EXPECT_THAT(lists.view().row(0).items, ElementsAre(2, 1));
  EXPECT_THAT(lists.view().row(1).items, ElementsAre());
  EXPECT_THAT(lists.view().row(2).items, ElementsAre(4, 3));
}

}  // namespace
}  // namespace lodestone::training
