// That ONNX Runtime finds the same leaves is shown by tests/integration/onnx_test.py.
#include "models/ranking/onnx_export.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lodestone::models {
namespace {

using ::testing::HasSubstr;

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TreeEnsemble stump(TreeNode node, std::vector<std::uint32_t> categories = {}) {
  node.left = ~0;
  node.right = ~1;
  node.categories_end = static_cast<std::uint32_t>(categories.size());
  TreeEnsemble model;
  model.feature_names = {"price", "category"};
  model.objective = "lambdarank";
  model.trees.push_back({.nodes = {node}, .leaf_values = {1, 2}, .leaf_counts = {1, 1}, .categories = std::move(categories)});
  return model;
}

TEST(OnnxExport, a_model_names_its_columns_and_objective) {
  const std::string bytes = export_onnx(stump({.threshold = 2.5}));
  EXPECT_THAT(bytes, HasSubstr("price,category"));
  EXPECT_THAT(bytes, HasSubstr("lambdarank"));
  EXPECT_THAT(bytes, HasSubstr("TreeEnsembleRegressor"));
}

TEST(OnnxExport, a_threshold_is_one_comparison) {
  EXPECT_EQ(count(export_onnx(stump({.threshold = 2.5})), "BRANCH_LEQ"), 1U);
  EXPECT_EQ(count(export_onnx(stump({.threshold = 0, .missing = MissingType::kNan, .default_left = true})), "BRANCH_LEQ"), 1U);
}

TEST(OnnxExport, zeros_that_go_elsewhere_than_their_neighbours_take_three) {
  TreeNode node{.threshold = 2.5, .missing = MissingType::kZero, .default_left = true};
  EXPECT_EQ(count(export_onnx(stump(node)), "BRANCH_LEQ"), 1U) << "they go left either way";
  node.default_left = false;
  EXPECT_EQ(count(export_onnx(stump(node)), "BRANCH_LEQ"), 3U);
}

TEST(OnnxExport, a_set_of_categories_takes_two_comparisons_a_run) {
  const TreeNode node{.feature = 1, .categorical = true};
  EXPECT_EQ(count(export_onnx(stump(node, {0b1011100})), "BRANCH_LEQ"), 4U) << "2 to 4, and 6";
  EXPECT_EQ(count(export_onnx(stump(node, {0x80000000U, 1})), "BRANCH_LEQ"), 2U) << "31 and 32";
}

TEST(OnnxExport, a_set_without_categories_leaves_the_right_side_alone) {
  const std::string bytes = export_onnx(stump({.feature = 1, .categorical = true}));
  EXPECT_EQ(count(bytes, "BRANCH_LEQ"), 0U);
  EXPECT_EQ(count(bytes, "LEAF"), 1U);
}

TEST(OnnxExport, a_ranker_without_trees_is_a_leaf_of_zero) {
  TreeEnsemble model = stump({});
  model.trees.clear();
  EXPECT_EQ(count(export_onnx(model), "LEAF"), 1U);
}

}  // namespace
}  // namespace lodestone::models
