#include "training/ranker_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.hpp"

namespace lodestone::training {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string fault(std::string_view yaml) {
  try {
    (void)parse_ranker_configs(yaml, "r.yaml");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

void expect(const RankerConfig& config, const RankerConfig& wanted) {
  EXPECT_EQ(config.name, wanted.name);
  EXPECT_EQ(config.objective, wanted.objective);
  EXPECT_EQ(config.trees, wanted.trees);
  EXPECT_EQ(config.max_depth, wanted.max_depth);
  EXPECT_EQ(config.leaves, wanted.leaves);
  EXPECT_EQ(config.learning_rate, wanted.learning_rate);
  EXPECT_EQ(config.min_rows_in_leaf, wanted.min_rows_in_leaf);
  EXPECT_EQ(config.row_share, wanted.row_share);
  EXPECT_EQ(config.feature_share, wanted.feature_share);
  EXPECT_EQ(config.l1, wanted.l1);
  EXPECT_EQ(config.l2, wanted.l2);
  EXPECT_EQ(config.early_stopping, wanted.early_stopping);
  EXPECT_EQ(config.seed, wanted.seed);
}

TEST(RankerConfigs, the_built_in_ones_have_the_numbers_of_the_original_system) {
  constexpr auto kLambdaRank = RankerObjective::kLambdaRank;
  const std::vector<RankerConfig> configs = default_ranker_configs();
  ASSERT_THAT(configs, SizeIs(3));
  expect(configs[0], {"baseline", kLambdaRank, 100, 6, 31, 0.05, 20, 1, 1, 0, 0, 20, 1});
  expect(configs[1], {"lightweight", kLambdaRank, 50, 4, 15, 0.08, 100, 0.8, 0.8, 0.1, 0.1, 20, 1});
  expect(configs[2], {"minimal", kLambdaRank, 30, 3, 8, 0.1, 200, 0.7, 0.7, 0.2, 0.2, 20, 1});
}

TEST(RankerConfigs, a_key_that_is_left_out_has_its_default) {
  const std::vector<RankerConfig> configs =
      parse_ranker_configs("plain:\nclicks: {objective: binary, early_stopping: 0, seed: 7}\n", "r.yaml");
  ASSERT_THAT(configs, SizeIs(2));
  RankerConfig wanted;
  wanted.name = "plain";
  expect(configs[0], wanted);
  wanted.name = "clicks";
  wanted.objective = RankerObjective::kBinary;
  wanted.early_stopping = 0;
  wanted.seed = 7;
  expect(configs[1], wanted);
}

TEST(RankerConfigs, every_error_is_named_at_once_with_the_way_out) {
  EXPECT_EQ(fault("a:\n  num_leafs: 4\n  subsample: 1.5\n  n_estimators: 0\nb:\n  objective: lambdrank\n  reg_alpha: -1\n"),
            "r.yaml:2: a.num_leafs: unknown key; did you mean \"num_leaves\"?\n"
            "r.yaml:4: a.n_estimators: 0 is outside 1..10000\n"
            "r.yaml:3: a.subsample: 1.5 is not above 0 and up to 1\n"
            "r.yaml:6: b.objective: \"lambdrank\" is no objective; did you mean \"lambdarank\"?\n"
            "r.yaml:7: b.reg_alpha: -1 is outside 0..1000000");
  EXPECT_EQ(fault("a: {max_depth: 0}\n"), "r.yaml:1: a.max_depth: 0 splits make no tree; take 1 or more, or -1 for any");
  EXPECT_EQ(fault("a: {learning_rate: nan, colsample_bytree: 0}\n"),
            "r.yaml:1: a.learning_rate: nan is not above 0 and up to 1\n"
            "r.yaml:1: a.colsample_bytree: 0 is not above 0 and up to 1");
  EXPECT_THAT(fault("a: {num_leaves: 1}\n"), HasSubstr("a.num_leaves: 1 is outside 2..131072"));
  EXPECT_THAT(fault("a: {min_child_samples: few}\n"), HasSubstr("\"few\" is no whole number"));
  EXPECT_THAT(fault("a: {reg_lambda: inf}\n"), HasSubstr("a.reg_lambda: inf is outside"));
  EXPECT_THAT(fault("a: {early_stopping: -1}\n"), HasSubstr("a.early_stopping: -1 is outside"));
}

TEST(RankerConfigs, refuses_texts_that_are_no_map_of_rankers) {
  EXPECT_EQ(fault(""), "r.yaml: holds no ranker; write a name and its settings, baseline: {n_estimators: 100}");
  EXPECT_THAT(fault("[baseline]\n"), HasSubstr("holds no ranker"));
  EXPECT_THAT(fault("a: 4\n"), HasSubstr("r.yaml:1: a: a ranker is a map of settings"));
  EXPECT_THAT(fault("a: {seed: 1}\na: {seed: 2}\n"), HasSubstr("a: is given twice"));
  EXPECT_THAT(fault("../a: {seed: 1}\n"), HasSubstr("the name of a ranker is made of a-z, 0-9, _ and -"));
  EXPECT_THAT(fault("a: {seed: [1\n"), HasSubstr("no valid YAML"));
}

}  // namespace
}  // namespace lodestone::training
