#include "models/ranking/tree_ensemble.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.hpp"
#include "models/ranking/tree_scorer.hpp"
#include "models/ranking/tree_shap.hpp"

namespace lodestone::models {
namespace {

using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Two trees: numbers with NaN to the left and a set of categories {1, 33}; then a tree of one leaf.
const std::string kModel =
    "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=1\nobjective=lambdarank\n"
    "feature_names=price category\nfeature_infos=[0:9] 1:2:33\ntree_sizes=500 100\n\n"
    "Tree=0\nnum_leaves=3\nnum_cat=1\nsplit_feature=0 1\nsplit_gain=5 4\nthreshold=2.5 0\ndecision_type=10 1\nleft_child=1 -2\n"
    "right_child=-1 -3\nleaf_value=0.5 -1 0.25\nleaf_weight=10 20 10\nleaf_count=10 20 10\ninternal_value=0 "
    "0\ninternal_weight=40 30\n"
    "internal_count=40 30\ncat_boundaries=0 2\ncat_threshold=2 2\nis_linear=0\nshrinkage=0.1\n\n\n"
    "Tree=1\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nthreshold=\ndecision_type=\nleft_child=\nright_child=\nleaf_value=0.125\n"
    "leaf_count=\nis_linear=0\nshrinkage=1\n\n\nend of trees\n\nfeature_importances:\nprice=1\n";

std::string replaced(const std::string& from, const std::string& to) {
  std::string text = kModel;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string fault(const std::string& text, ErrorCode code = ErrorCode::kCorrupt) {
  try {
    (void)parse_tree_ensemble(text, "ranker.txt");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    EXPECT_THAT(error.message(), HasSubstr("ranker.txt: line "));
    return error.message();
  }
  return "";
}

double score(const TreeEnsemble& model, std::vector<float> row, TreeKernel kernel = TreeKernel::kScalar) {
  TreeScorer::Scratch scratch;
  double out = 0;
  TreeScorer(model, kernel).score(row, 1, {&out, 1}, scratch);
  return out;
}

TEST(TreeEnsemble, reads_what_the_model_says) {
  const TreeEnsemble model = parse_tree_ensemble(kModel, "ranker.txt");
  EXPECT_EQ(model.objective, "lambdarank");
  EXPECT_THAT(model.feature_names, ::testing::ElementsAre("price", "category"));
  EXPECT_THAT(model.feature_infos, ::testing::ElementsAre("[0:9]", "1:2:33"));
  ASSERT_EQ(model.trees.size(), 2U);
  const TreeNode& root = model.trees[0].nodes[0];
  EXPECT_EQ(root.threshold, 2.5);
  EXPECT_EQ(root.missing, MissingType::kNan);
  EXPECT_TRUE(root.default_left);
  EXPECT_TRUE(model.trees[0].nodes[1].categorical);
  EXPECT_EQ(model.trees[1].leaf_values, std::vector<double>{0.125});
}

TEST(TreeEnsemble, scores_follow_the_splits) {
  const TreeEnsemble model = parse_tree_ensemble(kModel, "ranker.txt");
  EXPECT_EQ(score(model, {3, 1}), 0.625);
  EXPECT_EQ(score(model, {2.5, 1}), -0.875) << "a value on the threshold goes left";
  EXPECT_EQ(score(model, {kNaN, 33}), -0.875) << "the last word of a set counts";
  EXPECT_EQ(score(model, {0, 2}), 0.375);
  EXPECT_EQ(score(model, {0, kNaN}), 0.375) << "a missing category goes right";
  EXPECT_EQ(score(model, {0, 1.9F}), -0.875) << "a category is the whole part";
  EXPECT_EQ(score(model, {0, 64}), 0.375) << "a category beyond the set goes right";
}

TEST(TreeEnsemble, no_rows_have_no_scores) {
  const TreeScorer scorer(parse_tree_ensemble(kModel, "ranker.txt"));
  TreeScorer::Scratch scratch;
  scorer.score({}, 0, {}, scratch);
  EXPECT_EQ(scorer.n_features(), 2U);
}

TEST(TreeEnsemble, every_truncation_is_corrupt_and_names_the_line) {
  const std::size_t whole = kModel.find("end of trees") + 12;
  for (std::size_t n = 0; n < whole; ++n) {
    const std::string text = kModel.substr(0, n);
    try {
      (void)parse_tree_ensemble(text, "ranker.txt");
      FAIL() << n << " bytes were taken for a whole model";
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kInvalidArgument) << error.message();
    }
  }
  EXPECT_THAT(fault(kModel.substr(0, kModel.find("Tree=1"))), HasSubstr("line 32: the file ends before \"end of trees\""));
}

TEST(TreeEnsemble, flipped_bytes_are_refused_or_give_a_tree_that_can_be_scored) {
  for (std::size_t i = 0; i < kModel.size(); ++i) {
    for (const int bit : {1, 2, 4, 16}) {
      std::string text = kModel;
      text[i] = static_cast<char>(text[i] ^ bit);
      try {
        (void)score(parse_tree_ensemble(text, "ranker.txt"), std::vector<float>(2, 1.0F));
      } catch (const Error&) {
      }
    }
  }
}

TEST(TreeEnsemble, a_threshold_of_infinity_lets_missing_values_alone_go_right) {
  const TreeEnsemble model =
      parse_tree_ensemble(replaced("threshold=2.5 0\ndecision_type=10", "threshold=inf 0\ndecision_type=8"), "ranker");
  const Tree& tree = model.trees[0];
  EXPECT_TRUE(goes_left(tree, tree.nodes[0], 3.4e38));
  EXPECT_FALSE(goes_left(tree, tree.nodes[0], std::numeric_limits<double>::quiet_NaN()));
}

TEST(TreeEnsemble, faults_say_what_is_wrong) {
  EXPECT_THAT(fault("{\"name\": \"tree\"}\n"), HasSubstr("begins with the line \"tree\""));
  EXPECT_THAT(fault(replaced("threshold=2.5 0", "threshold=2.5 nan")), HasSubstr("threshold holds \"nan\", which is no number"));
  EXPECT_THAT(fault(replaced("threshold=2.5 0", "threshold=2.5")), HasSubstr("threshold holds 1 numbers where 2 belong"));
  EXPECT_THAT(fault(replaced("threshold=2.5 0", "threshold=2.5 1")),
              HasSubstr("split 1 of the tree names the set of categories 1 of 1"));
  EXPECT_THAT(fault(replaced("split_feature=0 1", "split_feature=0 2")), HasSubstr("split 1 of the tree is on feature 2 of 2"));
  EXPECT_THAT(fault(replaced("decision_type=10 1", "decision_type=12 1")),
              HasSubstr("the decision_type 12 of the tree's split 0 is none"));
  EXPECT_THAT(fault(replaced("left_child=1 -2", "left_child=0 -2")), HasSubstr("the tree's split 0 is reached twice"));
  EXPECT_THAT(fault(replaced("left_child=1 -2", "left_child=5 -2")), HasSubstr("the tree's split 5 is not among those it has"));
  EXPECT_THAT(fault(replaced("left_child=1 -2", "left_child=-2 -2")), HasSubstr("the tree"));
  EXPECT_THAT(fault(replaced("left_child=1 -2", "left_child=-3 -2")),
              HasSubstr("the tree has splits or leaves that its root does not"));
  EXPECT_THAT(fault(replaced("cat_boundaries=0 2", "cat_boundaries=0 3")), HasSubstr("cat_boundaries leave its cat_threshold"));
  EXPECT_THAT(fault(replaced("cat_boundaries=0 2", "cat_boundaries=2 0")), HasSubstr("cat_boundaries fall"));
  EXPECT_THAT(fault(replaced("num_leaves=3\n", "")), HasSubstr("split_feature holds 2 numbers where 0 belong"));
  EXPECT_THAT(fault(replaced("internal_count=40 30\n", "")), HasSubstr("lacks one of its lists"));
  EXPECT_THAT(fault(replaced("leaf_count=10 20 10\n", "")), HasSubstr("lacks leaf_count"));
  EXPECT_THAT(fault(replaced("leaf_count=10 20", "leaf_count=-1 20")), HasSubstr("counts -1 rows"));
  EXPECT_THAT(fault(replaced("Tree=1", "Tree=2")), HasSubstr("\"Tree=2\" stands where Tree=1"));
  EXPECT_THAT(fault(replaced("tree_sizes=500 100", "tree_sizes=500")), HasSubstr("there are 2 trees where tree_sizes lists 1"));
  EXPECT_THAT(fault(replaced("max_feature_idx=1", "max_feature_idx=2")),
              HasSubstr("2 feature_names where max_feature_idx wants 3"));
  EXPECT_THAT(fault(replaced("[0:9] 1:2:33", "[0:9]")), HasSubstr("1 feature_infos for 2 features"));
}

TEST(TreeEnsemble, models_of_other_kinds_are_refused_with_a_way_out) {
  const auto refusal = [](const std::string& text) { return fault(text, ErrorCode::kInvalidArgument); };
  EXPECT_THAT(refusal(replaced("is_linear=0", "is_linear=1")), HasSubstr("train with linear_tree=false"));
  EXPECT_THAT(refusal(replaced("version=v4", "version=v3")), HasSubstr("write it with LightGBM 4"));
  EXPECT_THAT(refusal(replaced("num_class=1", "num_class=3")), HasSubstr("num_class is 3"));
  EXPECT_THAT(refusal(replaced("label_index=0", "average_output")), HasSubstr("random forest"));
}

TEST(TreeShap, contributions_and_the_expected_value_sum_to_the_score) {
  const TreeEnsemble model = parse_tree_ensemble(kModel, "ranker.txt");
  const TreeShap shap(model);
  EXPECT_DOUBLE_EQ(shap.expected_value(), 0.25 * 0.5 - 0.5 + 0.25 * 0.25 + 0.125);
  TreeShap::Scratch scratch;
  std::vector<double> parts(2);
  // By hand: without either feature -0.3125, price alone 0.5, category alone 0.25 * 0.5 - 0.75; both 0.5.
  shap.explain(std::vector<float>{3, 1}, parts, scratch);
  EXPECT_NEAR(parts[0], 0.5 * (0.5 + 0.3125) + 0.5 * (0.5 + 0.625), 1e-12);
  EXPECT_NEAR(parts[1], 0.5 * (-0.625 + 0.3125), 1e-12);
}

TEST(TreeShap, a_split_without_training_rows_is_refused) {
  try {
    const TreeShap shap(parse_tree_ensemble(replaced("leaf_count=10 20 10", "leaf_count=10 20 0"), "ranker.txt"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.message(), HasSubstr("tree 0 of the ranker has a leaf without training rows"));
  }
}

}  // namespace
}  // namespace lodestone::models
