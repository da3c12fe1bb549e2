// Rankers in ONNX Runtime, and what is said of those that cannot be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <limits>
#include <thread>

#include "base/error.hpp"
#include "models/ranking/onnx_export.hpp"
#include "models/ranking/proto_wire.hpp"
#include "models/ranking/ranker.hpp"
#include "tests/support/onnx_library.hpp"

namespace lodestone::models {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kColumns = {"item_price", "cross_recall_rank"};

/// 1 up to the price of 2.5, 2 above; and 0.5 for the first ten of recall.
TreeEnsemble two_stumps(std::vector<std::string> columns = kColumns) {
  TreeEnsemble model;
  model.feature_names = std::move(columns);
  model.trees.push_back({.nodes = {{.threshold = 2.5, .feature = 0, .left = ~0, .right = ~1}},
                         .leaf_values = {1, 2},
                         .leaf_counts = {1, 1},
                         .categories = {}});
  model.trees.push_back({.nodes = {{.threshold = 10, .feature = 1, .left = ~0, .right = ~1}},
                         .leaf_values = {0.5, 0},
                         .leaf_counts = {1, 1},
                         .categories = {}});
  return model;
}

std::string message(std::uint32_t field, std::string_view bytes) {
  std::string out;
  add_bytes(out, field, bytes);
  return out;
}

/// A tensor of a type (1 = float, 7 = int64); 0 = any size.
std::string port(std::string_view name, std::uint64_t type, const std::vector<std::uint64_t>& sizes) {
  std::string shape;
  for (const std::uint64_t size : sizes) {
    std::string dimension;
    if (size > 0) add_number(dimension, 1, size);
    add_bytes(shape, 1, dimension);
  }
  std::string tensor;
  add_number(tensor, 1, type);
  add_bytes(tensor, 2, shape);
  return message(1, name) + message(2, message(1, tensor));
}

/// A model of ports alone.
std::string model_of(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  std::string graph;
  for (const std::string& input : inputs) add_bytes(graph, 11, input);
  for (const std::string& output : outputs) add_bytes(graph, 12, output);
  return message(7, graph);
}

std::string fault(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.message();
  }
  return "no failure";
}

std::string signature_fault(const std::vector<std::string>& inputs, const std::vector<std::string>& outputs) {
  return fault([&] { (void)read_onnx_signature(model_of(inputs, outputs), "x.onnx"); });
}

TEST(OnnxModel, says_what_it_takes_and_gives) {
  const OnnxSignature ours = read_onnx_signature(export_onnx(two_stumps()), "x.onnx");
  EXPECT_EQ(ours.input, "rows");
  EXPECT_EQ(ours.output, "scores");
  EXPECT_EQ(ours.n_features, 2U);
  EXPECT_EQ(ours.feature_names, kColumns);
  const OnnxSignature other = read_onnx_signature(
      with_feature_names(model_of({port("X", 1, {0, 0})}, {port("label", 7, {0}), port("variable", 1, {0})}), kColumns),
      "x.onnx");
  EXPECT_EQ(other.output, "variable");
  EXPECT_TRUE(other.is_flat_output);
  EXPECT_EQ(other.n_features, 0U);
  EXPECT_EQ(other.feature_names, kColumns);
}

TEST(OnnxModel, other_inputs_and_outputs_are_refused_and_told) {
  const std::string scores = port("scores", 1, {0, 1});
  const std::string rows = port("rows", 1, {0, 2});
  EXPECT_THAT(signature_fault({port("ids", 7, {0, 2})}, {scores}), HasSubstr("this model takes \"ids\", no tensor of float32"));
  EXPECT_THAT(signature_fault({rows, rows}, {scores}), HasSubstr("takes \"rows\", float32 [n, 2]; \"rows\", float32 [n, 2]"));
  EXPECT_THAT(signature_fault({port("rows", 1, {1, 2})}, {scores}), HasSubstr("for any number of rows"));
  EXPECT_THAT(signature_fault({}, {scores}), HasSubstr("takes none"));
  EXPECT_THAT(signature_fault({rows}, {port("probabilities", 1, {0, 2})}), HasSubstr("gives \"probabilities\", float32 [n, 2]"));
  EXPECT_THAT(signature_fault({rows}, {scores, scores}), HasSubstr("convert it as a regressor"));
}

