// Any bytes as a LightGBM model: it is refused, or every kernel scores rows as the plain walk does, bit for bit, and contributions can be told.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "models/ranking/tree_ensemble.hpp"
#include "models/ranking/tree_scorer.hpp"
#include "models/ranking/tree_shap.hpp"

namespace {

using namespace lodestone::models;

constexpr std::size_t kRows = 21;
constexpr std::size_t kMostFeatures = 1000;

/// Values at and beside the thresholds, and those that are special.
std::vector<float> make_rows(const TreeEnsemble& model) {
  std::vector<float> values = {0,
                               -1,
                               1,
                               31,
                               1e-35F,
                               -1e-36F,
                               3e9F,
                               std::numeric_limits<float>::quiet_NaN(),
                               std::numeric_limits<float>::infinity(),
                               -std::numeric_limits<float>::infinity()};
  for (const Tree& tree : model.trees) {
    for (const TreeNode& node : tree.nodes) {
      const double x = std::clamp(node.threshold, -3e38, 3e38);
      values.push_back(static_cast<float>(x));
    }
  }
  std::vector<float> rows(kRows * model.n_features());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = values[i * 7919 % values.size()];
  return rows;
}

void check_scores(const TreeEnsemble& model) {
  const std::vector<float> rows = make_rows(model);
  std::vector<double> expected(kRows);
  for (std::size_t r = 0; r < kRows; ++r) {
    for (const Tree& tree : model.trees)
      expected[r] += tree.leaf_values[find_leaf(tree, std::span(rows).subspan(r * model.n_features(), model.n_features()))];
  }
  TreeScorer::Scratch scratch;
  for (const TreeKernel kernel : {TreeKernel::kScalar, TreeKernel::kAvx2, TreeKernel::kAvx512}) {
    if (!has_tree_kernel(kernel)) continue;
    std::vector<double> scores(kRows);
    TreeScorer(model, kernel).score(rows, kRows, scores, scratch);
    for (std::size_t r = 0; r < kRows; ++r)
      LODESTONE_ASSERT(std::bit_cast<std::uint64_t>(scores[r]) == std::bit_cast<std::uint64_t>(expected[r]), "row {}: {} for {}",
                       r, scores[r], expected[r]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const TreeEnsemble model = parse_tree_ensemble({reinterpret_cast<const char*>(data), size}, "seed");
    if (model.n_features() > kMostFeatures) return 0;
    check_scores(model);
    // Contributions of deep trees take the depth squared for each leaf.
    if (size > 4096) return 0;
    const TreeShap shap(model);
    std::vector<double> contributions(model.n_features());
    TreeShap::Scratch scratch;
    const std::vector<float> rows = make_rows(model);
    shap.explain(std::span(rows).first(model.n_features()), contributions, scratch);
  } catch (const lodestone::Error&) {
  }
  return 0;
}
