// Exports rankers to ONNX for onnx_test.py, which runs them in ONNX Runtime, with rows and what our own walk makes of them: random trees of
// every kind of split or, with MODEL, one of LightGBM's text.
//
//   FOLDER/NAME/model.onnx     the ranker
//   FOLDER/NAME/tree-K.onnx    its tree K alone, each leaf's value its number
//   FOLDER/NAME/rows, leaves, scores   float32 [n_rows, n_features], int32 [n_trees, n_rows], float64 [n_rows]
#include <fmt/core.h>

#include <cmath>
#include <cstdio>
#include <limits>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/rng.hpp"
#include "models/ranking/onnx_export.hpp"

namespace lodestone {
namespace {

using models::MissingType;
using models::Tree;
using models::TreeEnsemble;
using models::TreeNode;

constexpr std::size_t kFeatures = 9;
constexpr std::size_t kRows = 10'000;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// What the splits of an ensemble may be.
struct Kind {
  const char* name = "";
  std::vector<MissingType> missing;
  double categorical = 0;  ///< share
  double infinite = 0;     ///< share of thresholds that only part missing from known values
  std::size_t n_trees = 0;
  std::size_t n_leaves = 0;
};

double draw_threshold(const Kind& kind, Rng& rng) {
  if (rng.chance(kind.infinite)) return std::numeric_limits<double>::max();
  // Around zero the library takes what is tiny for 0; the first two are its own bounds of that.
  constexpr double kTiny[] = {1.0000000180025095e-35, -1.0000000180025095e-35, 0, -0.0, 1e-36, -1e-36, 3e-35, -3e-35};
  if (rng.chance(0.3)) return kTiny[rng.below(std::size(kTiny))];
  return rng.chance(0.02) ? rng.normal() * 1e39 : rng.normal();  // not all of them are floats
}

void make_categorical(TreeNode& node, Tree& tree, Rng& rng) {
  node.categorical = true;
  node.threshold = 0;
  node.categories_begin = static_cast<std::uint32_t>(tree.categories.size());
  const std::size_t n_words = rng.below(4);  // none is a set that holds nothing
  for (std::size_t w = 0; w < n_words; ++w) {
    const auto word = static_cast<std::uint32_t>(rng.next());
    tree.categories.push_back(
        rng.chance(0.3) ? word : word & static_cast<std::uint32_t>(rng.next()) & static_cast<std::uint32_t>(rng.next()));
  }
  node.categories_end = static_cast<std::uint32_t>(tree.categories.size());
}

/// Grows leaf by leaf; the new leaf is the right one.
Tree make_tree(const Kind& kind, Rng& rng) {
  Tree tree;
  std::vector<std::int32_t*> holders{nullptr};  // of each leaf's number
  tree.nodes.reserve(kind.n_leaves);
  for (std::size_t leaf = 1; leaf < kind.n_leaves; ++leaf) {
    const std::size_t split = rng.below(leaf);
    if (holders[split] != nullptr) *holders[split] = static_cast<std::int32_t>(tree.nodes.size());
    TreeNode& node = tree.nodes.emplace_back();
    node.feature = static_cast<std::int32_t>(rng.below(kFeatures));
    node.missing = kind.missing[rng.below(kind.missing.size())];
    node.default_left = rng.chance(0.5);
    node.threshold = draw_threshold(kind, rng);
    node.left = ~static_cast<std::int32_t>(split);
    node.right = ~static_cast<std::int32_t>(leaf);
    if (rng.chance(kind.categorical)) make_categorical(node, tree, rng);
    holders[split] = &node.left;
    holders.push_back(&node.right);
  }
  for (std::size_t leaf = 0; leaf < kind.n_leaves; ++leaf) tree.leaf_values.push_back(rng.normal());
  tree.leaf_counts.assign(kind.n_leaves, 1);
  return tree;
}

TreeEnsemble make_ensemble(const Kind& kind, Rng& rng) {
  TreeEnsemble model;
  for (std::size_t f = 0; f < kFeatures; ++f) model.feature_names.push_back(fmt::format("feature_{}", f));
  model.objective = "lambdarank";
  for (std::size_t t = 0; t < kind.n_trees; ++t) model.trees.push_back(make_tree(kind, rng));
  return model;
}

/// By feature: what lies on a split's bounds, and whole numbers for categories.
std::vector<std::vector<float>> find_bounds(const TreeEnsemble& model) {
  std::vector<std::vector<float>> bounds(model.n_features());
  for (const Tree& tree : model.trees) {
    for (const TreeNode& node : tree.nodes) {
      std::vector<float>& own = bounds[static_cast<std::size_t>(node.feature)];
      if (!node.categorical) own.push_back(static_cast<float>(node.threshold));
      for (std::uint32_t c = 0; node.categorical && c < (node.categories_end - node.categories_begin) * 32 + 2; ++c)
        own.push_back(static_cast<float>(c));
    }
  }
  return bounds;
}

/// Values on bounds, one float beside them, missing ones, all that is special, and plain ones.
std::vector<float> make_rows(const TreeEnsemble& model, Rng& rng) {
  const std::vector<float> special = {0,       -0.0F,  kInfinity, -kInfinity, 1e-35F, -1e-35F, 2e-35F,
                                      -2e-35F, 1e-36F, 1e-40F,    -1e-40F,    -0.5F,  -1,      -1.5F,
                                      31.5F,   63,     64,        2147483520, 4e9F,   3.4e38F, -3.4e38F};
  const std::vector<std::vector<float>> bounds = find_bounds(model);
  std::vector<float> rows(kRows * model.n_features());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::vector<float>& own = bounds[i % model.n_features()];
    const double kind = rng.uniform();
    rows[i] = static_cast<float>(rng.normal());
    if (kind < 0.1) rows[i] = std::numeric_limits<float>::quiet_NaN();
    if (kind > 0.1 && kind < 0.2) rows[i] = special[rng.below(special.size())];
    if (kind < 0.5 || own.empty()) continue;
    rows[i] = own[rng.below(own.size())];
    if (kind > 0.8) rows[i] = std::nextafter(rows[i], kind > 0.9 ? kInfinity : -kInfinity);
  }
  return rows;
}

template <typename T>
std::string_view bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// Writes a ranker's folder and gives its line of the list.
json::Value write_model(const TreeEnsemble& model, const std::string& name, const fs::path& folder, Rng& rng) {
  make_folders(folder);
  write_file_atomic(folder / "model.onnx", models::export_onnx(model));
  const std::vector<float> rows = make_rows(model, rng);
  std::vector<double> scores(kRows);
  std::vector<std::int32_t> leaves;
  double largest = 0;
  for (std::size_t t = 0; t < model.trees.size(); ++t) {
    const Tree& tree = model.trees[t];
    double size = 0;
    for (const double value : tree.leaf_values) size = std::max(size, std::fabs(value));
    largest += size;
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::size_t leaf = models::find_leaf(tree, std::span(rows).subspan(r * model.n_features(), model.n_features()));
      leaves.push_back(static_cast<std::int32_t>(leaf));
      scores[r] += tree.leaf_values[leaf];
    }
    TreeEnsemble alone = model;
    alone.trees = {tree};
    for (std::size_t leaf = 0; leaf < tree.leaf_values.size(); ++leaf)
      alone.trees[0].leaf_values[leaf] = static_cast<double>(leaf);
    write_file_atomic(folder / fmt::format("tree-{}.onnx", t), models::export_onnx(alone));
  }
  write_file_atomic(folder / "rows", bytes_of(rows));
  write_file_atomic(folder / "leaves", bytes_of(leaves));
  write_file_atomic(folder / "scores", bytes_of(scores));
  json::Value line;
  line.set("name", json::Value(name));
  line.set("features", json::Value(static_cast<std::int64_t>(model.n_features())));
  line.set("trees", json::Value(static_cast<std::int64_t>(model.trees.size())));
  line.set("largest", json::Value(largest));
  return line;
}

