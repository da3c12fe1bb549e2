// The ranker that serving evaluates itself (models/ranking) against LightGBM's own predictions of the same model.
#include <LightGBM/c_api.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <thread>

#include "base/rng.hpp"
#include "models/ranking/tree_ensemble.hpp"
#include "models/ranking/tree_scorer.hpp"
#include "models/ranking/tree_shap.hpp"

namespace lodestone::training {
namespace {

using models::TreeEnsemble;
using models::TreeKernel;
using models::TreeScorer;

constexpr std::size_t kFeatures = 12;
constexpr std::size_t kTrainRows = 2000;
constexpr std::size_t kTestRows = 20'000;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

void check(int status) { ASSERT_EQ(status, 0) << LGBM_GetLastError(); }

/// Features 0 and 1 are small whole numbers (categories, where a model takes them so), 2 is mostly 0, 3 has gaps, 4 is tiny; the rest is plain.
float draw(Rng& rng, std::size_t feature) {
  if (feature < 2) return static_cast<float>(rng.below(feature == 0 ? 9 : 90));
  if (feature == 2) return rng.chance(0.7) ? 0 : static_cast<float>(rng.normal());
  if (feature == 3) return rng.chance(0.3) ? kNaN : static_cast<float>(rng.normal());
  if (feature == 4) return static_cast<float>(rng.normal() * 1e-34);
  return static_cast<float>(rng.normal());
}

class Booster {
 public:
  explicit Booster(const std::string& parameters, int trees) {
    Rng rng(5);
    std::vector<float> rows(kTrainRows * kFeatures);
    std::vector<float> labels(kTrainRows);
    for (std::size_t r = 0; r < kTrainRows; ++r) {
      float* row = rows.data() + r * kFeatures;
      for (std::size_t f = 0; f < kFeatures; ++f) row[f] = draw(rng, f);
      const double gap = std::isnan(row[3]) ? 0.7 : row[3] * row[5];
      const double score =
          std::sin(row[0] * 2.0) + (static_cast<int>(row[1]) % 7 - 3) * 0.3 + row[2] + gap + row[4] * 1e34 + rng.normal();
      labels[r] = score > 0.5 ? 1 : 0;
    }
    const std::string all = parameters + " verbosity=-1 num_threads=1 min_data_in_leaf=3 deterministic=true force_row_wise=true";
    DatasetHandle data = nullptr;
    check(LGBM_RegisterLogCallback([](const char*) {}));
    check(LGBM_DatasetCreateFromMat(rows.data(), C_API_DTYPE_FLOAT32, kTrainRows, kFeatures, 1, all.c_str(), nullptr, &data));
    check(LGBM_DatasetSetField(data, "label", labels.data(), kTrainRows, C_API_DTYPE_FLOAT32));
    const std::vector<std::int32_t> groups(kTrainRows / 20, 20);
    check(LGBM_DatasetSetField(data, "group", groups.data(), static_cast<int>(groups.size()), C_API_DTYPE_INT32));
    check(LGBM_BoosterCreate(data, all.c_str(), &handle_));
    for (int tree = 0, finished = 0; tree < trees && finished == 0; ++tree) check(LGBM_BoosterUpdateOneIter(handle_, &finished));
    check(LGBM_DatasetFree(data));
  }
  ~Booster() { (void)LGBM_BoosterFree(handle_); }
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;

  [[nodiscard]] std::string text() const {
    std::int64_t n = 0;
    check(LGBM_BoosterSaveModelToString(handle_, 0, -1, C_API_FEATURE_IMPORTANCE_SPLIT, 0, &n, nullptr));
    std::string out(static_cast<std::size_t>(n), '\0');
    check(LGBM_BoosterSaveModelToString(handle_, 0, -1, C_API_FEATURE_IMPORTANCE_SPLIT, n, &n, out.data()));
    out.resize(out.find('\0') == std::string::npos ? out.size() : out.find('\0'));
    return out;
  }
  [[nodiscard]] std::vector<double> predict(const std::vector<float>& rows, int kind) const {
    const std::size_t n_rows = rows.size() / kFeatures;
    std::vector<double> out(n_rows * (kind == C_API_PREDICT_CONTRIB ? kFeatures + 1 : 1));
    std::int64_t n = 0;
    check(LGBM_BoosterPredictForMat(handle_, rows.data(), C_API_DTYPE_FLOAT32, static_cast<int>(n_rows), kFeatures, 1, kind, 0,
                                    -1, "num_threads=1", &n, out.data()));
    EXPECT_EQ(static_cast<std::size_t>(n), out.size());
    return out;
  }

