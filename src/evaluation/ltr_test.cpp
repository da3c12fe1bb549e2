#include "evaluation/ltr.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/file.hpp"

namespace lodestone::evaluation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Ltr : public ::testing::Test {
 protected:
  LtrPart load(const std::string& rows, const std::string& groups) {
    write_file_atomic(folder_.path() / "rows", rows);
    write_file_atomic(folder_.path() / "groups", groups);
    FileSpec file;
    file.format = Format::kSvmlight;
    file.path = folder_.path() / "rows";
    file.groups = folder_.path() / "groups";
    return load_ltr_part(file);
  }

  /// What is said, without the folder.
  std::string fault(const std::string& rows, const std::string& groups) {
    try {
      (void)load(rows, groups);
    } catch (const Error& error) {
      std::string text = error.message();
      const std::string folder = folder_.path().string() + "/";
      for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
      return text;
    }
    return "";
  }

  TemporaryFolder folder_;
};

TEST_F(Ltr, reads_sparse_rows_and_their_groups) {
  const LtrPart part = load("2 1:0.5 3:-1e2\n0 qid:7 2:1 # a comment\n\n1\n", "2\n1\n");
  EXPECT_THAT(part.labels, ElementsAre(2, 0, 1));
  EXPECT_THAT(part.offsets, ElementsAre(0, 2, 3, 3));
  EXPECT_THAT(part.features, ElementsAre(0, 2, 1));
  EXPECT_THAT(part.values, ElementsAre(0.5, -100, 1));
  EXPECT_THAT(part.groups, ElementsAre(0, 2, 3));
  EXPECT_EQ(part.n_features, 3U);
}

TEST_F(Ltr, a_row_that_cannot_be_read_is_named_by_line_and_token) {
  EXPECT_EQ(fault("1 1:2\nx 1:2\n", "2"),
            "rows:2: the label \"x\" is no whole number in 0..30; a line is label index:value ..., and the label is a grade of "
            "relevance");
  EXPECT_THAT(fault("1.5 1:2\n", "1"), HasSubstr("rows:1: the label \"1.5\" is no whole number"));
  EXPECT_THAT(fault("-1 1:2\n", "1"), HasSubstr("the label \"-1\" is no whole number"));
  EXPECT_THAT(fault("31 1:2\n", "1"), HasSubstr("the label \"31\" is no whole number"));
  EXPECT_THAT(fault("nan 1:2\n", "1"), HasSubstr("the label \"nan\" is no whole number"));
  EXPECT_EQ(fault("1 1:2 7\n", "1"), "rows:1: \"7\" is not index:value");
  EXPECT_EQ(fault("1 0:2\n", "1"), "rows:1: the index of \"0:2\" is no whole number in 1..10000000");
  EXPECT_THAT(fault("1 10000001:2\n", "1"), HasSubstr("the index of \"10000001:2\""));
  EXPECT_THAT(fault("1 a:2\n", "1"), HasSubstr("the index of \"a:2\""));
  EXPECT_EQ(fault("1 2:2 2:3\n", "1"), "rows:1: \"2:3\" stands behind index 2; indexes ascend and none comes twice");
  EXPECT_EQ(fault("1 2:\n", "1"), "rows:1: the value of \"2:\" is no number; leave the feature out where it is not known");
  EXPECT_THAT(fault("1 2:nan\n", "1"), HasSubstr("the value of \"2:nan\" is no number"));
  EXPECT_THAT(fault("1 2:3x\n", "1"), HasSubstr("the value of \"2:3x\" is no number"));
  EXPECT_EQ(fault("# nothing\n", "1"), "rows: holds no row, expected lines of label index:value ...");
}

TEST_F(Ltr, groups_must_add_up_to_the_rows) {
  EXPECT_EQ(fault("1 1:1\n1 1:1\n", "1\n"), "groups: the groups hold 1 rows, rows has 2");
  EXPECT_EQ(fault("1 1:1\n1 1:1\n", "1\n2\n"), "groups:2: the groups hold more rows than rows, which has 2");
  EXPECT_EQ(fault("1 1:1\n", "0\n"),
            "groups:1: \"0\" is no size of a group; each line is one whole number from 1, the rows of a query");
  EXPECT_THAT(fault("1 1:1\n", "1 1\n"), HasSubstr("groups:1: \"1 1\" is no size of a group"));
  EXPECT_THAT(fault("1 1:1\n", "-1\n"), HasSubstr("\"-1\" is no size"));
  EXPECT_THAT(fault("1 1:1\n", ""), HasSubstr("the groups hold 0 rows"));
}

double value(Metric metric, std::vector<float> labels, std::vector<double> scores, std::size_t k) {
  return ltr_value(metric, labels, scores, k);
}

