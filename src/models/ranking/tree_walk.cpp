#include "models/ranking/tree_walk.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.hpp"

namespace lodestone::models {

std::size_t depth_of(const Tree& tree) {
  std::size_t deepest = 0;
  std::vector<std::pair<std::int32_t, std::size_t>> open{{tree.nodes.empty() ? ~0 : 0, 0}};
  while (!open.empty()) {
    const auto [at, depth] = open.back();
    open.pop_back();
    deepest = std::max(deepest, depth);
    if (at < 0) continue;
    open.emplace_back(tree.nodes[static_cast<std::size_t>(at)].left, depth + 1);
    open.emplace_back(tree.nodes[static_cast<std::size_t>(at)].right, depth + 1);
  }
  return deepest;
}

float round_threshold(double threshold) {
  constexpr float kMost = std::numeric_limits<float>::max();
  if (threshold >= static_cast<double>(kMost)) return kMost;
  if (threshold < -static_cast<double>(kMost)) return -std::numeric_limits<float>::infinity();
  const auto nearest = static_cast<float>(threshold);
  return static_cast<double>(nearest) > threshold ? std::nextafter(nearest, -std::numeric_limits<float>::infinity()) : nearest;
}

WalkTree::WalkTree(const Tree& tree, const std::vector<std::uint32_t>& columns)
    : words_(tree.categories), leaf_values_(tree.leaf_values), n_splits_(tree.nodes.size()), depth_(depth_of(tree)) {
  const auto place = [&](std::int32_t child) {
    return static_cast<std::uint32_t>(child >= 0 ? child : static_cast<std::int32_t>(n_splits_) + ~child);
  };
  for (std::size_t i = 0; i < n_splits_; ++i) {
    const TreeNode& node = tree.nodes[i];
    nodes_.push_back({round_threshold(node.threshold),
                      columns[i],
                      {place(node.left), place(node.right)},
                      node.categories_begin,
                      node.categories_end - node.categories_begin});
    is_category_.push_back(node.categorical ? 1 : 0);
    has_categories_ = has_categories_ || node.categorical;
  }
  for (std::size_t leaf = 0; leaf < leaf_values_.size(); ++leaf) {
    const auto self = static_cast<std::uint32_t>(n_splits_ + leaf);
    nodes_.push_back({std::numeric_limits<float>::infinity(), columns.empty() ? 0 : columns[0], {self, self}, 0, 0});
    is_category_.push_back(0);
  }
}

template <bool kCategories>
bool WalkTree::goes_right(const Node& node, float value) const {
  if (!kCategories || is_category_[static_cast<std::size_t>(&node - nodes_.data())] == 0) return value > node.threshold;
  if (value < 0) return true;
  const auto category = static_cast<std::uint32_t>(value);
  const std::uint32_t word = category / 32;
  return word >= node.n_words || ((words_[node.words_begin + word] >> (category % 32)) & 1U) == 0;
}

template <std::size_t kLanes, bool kCategories>
void WalkTree::add_lanes(const float* values, double* sums) const {
  constexpr std::size_t kStepsBetweenLooks = 4;
  std::array<std::uint32_t, kLanes> at{};
  for (std::size_t depth = 0; depth < depth_; ++depth) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const Node& node = nodes_[at[lane]];
      at[lane] = node.next[goes_right<kCategories>(node, values[std::size_t{node.column} * kLanes + lane]) ? 1 : 0];
    }
    // Trees grown leaf by leaf have few deep branches, and most rows end early.
    if (depth % kStepsBetweenLooks == kStepsBetweenLooks - 1 && *std::min_element(at.begin(), at.end()) >= n_splits_) break;
  }
  for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += leaf_values_[at[lane] - n_splits_];
}

void WalkTree::add(const float* values, std::size_t lanes, double* sums) const {
  LODESTONE_ASSERT(lanes == 1 || lanes == 8 || lanes == 16, "{} lanes", lanes);
  if (has_categories_) {
    if (lanes == 1) return add_lanes<1, true>(values, sums);
    if (lanes == 8) return add_lanes<8, true>(values, sums);
    return add_lanes<16, true>(values, sums);
  }
  if (lanes == 1) return add_lanes<1, false>(values, sums);
  if (lanes == 8) return add_lanes<8, false>(values, sums);
  return add_lanes<16, false>(values, sums);
}

}  // namespace lodestone::models