 private:
  BoosterHandle handle_ = nullptr;
};

/// Values at the thresholds, one float beside them, and all that is special; the rest as in training.
std::vector<float> make_rows(const TreeEnsemble& model, std::size_t n_rows) {
  const std::vector<float> special = {0,          -0.0F,   kNaN,   kInfinity, -kInfinity, 1e-35F,   -1e-35F,
                                      2e-35F,     -2e-35F, 1e-36F, 1e-40F,    -1e-40F,    -0.5F,    -1,
                                      -1.5F,      31.5F,   63,     64,        1000,       1e9F,     2147483520,
                                      2147483648, 4e9F,    -4e9F,  3.4e38F,   -3.4e38F,   16777216, 8.999F};
  std::vector<std::vector<float>> thresholds(kFeatures);
  for (const models::Tree& tree : model.trees) {
    for (const models::TreeNode& node : tree.nodes)
      thresholds[static_cast<std::size_t>(node.feature)].push_back(static_cast<float>(node.threshold));
  }
  Rng rng(77);
  std::vector<float> rows(n_rows * kFeatures);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t f = i % kFeatures;
    const double kind = rng.uniform();
    rows[i] = draw(rng, f);
    if (kind < 0.15) rows[i] = special[rng.below(special.size())];
    if (kind > 0.7 && !thresholds[f].empty()) {
      rows[i] = thresholds[f][rng.below(thresholds[f].size())];
      if (kind > 0.8) rows[i] = std::nextafter(rows[i], kind > 0.9 ? kInfinity : -kInfinity);
    }
  }
  return rows;
}

std::size_t count_different(std::span<const double> a, std::span<const double> b) {
  std::size_t n = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    n += std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i]) ? 1U : 0U;
  return n;
}

std::vector<double> score(const TreeScorer& scorer, const std::vector<float>& rows, TreeScorer::Scratch& scratch) {
  std::vector<double> out(rows.size() / kFeatures);
  scorer.score(rows, out.size(), out, scratch);
  return out;
}

/// That the model has the kinds of splits that its parameters ask for; otherwise the comparison would prove little.
void expect_splits(const TreeEnsemble& model, const std::string& parameters) {
  std::size_t categorical = 0;
  std::size_t by_missing[3] = {};
  std::size_t default_left = 0;
  std::size_t most_leaves = 0;
  for (const models::Tree& tree : model.trees) {
    most_leaves = std::max(most_leaves, tree.leaf_values.size());
    for (const models::TreeNode& node : tree.nodes) {
      categorical += node.categorical ? 1U : 0U;
      if (!node.categorical) ++by_missing[static_cast<std::size_t>(node.missing)];
      default_left += node.default_left ? 1U : 0U;
    }
  }
  EXPECT_EQ(categorical > 0, parameters.find("categorical_feature") != std::string::npos);
  EXPECT_EQ(by_missing[1] > 0, parameters.find("zero_as_missing") != std::string::npos);
  EXPECT_EQ(by_missing[2] > 0, parameters.find("missing") == std::string::npos);
  EXPECT_GT(default_left, 0U);
  EXPECT_NE(parameters.find(fmt::format("num_leaves={}", most_leaves)), std::string::npos) << most_leaves;
}