TEST(LtrValue, equals_a_case_worked_by_hand) {
  // By score the labels come 0 3 1 0 2; their gains are 0 7 1 0 3, the best order is 7 3 1.
  const std::vector<float> labels{3, 1, 0, 2, 0};
  const std::vector<double> scores{0.8, 0.7, 0.9, 0.1, 0.5};
  const double second = 1 / std::log2(3.0);
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, labels, scores, 1), 0);
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, labels, scores, 2), 7 * second / (7 + 3 * second));
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, labels, scores, 10), (7 * second + 0.5 + 3 / std::log2(6.0)) / (7 + 3 * second + 0.5));
  EXPECT_DOUBLE_EQ(value(Metric::kRecall, labels, scores, 3), 2.0 / 3);
  EXPECT_DOUBLE_EQ(value(Metric::kPrecision, labels, scores, 3), 2.0 / 3);
  EXPECT_DOUBLE_EQ(value(Metric::kPrecision, labels, scores, 10), 3.0 / 10);
  EXPECT_DOUBLE_EQ(value(Metric::kMrr, labels, scores, 1), 0);
  EXPECT_DOUBLE_EQ(value(Metric::kMrr, labels, scores, 3), 0.5);
  EXPECT_DOUBLE_EQ(value(Metric::kMap, labels, scores, 5), (1.0 / 2 + 2.0 / 3 + 3.0 / 5) / 3);
  EXPECT_DOUBLE_EQ(value(Metric::kMap, labels, scores, 2), 0.5 / 2);
  // Pairs (relevant, other): .8 against .9 and .5, .7 the same, .1 the same.
  EXPECT_DOUBLE_EQ(value(Metric::kAuc, labels, scores, 1), 2.0 / 6);
  EXPECT_DOUBLE_EQ(value(Metric::kAuc, {1, 0, 0}, {2, 2, 1}, 1), 1.5 / 2) << "a tie is one half";
}

TEST(LtrValue, on_a_tie_the_lower_row_comes_first_unless_all_scores_are_equal) {
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, {1, 0, 0}, {5, 5, 1}, 1), 1);
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, {0, 1, 0}, {5, 5, 1}, 1), 0);
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, {1, 0, 0}, {5, 5, 5}, 1), 0) << "each row has rank 2";
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, {1, 0, 0}, {5, 5, 5}, 2), 1 / std::log2(3.0));
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, {0, 0, 1}, {5, 5, 5}, 2), 1 / std::log2(3.0));
  EXPECT_DOUBLE_EQ(value(Metric::kMrr, {0, 0, 1}, {5, 5, 5}, 2), 0.5);
}

TEST(LtrValue, a_group_without_a_relevant_row_counts_one_for_ndcg_and_not_at_all_otherwise) {
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, {0, 0}, {1, 2}, 5), 1);
  for (const Metric metric : {Metric::kRecall, Metric::kPrecision, Metric::kMrr, Metric::kMap, Metric::kAuc})
    EXPECT_TRUE(std::isnan(value(metric, {0, 0}, {1, 2}, 5))) << name_of(metric);
  EXPECT_TRUE(std::isnan(value(Metric::kAuc, {1, 2}, {1, 2}, 5))) << "there is no pair";
}

TEST(LtrValue, a_group_of_one_row_has_it_first_and_what_is_no_number_comes_last) {
  EXPECT_DOUBLE_EQ(value(Metric::kNdcg, {4}, {0}, 1), 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_DOUBLE_EQ(value(Metric::kMrr, {1, 0}, {nan, -5}, 2), 0.5);
}

TEST(LtrValue, a_metric_that_ltr_lacks_is_a_fault) {
  try {
    (void)value(Metric::kNovelty, {1}, {1}, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.message(), "novelty is no metric of kind ltr");
  }
}

TEST(MeasureLtr, means_are_over_groups_and_intervals_beside_them) {
  LtrPart part;
  for (int g = 0; g < 4; ++g) {  // in every other group the relevant row is scored first
    for (int r = 0; r < 2; ++r) {
      part.labels.push_back(r == 0 ? 1.0F : 0.0F);
      part.features.push_back(0);
      part.values.push_back(g % 2 == r ? 2 : 1);
      part.offsets.push_back(part.features.size());
    }
    part.groups.push_back(part.n_rows());
  }
  bool fitted = false;
  const RankerMethod method{"first", "none", [&](const LtrPart& train) { fitted = train.n_groups() == 4; },
                            [](const LtrPart& rows) { return rows.values; }};
  Protocol protocol;
  protocol.k = {1, 2};
  protocol.metrics = {Metric::kNdcg, Metric::kAuc};
  const MethodResult result = measure_ltr(method, part, part, protocol, {});
  EXPECT_TRUE(fitted);
  EXPECT_EQ(result.users, 4U);
  ASSERT_EQ(result.metrics.size(), 3U);
  EXPECT_EQ(result.metrics[0].name, "ndcg@1");
  EXPECT_DOUBLE_EQ(result.metrics[0].value, 0.5);
  EXPECT_DOUBLE_EQ(result.metrics[1].value, (1 + 1 / std::log2(3.0)) / 2);
  EXPECT_EQ(result.metrics[2].name, "auc");
  EXPECT_DOUBLE_EQ(result.metrics[2].value, 0.5);
  EXPECT_LT(result.metrics[0].interval->low, 0.5);
  EXPECT_GT(result.metrics[0].interval->high, 0.5);
}

}  // namespace
}  // namespace lodestone::evaluation
