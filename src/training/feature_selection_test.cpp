#include "training/feature_selection.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestone::training {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(FeatureSelection, keeps_the_largest_gains_in_the_order_of_the_columns) {
  const std::vector<std::string> names{"a", "b", "c", "d"};
  EXPECT_THAT(select_features(std::vector<double>{1, 5, 2, 9}, names, 3), ElementsAre(1, 2, 3));
}

TEST(FeatureSelection, equal_gains_go_by_name) {
  const std::vector<std::string> names{"zinc", "lead", "iron"};
  EXPECT_THAT(select_features(std::vector<double>{2, 2, 2}, names, 2), ElementsAre(1, 2));
}

TEST(FeatureSelection, a_feature_without_gain_is_never_kept) {
  const std::vector<std::string> names{"a", "b", "c"};
  EXPECT_THAT(select_features(std::vector<double>{0, 3, 0}, names, 30), ElementsAre(1));
  EXPECT_THAT(select_features(std::vector<double>{0, 0, 0}, names, 30), IsEmpty());
  EXPECT_THAT(select_features(std::vector<double>{1, 3, 2}, names, 0), IsEmpty());
}

}  // namespace
}  // namespace lodestone::training