/// Every kernel against the library on one kind of model.
void expect_the_same_bits(const std::string& parameters, int trees) {
  SCOPED_TRACE(parameters);
  const Booster booster(parameters, trees);
  const TreeEnsemble model = models::parse_tree_ensemble(booster.text(), "ranker");
  const std::vector<float> rows = make_rows(model, kTestRows);
  const std::vector<double> theirs = booster.predict(rows, C_API_PREDICT_RAW_SCORE);
  expect_splits(model, parameters);
  std::vector<double> walked(kTestRows);
  for (std::size_t r = 0; r < kTestRows; ++r) {
    for (const models::Tree& tree : model.trees)
      walked[r] += tree.leaf_values[find_leaf(tree, std::span(rows).subspan(r * kFeatures, kFeatures))];
  }
  EXPECT_EQ(count_different(theirs, walked), 0U) << "the plain walk";
  TreeScorer::Scratch scratch;
  for (const TreeKernel kernel : {TreeKernel::kScalar, TreeKernel::kAvx2, TreeKernel::kAvx512}) {
    if (!models::has_tree_kernel(kernel)) continue;
    const TreeScorer scorer(model, kernel);
    EXPECT_EQ(count_different(theirs, score(scorer, rows, scratch)), 0U) << "kernel " << static_cast<int>(kernel);
  }
}

TEST(TreeScorer, raw_scores_equal_the_librarys_to_the_last_bit) {
  for (const int leaves : {4, 15, 16, 17, 31, 63, 127}) {
    const int trees = leaves > 60 ? 10 : 20;
    expect_the_same_bits(fmt::format("objective=binary num_leaves={}", leaves), trees);
    expect_the_same_bits(
        fmt::format("objective=lambdarank num_leaves={} categorical_feature=0,1 min_data_per_group=5 cat_smooth=1", leaves),
        trees);
  }
}

TEST(TreeScorer, every_rule_for_missing_values_is_the_librarys) {
  for (const int leaves : {31, 63, 127}) {
    expect_the_same_bits(fmt::format("objective=binary num_leaves={} use_missing=false", leaves), 10);
    expect_the_same_bits(fmt::format("objective=binary num_leaves={} zero_as_missing=true", leaves), 10);
  }
  expect_the_same_bits("objective=binary num_leaves=31 zero_as_missing=true categorical_feature=0,1", 10);
}

TEST(TreeScorer, a_split_may_only_part_missing_from_known_values) {
  const Booster booster("objective=binary num_leaves=31 max_bin=2", 10);  // one bin for what is known
  EXPECT_NE(booster.text().find(" inf "), std::string::npos) << "there is no such split";
  const TreeEnsemble model = models::parse_tree_ensemble(booster.text(), "ranker");
  std::vector<float> rows = make_rows(model, 2000);
  for (float& value : rows) value = value == kInfinity ? 3.4e38F : value;
  const std::vector<double> theirs = booster.predict(rows, C_API_PREDICT_RAW_SCORE);
  TreeScorer::Scratch scratch;
  for (const TreeKernel kernel : {TreeKernel::kScalar, TreeKernel::kAvx2, TreeKernel::kAvx512}) {
    if (!models::has_tree_kernel(kernel)) continue;
    EXPECT_EQ(count_different(theirs, score(TreeScorer(model, kernel), rows, scratch)), 0U)
        << "kernel " << static_cast<int>(kernel);
  }
}

TEST(TreeScorer, trees_of_one_leaf_score_their_leaf) {
  const Booster booster("objective=binary min_gain_to_split=1e9", 3);
  const TreeEnsemble model = models::parse_tree_ensemble(booster.text(), "ranker");
  ASSERT_EQ(model.trees.at(0).leaf_values.size(), 1U);
  const std::vector<float> rows = make_rows(model, 50);
  TreeScorer::Scratch scratch;
  EXPECT_EQ(count_different(booster.predict(rows, C_API_PREDICT_RAW_SCORE), score(TreeScorer(model), rows, scratch)), 0U);
}

