#pragma once
// A ranker of boosted trees as LightGBM writes it (Ke et al., "LightGBM", NIPS 2017): its text format, version v4, read into plain nodes.
// Serving evaluates them by TreeScorer and explains them by TreeShap.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lodestone::models {

/// What counts as missing at a split; the numbers are the format's.
enum class MissingType : std::uint8_t { kNone = 0, kZero = 1, kNan = 2 };

/// The library takes values of at most this size for 0 (its kZeroThreshold, a float).
inline constexpr float kTreeZero = 1e-35F;

/// A split. A child >= 0 is a node, a negative one the leaf ~child.
struct TreeNode {
  double threshold = 0;  ///< numeric values up to it go left; the largest double where the library has infinity
  std::int32_t feature = 0;
  std::int32_t left = 0;
  std::int32_t right = 0;
  std::int32_t count = 0;              ///< training rows that came by
  std::uint32_t categories_begin = 0;  ///< words of Tree::categories, [begin, end); the categories that go left, 32 a word
  std::uint32_t categories_end = 0;
  MissingType missing = MissingType::kNone;
  bool default_left = false;  ///< where missing numbers go
  bool categorical = false;
};

/// Nodes and leaves form one tree with the root nodes[0]; without nodes it is the one leaf.
struct Tree {
  std::vector<TreeNode> nodes;
  std::vector<double> leaf_values;        ///< [n_leaves], finite; n_leaves = nodes + 1
  std::vector<std::int32_t> leaf_counts;  ///< [n_leaves] training rows; 0 where the format leaves them out
  std::vector<std::uint32_t> categories;
};

/// The raw score of a row is the sum of one leaf of each tree, in this order, in double.
struct TreeEnsemble {
  std::vector<std::string> feature_names;  ///< [n_features]; a column each
  std::vector<std::string> feature_infos;  ///< [n_features] "[min:max]", categories "0:1:2", or "none", as the fit saw them
  std::string objective;                   ///< "lambdarank", "binary sigmoid:1"; empty when the file names none
  std::vector<Tree> trees;

  [[nodiscard]] std::size_t n_features() const { return feature_names.size(); }
};

/// Whether a value of the node's feature goes left; NaN is missing. The library's rule: its predictor first takes |value| <= kTreeZero for 0.
/// A split that only parts missing from known values has the library's threshold infinity; ours is finite, so that the infinity which stands
/// for missing values is above it, and a value of infinity, which no feature has, goes with them there.
[[nodiscard]] bool goes_left(const Tree& tree, const TreeNode& node, double value);

/// The leaf that a row [n_features] ends in: the plain walk, which the faster forms are checked against.
[[nodiscard]] std::size_t find_leaf(const Tree& tree, std::span<const float> row);

/// Reads the text of a model; `name` stands for it in messages. Throws corrupt, naming the line, for whatever is damaged or cut off, and
/// invalid_argument for what is whole but not served: another version, several classes, random forests, linear trees.
[[nodiscard]] TreeEnsemble parse_tree_ensemble(std::string_view text, std::string_view name);

/// Reads a file. Throws as parse_tree_ensemble, or not_found.
[[nodiscard]] TreeEnsemble load_tree_ensemble(const std::filesystem::path& path);

}  // namespace lodestone::models