TEST(OnnxModel, damaged_bytes_are_refused_or_read_as_something_else) {
  const std::string whole = export_onnx(two_stumps());
  EXPECT_THAT(fault([] { (void)read_onnx_signature("tree\nversion=v4\n", "x.onnx"); }),
              HasSubstr("x.onnx: is no whole ONNX model"));
  for (std::size_t n = 0; n < whole.size(); ++n) (void)fault([&] { (void)read_onnx_signature(whole.substr(0, n), "x.onnx"); });
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int bit : {1, 8, 128}) {
      std::string text = whole;
      text[i] = static_cast<char>(text[i] ^ bit);
      (void)fault([&] { (void)read_onnx_signature(text, "x.onnx"); });
    }
  }
}

/// A network of another kind: the largest number of each row, as [n] or, where `keep` is 1, as [n, 1]; it declares [n].
std::string largest_of_row(std::uint64_t keep) {
  std::string axes = message(1, "axes") + message(8, std::string(1, '\1'));
  add_number(axes, 20, 7);
  std::string kept = message(1, "keepdims");
  add_number(kept, 3, keep);
  add_number(kept, 20, 2);
  const std::string node = message(1, "X") + message(2, "Y") + message(4, "ReduceMax") + message(5, axes) + message(5, kept);
  const std::string graph =
      message(1, node) + message(2, "g") + message(11, port("X", 1, {0, 2})) + message(12, port("Y", 1, {0}));
  std::string opset = message(1, "");
  add_number(opset, 2, 13);
  std::string out;
  add_number(out, 1, 7);
  return with_feature_names(out + message(7, graph) + message(8, opset), kColumns);
}

/// A release that stores the price of its items.
class OnnxRankerTest : public ::testing::Test {
 protected:
  [[nodiscard]] Ranker make(std::string_view bytes) const { return {"foreign", bytes, library_, users_, items_}; }
  [[nodiscard]] std::string fault_of(std::string_view bytes) const {
    return fault([&] { (void)make(bytes); });
  }
  [[nodiscard]] bool has_library() const { return !library_.empty(); }

  std::filesystem::path library_ = test::onnx_library();
  FeatureRows users_;
  FeatureRows items_{{"item_price"}, {}};
};

TEST_F(OnnxRankerTest, scores_are_those_of_the_trees) {
  if (!has_library()) GTEST_SKIP() << test::kNoOnnxLibrary;
  const Ranker ranker = make(export_onnx(two_stumps()));
  EXPECT_EQ(ranker.format(), RankerFormat::kOnnx);
  EXPECT_EQ(ranker.columns(), kColumns);
  EXPECT_EQ(ranker.shap(), nullptr);
  TreeScorer::Scratch scratch;
  std::vector<double> scores(5, -1);
  EXPECT_TRUE(ranker.score(std::vector<float>{2.5, 1, 3, 11, 9, 2, 0, 0}, 3, scores, scratch));
  EXPECT_THAT(scores, ElementsAre(1.5, 2, 2.5, -1, -1));
  EXPECT_TRUE(ranker.score({}, 0, scores, scratch));
}

TEST_F(OnnxRankerTest, any_model_of_rows_to_scores_is_a_ranker) {
  if (!has_library()) GTEST_SKIP() << test::kNoOnnxLibrary;
  const Ranker ranker = make(largest_of_row(0));
  TreeScorer::Scratch scratch;
  std::vector<double> scores(2);
  EXPECT_TRUE(ranker.score(std::vector<float>{2.5, 1, 3, 11}, 2, scores, scratch));
  EXPECT_THAT(scores, ElementsAre(2.5, 11));
  EXPECT_THAT(fault_of(largest_of_row(1)), HasSubstr("does not run this model on rows of 2 numbers"))
      << "it does not give what it declares";
}

