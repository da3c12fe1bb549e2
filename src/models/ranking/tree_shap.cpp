#include "models/ranking/tree_shap.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"

namespace lodestone::models {
namespace {

using Path = TreeShap::PathElement*;

constexpr std::size_t kMostDepth = 1000;

double ratio(std::size_t a, std::size_t b) { return static_cast<double>(a) / static_cast<double>(b); }

/// EXTEND of the paper: one more feature at the end of a path of `length` elements.
void extend(Path path, std::size_t length, double zero, double one, std::int32_t feature) {
  path[length] = {feature, zero, one, length == 0 ? 1.0 : 0.0};
  for (std::size_t i = length; i-- > 0;) {
    path[i + 1].weight += one * path[i].weight * ratio(i + 1, length + 1);
    path[i].weight *= zero * ratio(length - i, length + 1);
  }
}

/// UNWIND: takes element `at` out of a path of `length` elements.
void unwind(Path path, std::size_t length, std::size_t at) {
  const std::size_t last = length - 1;
  const double one = path[at].one;
  const double zero = path[at].zero;
  double next = path[last].weight;
  for (std::size_t i = last; i-- > 0;) {
    if (one != 0) {
      const double before = path[i].weight;
      path[i].weight = next / (one * ratio(i + 1, length));
      next = before - path[i].weight * zero * ratio(last - i, length);
    } else {
      path[i].weight /= zero * ratio(last - i, length);
    }
  }
  for (std::size_t i = at; i < last; ++i) {
    path[i].feature = path[i + 1].feature;
    path[i].zero = path[i + 1].zero;
    path[i].one = path[i + 1].one;
  }
}

/// Sum of the weights that unwind() would leave.
double unwound_sum(const TreeShap::PathElement* path, std::size_t length, std::size_t at) {
  const std::size_t last = length - 1;
  const double one = path[at].one;
  const double zero = path[at].zero;
  double next = path[last].weight;
  double sum = 0;
  for (std::size_t i = last; i-- > 0;) {
    if (one != 0) {
      const double weight = next / (one * ratio(i + 1, length));
      sum += weight;
      next = path[i].weight - weight * zero * ratio(last - i, length);
    } else {
      sum += path[i].weight / (zero * ratio(last - i, length));
    }
  }
  return sum;
}

double count_of(const Tree& tree, std::int32_t child) {
  return child >= 0 ? tree.nodes[static_cast<std::size_t>(child)].count : tree.leaf_counts[static_cast<std::size_t>(~child)];
}

/// How the walk came to a child.
struct Step {
  std::int32_t child;
  double zero;
  double one;
  std::int32_t feature;
};

class TreeExplainer {
 public:
  TreeExplainer(const Tree& tree, std::span<const float> row, std::span<double> out) : tree_(tree), row_(row), out_(out) {}

  /// RECURSE: `parent` holds `length` elements, and behind them is room for the paths below.
  void visit(const Step& step, const TreeShap::PathElement* parent, std::size_t length, Path room) {
    std::copy_n(parent, length, room);
    extend(room, length, step.zero, step.one, step.feature);
    ++length;
    if (step.child < 0) {
      add_leaf(room, length, tree_.leaf_values[static_cast<std::size_t>(~step.child)]);
      return;
    }
    const TreeNode& node = tree_.nodes[static_cast<std::size_t>(step.child)];
    double zero = 1;
    double one = 1;
    // A feature counts once on a path: a second split on it replaces the first by both together.
    const auto same = std::find_if(room + 1, room + length, [&](const auto& element) { return element.feature == node.feature; });
    if (same != room + length) {
      zero = same->zero;
      one = same->one;
      unwind(room, length, static_cast<std::size_t>(same - room));
      --length;
    }
    const bool left = goes_left(tree_, node, static_cast<double>(row_[static_cast<std::size_t>(node.feature)]));
    const std::int32_t hot = left ? node.left : node.right;
    const std::int32_t cold = left ? node.right : node.left;
    visit({hot, zero * count_of(tree_, hot) / node.count, one, node.feature}, room, length, room + length);
    visit({cold, zero * count_of(tree_, cold) / node.count, 0, node.feature}, room, length, room + length);
  }

 private:
  void add_leaf(const TreeShap::PathElement* path, std::size_t length, double value) {
    for (std::size_t i = 1; i < length; ++i)
      out_[static_cast<std::size_t>(path[i].feature)] += unwound_sum(path, length, i) * (path[i].one - path[i].zero) * value;
  }

  const Tree& tree_;
  std::span<const float> row_;
  std::span<double> out_;
};

double expected_leaf(const Tree& tree) {
  if (tree.nodes.empty()) return tree.leaf_values[0];
  double sum = 0;
  for (std::size_t leaf = 0; leaf < tree.leaf_values.size(); ++leaf)
    sum += tree.leaf_counts[leaf] / static_cast<double>(tree.nodes[0].count) * tree.leaf_values[leaf];
  return sum;
}

std::size_t depth_of(const Tree& tree, std::size_t number) {
  std::size_t deepest = 0;
  std::vector<std::pair<std::int32_t, std::size_t>> open{{tree.nodes.empty() ? ~0 : 0, 0}};
  while (!open.empty()) {
    const auto [child, depth] = open.back();
    open.pop_back();
    deepest = std::max(deepest, depth);
    if (!tree.nodes.empty() && count_of(tree, child) == 0)
      fail(ErrorCode::kInvalidArgument,
           "tree {} of the ranker has a {} without training rows, and contributions need their shares; train it again", number,
           child >= 0 ? "split" : "leaf");
    if (child < 0) continue;
    open.emplace_back(tree.nodes[static_cast<std::size_t>(child)].left, depth + 1);
    open.emplace_back(tree.nodes[static_cast<std::size_t>(child)].right, depth + 1);
  }
  return deepest;
}

}  // namespace

TreeShap::TreeShap(TreeEnsemble model) : model_(std::move(model)) {
  std::size_t depth = 0;
  for (std::size_t t = 0; t < model_.trees.size(); ++t) {
    depth = std::max(depth, depth_of(model_.trees[t], t));
    if (depth > kMostDepth)
      fail(ErrorCode::kInvalidArgument,
           "tree {} of the ranker is {} splits deep, and up to {} are explained; train it with fewer leaves", t, depth,
           kMostDepth);
    expected_value_ += expected_leaf(model_.trees[t]);
  }
  // A path holds each feature once, and the root's element.
  const std::size_t longest = std::min(depth, model_.n_features()) + 2;
  path_room_ = (depth + 2) * longest;
}

void TreeShap::explain(std::span<const float> row, std::span<double> contributions, Scratch& scratch) const {
  LODESTONE_ASSERT(row.size() == model_.n_features() && contributions.size() == row.size(),
                   "{} values and {} contributions for {} features", row.size(), contributions.size(), model_.n_features());
  scratch.resize(std::max(scratch.size(), path_room_));
  std::fill(contributions.begin(), contributions.end(), 0.0);
  for (const Tree& tree : model_.trees) {
    if (!tree.nodes.empty()) TreeExplainer(tree, row, contributions).visit({0, 1, 1, -1}, nullptr, 0, scratch.data());
  }
}

}  // namespace lodestone::models
