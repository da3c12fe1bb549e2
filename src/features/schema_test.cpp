#include "features/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace lodestone::features {
namespace {

TEST(FeatureSchema, has_at_least_the_features_that_were_promised) {
  EXPECT_GE(features_of(Group::kUser).size(), 30U);
  EXPECT_GE(features_of(Group::kItem).size(), 40U);
  EXPECT_GE(features_of(Group::kCross).size(), 15U);
  EXPECT_GE(features_of(Group::kRequest).size(), 6U);
}

TEST(FeatureSchema, names_are_unique_snake_case_and_begin_with_their_group) {
  std::set<std::string_view> seen;
  for (const Feature& feature : all_features()) {
    EXPECT_TRUE(seen.insert(feature.name).second) << feature.name;
    EXPECT_TRUE(feature.name.starts_with(std::string(group_name(feature.group)) + "_")) << feature.name;
    EXPECT_EQ(feature.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos) << feature.name;
    EXPECT_FALSE(feature.source.empty() || feature.doc.empty()) << feature.name;
    EXPECT_EQ(feature.type == Type::kCategory, !feature.domain.empty()) << feature.name;
  }
}

TEST(FeatureSchema, groups_lie_together_and_in_order) {
  std::size_t n = 0;
  for (const Group group : {Group::kUser, Group::kItem, Group::kCross, Group::kRequest}) {
    EXPECT_EQ(features_of(group).data(), all_features().data() + n);
    n += features_of(group).size();
  }
  EXPECT_EQ(n, all_features().size());
}

TEST(FeatureSchema, a_name_is_found_in_its_group_only) {
  EXPECT_EQ(find_feature(Group::kUser, "user_order_count"), 0U);
  EXPECT_EQ(find_feature(Group::kItem, "user_order_count"), std::nullopt);
  EXPECT_TRUE(find_feature(Group::kRequest, "request_position").has_value());
}

TEST(FeatureSchema, the_hash_is_64_hexadecimal_digits_and_always_the_same) {
  EXPECT_EQ(schema_hash(), schema_hash());
  EXPECT_EQ(schema_hash().size(), 64U);
  EXPECT_EQ(schema_hash().find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(FeatureSchema, the_document_names_every_feature) {
  const std::string document = format_feature_document();
  for (const Feature& feature : all_features())
    EXPECT_NE(document.find("| `" + std::string(feature.name) + "` |"), std::string::npos);
  EXPECT_NE(document.find(schema_hash()), std::string::npos);
}

}  // namespace
}  // namespace lodestone::features