TEST_F(OnnxRankerTest, many_threads_score_with_one_ranker) {
  if (!has_library()) GTEST_SKIP() << test::kNoOnnxLibrary;
  const Ranker ranker = make(export_onnx(two_stumps()));
  std::atomic<int> n_wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      TreeScorer::Scratch scratch;
      for (int round = 0; round < 200; ++round) {
        const std::size_t n = 1 + static_cast<std::size_t>((round + t) % 50);
        std::vector<float> rows(n * 2);
        for (std::size_t r = 0; r < n; ++r) rows[r * 2] = static_cast<float>(r % 5);
        std::vector<double> scores(n);
        if (!ranker.score(rows, n, scores, scratch)) ++n_wrong;
        for (std::size_t r = 0; r < n; ++r) n_wrong += scores[r] == (r % 5 > 2 ? 2.5 : 1.5) ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_wrong, 0);
}

TEST_F(OnnxRankerTest, scores_that_are_no_numbers_are_a_failure) {
  if (!has_library()) GTEST_SKIP() << test::kNoOnnxLibrary;
  TreeEnsemble model = two_stumps();
  model.trees[0].leaf_values[1] = std::numeric_limits<double>::infinity();
  const Ranker ranker = make(export_onnx(model));
  TreeScorer::Scratch scratch;
  std::vector<double> scores(1);
  EXPECT_TRUE(ranker.score(std::vector<float>{1, 1}, 1, scores, scratch));
  EXPECT_FALSE(ranker.score(std::vector<float>{9, 1}, 1, scores, scratch));
}

TEST_F(OnnxRankerTest, without_the_library_the_sentence_names_the_key) {
  library_.clear();
  EXPECT_THAT(fault_of(export_onnx(two_stumps())),
              HasSubstr("foreign: is an ONNX model, which ONNX Runtime scores; set engine.onnx_library"));
  library_ = "/nowhere/libonnxruntime.so";
  EXPECT_THAT(fault_of(export_onnx(two_stumps())),
              HasSubstr("engine.onnx_library: /nowhere/libonnxruntime.so: cannot be loaded"));
  library_ = "libm.so.6";
  EXPECT_THAT(fault_of(export_onnx(two_stumps())), HasSubstr("is no ONNX Runtime"));
}

TEST_F(OnnxRankerTest, columns_that_the_release_cannot_fill_are_named) {
  EXPECT_THAT(fault_of(export_onnx(two_stumps({"item_prise", "cross_recall_rank"}))),
              AllOf(HasSubstr("foreign: column 0 is \"item_prise\", which is no feature"), HasSubstr("item_price")));
  EXPECT_THAT(fault_of(export_onnx(two_stumps({"item_price", "item_price"}))), HasSubstr("item_price has two columns"));
  EXPECT_THAT(fault_of(export_onnx(two_stumps({"user_view_count", "cross_same_category"}))),
              HasSubstr("not stored with the release: user_view_count, item_category;"));
  EXPECT_THAT(fault_of(model_of({port("X", 1, {0, 2})}, {port("Y", 1, {0, 1})})), HasSubstr("does not name its features"));
  EXPECT_THAT(fault_of(with_feature_names(export_onnx(two_stumps()), std::vector<std::string>{"item_price"})),
              HasSubstr("takes 2 features and 1 are named"));
}

TEST_F(OnnxRankerTest, a_model_that_does_not_run_is_refused_with_the_reason) {
  if (!has_library()) GTEST_SKIP() << test::kNoOnnxLibrary;
  const std::string ports = with_feature_names(model_of({port("X", 1, {0, 2})}, {port("Y", 1, {0, 1})}), kColumns);
  EXPECT_THAT(fault_of(ports), HasSubstr("foreign: ONNX Runtime does not run this model on rows of 2 numbers: "));
}

}  // namespace
}  // namespace lodestone::models