void write_models(const fs::path& folder, const char* model_file) {
  Rng rng(11);
  json::Array out;
  if (model_file != nullptr) {
    out.push_back(write_model(models::load_tree_ensemble(model_file), "given", folder / "given", rng));
  } else {
    const std::vector<MissingType> all = {MissingType::kNone, MissingType::kZero, MissingType::kNan};
    const std::vector<Kind> kinds = {{"none", {MissingType::kNone}, 0, 0, 12, 31},
                                     {"zero", {MissingType::kZero}, 0, 0, 12, 31},
                                     {"nan", {MissingType::kNan}, 0, 0.2, 12, 31},
                                     {"categories", all, 1, 0, 12, 31},
                                     {"mixed", all, 0.3, 0.1, 30, 63},
                                     {"leaf", all, 0, 0, 3, 1},
                                     {"empty", all, 0, 0, 0, 1}};
    for (const Kind& kind : kinds) out.push_back(write_model(make_ensemble(kind, rng), kind.name, folder / kind.name, rng));
  }
  fmt::print("{}\n", json::format(json::Value(std::move(out))));
}

}  // namespace
}  // namespace lodestone

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    fmt::print(stderr, "usage: write_onnx_models FOLDER [MODEL]\n");
    return 2;
  }
  try {
    lodestone::write_models(argv[1], argc == 3 ? argv[2] : nullptr);
    return 0;
  } catch (const lodestone::Error& error) {
    fmt::print(stderr, "write_onnx_models: {}\n", error.message());
    return 1;
  }
}