TEST(TreeScorer, scores_do_not_depend_on_how_many_rows_come_at_once) {
  const Booster booster("objective=binary num_leaves=63 categorical_feature=0", 15);
  const TreeScorer scorer(models::parse_tree_ensemble(booster.text(), "ranker"));
  const TreeEnsemble model = models::parse_tree_ensemble(booster.text(), "ranker");
  const std::vector<float> rows = make_rows(model, 60);
  TreeScorer::Scratch scratch;
  const std::vector<double> all = score(scorer, rows, scratch);
  for (std::size_t n = 1; n < 60; ++n) {
    const std::vector<float> some(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(n * kFeatures));
    EXPECT_EQ(count_different(std::span(all).first(n), score(scorer, some, scratch)), 0U) << n << " rows";
  }
}

TEST(TreeScorer, features_of_one_value_may_be_decided_once) {
  for (const int leaves : {31, 63, 127}) {
    const Booster booster(fmt::format("objective=binary num_leaves={} categorical_feature=0,1", leaves), 15);
    const TreeEnsemble model = models::parse_tree_ensemble(booster.text(), "ranker");
    std::vector<float> rows = make_rows(model, 200);
    std::vector<std::uint8_t> constant(kFeatures);
    for (const std::size_t f : {0U, 3U, 7U, 8U}) {
      constant[f] = 1;
      for (std::size_t r = 1; r < 200; ++r) rows[r * kFeatures + f] = rows[f];
    }
    TreeScorer::Scratch scratch;
    for (const TreeKernel kernel : {TreeKernel::kScalar, TreeKernel::kAvx2, TreeKernel::kAvx512}) {
      if (!models::has_tree_kernel(kernel)) continue;
      const TreeScorer scorer(model, kernel);
      std::vector<double> out(200);
      scorer.score(rows, 200, constant, out, scratch);
      EXPECT_EQ(count_different(out, score(scorer, rows, scratch)), 0U) << leaves << " leaves";
    }
  }
}

TEST(TreeScorer, many_threads_share_one_scorer) {
  const Booster booster("objective=lambdarank num_leaves=31", 20);
  const TreeEnsemble model = models::parse_tree_ensemble(booster.text(), "ranker");
  const TreeScorer scorer(model);
  const std::vector<float> rows = make_rows(model, 500);
  TreeScorer::Scratch own;
  const std::vector<double> expected = score(scorer, rows, own);
  std::vector<std::size_t> different(4);
  std::vector<std::thread> threads;
  for (std::size_t& n : different) {
    threads.emplace_back([&] {
      TreeScorer::Scratch scratch;
      for (int i = 0; i < 10; ++i) n += count_different(expected, score(scorer, rows, scratch));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, std::vector<std::size_t>(4));
}

TEST(TreeShap, contributions_equal_the_librarys_and_sum_to_the_score) {
  constexpr std::size_t kRows = 300;
  for (const char* parameters :
       {"objective=binary num_leaves=31", "objective=lambdarank num_leaves=15 zero_as_missing=true",
        "objective=binary num_leaves=63 categorical_feature=0,1", "objective=binary min_gain_to_split=1e9"}) {
    SCOPED_TRACE(parameters);
    const Booster booster(parameters, 20);
    const TreeEnsemble model = models::parse_tree_ensemble(booster.text(), "ranker");
    const std::vector<float> rows = make_rows(model, kRows);
    const std::vector<double> theirs = booster.predict(rows, C_API_PREDICT_CONTRIB);
    const std::vector<double> raw = booster.predict(rows, C_API_PREDICT_RAW_SCORE);
    const models::TreeShap shap(model);
    models::TreeShap::Scratch scratch;
    std::vector<double> ours(kFeatures);
    for (std::size_t r = 0; r < kRows; ++r) {
      shap.explain(std::span(rows).subspan(r * kFeatures, kFeatures), ours, scratch);
      double sum = shap.expected_value();
      for (std::size_t f = 0; f < kFeatures; ++f) {
        EXPECT_NEAR(ours[f], theirs[r * (kFeatures + 1) + f], 1e-6);
        sum += ours[f];
      }
      EXPECT_NEAR(shap.expected_value(), theirs[r * (kFeatures + 1) + kFeatures], 1e-6);
      EXPECT_NEAR(sum, raw[r], 1e-6 * std::max(1.0, std::fabs(raw[r])));
    }
  }
}

}  // namespace
}  // namespace lodestone::training
