#include "bundle/feature_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace lodestone::bundle {
namespace {

using ::testing::HasSubstr;

FeatureFacts sample() {
  FeatureFacts facts;
  facts.as_of = parse_time("2026-11-01T10:00:00.5Z").value();
  facts.reference.of = features::RowReference::Of::kShown;
  facts.reference.depth = 100;
  facts.reference.features.push_back(features::make_bins("item_price", {0.1F, 0.2F, 1e-7F, 3e20F, NAN}, 3));
  facts.reference.features.push_back(features::make_bins("user_orders_1h", std::vector<float>(10, NAN)));
  return facts;
}

std::string fault(std::string text, std::string_view from, std::string_view to) {
  text.replace(text.find(from), from.size(), to);
  try {
    (void)parse_feature_facts(text, "b: features.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorrupt);
    return error.message();
  }
  return "none";
}

TEST(FeatureFacts, come_back_bit_for_bit) {
  const FeatureFacts facts = sample();
  const FeatureFacts read = parse_feature_facts(format_feature_facts(facts), "x");
  EXPECT_EQ(read.as_of, facts.as_of);
  EXPECT_EQ(read.reference.of, facts.reference.of);
  EXPECT_EQ(read.reference.depth, facts.reference.depth);
  ASSERT_EQ(read.reference.features.size(), 2U);
  for (std::size_t f = 0; f < 2; ++f) {
    EXPECT_EQ(read.reference.features[f].name, facts.reference.features[f].name);
    EXPECT_EQ(read.reference.features[f].edges, facts.reference.features[f].edges);
    EXPECT_EQ(read.reference.features[f].shares, facts.reference.features[f].shares);
  }
}

TEST(FeatureFacts, what_cannot_be_is_refused_with_the_file_and_the_feature) {
  const std::string text = format_feature_facts(sample());
  EXPECT_THAT(fault(text, "2026-11", "2026-99"), HasSubstr("b: features.json: as_of is no time; publish again"));
  EXPECT_THAT(fault(text, "shown", "guess"), HasSubstr("reference_rows \"guess\" is neither candidates nor shown"));
  EXPECT_THAT(fault(text, "\"reference_depth\": 100", "\"reference_depth\": -1"), HasSubstr("reference_depth is not between"));
  EXPECT_THAT(fault(text, "\"edges\": [", "\"edges\": [9e30, "), HasSubstr("the edges of item_price do not rise"));
  EXPECT_THAT(fault(text, "\"shares\": [", "\"shares\": [-1, "), HasSubstr("a share of item_price is not between 0 and 1"));
  EXPECT_THAT(fault(text, "\"shares\": [", "\"shares\": [0, "), HasSubstr("item_price has 5 shares for 4 bins"));
  EXPECT_THAT(fault(text, "\"name\"", "\"nome\""), HasSubstr("name is no text"));
  EXPECT_THAT(fault(text, "{", "["), HasSubstr("features.json"));
}

}  // namespace
}  // namespace lodestone::bundle
