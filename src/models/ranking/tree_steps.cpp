#include "models/ranking/tree_steps.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "models/ranking/tree_walk.hpp"

namespace lodestone::models {

void StepTrees::add(const Tree& tree, const std::vector<std::uint32_t>& columns, const std::vector<std::size_t>& places) {
  Member member{.tree = static_cast<std::uint32_t>(members_.size()),
                .first_node = static_cast<std::uint32_t>(nodes_.size()),
                .depth = static_cast<std::uint32_t>(depth_of(tree))};
  // Level by level, so that the first levels, which every row meets, lie in one cache line.
  std::vector<std::int32_t> order{tree.nodes.empty() ? ~0 : 0};
  for (std::size_t at = 0; at < order.size(); ++at) {
    if (order[at] < 0) {
      nodes_.push_back({std::numeric_limits<float>::infinity(),
                        static_cast<std::uint16_t>(places[static_cast<std::size_t>(~order[at])]),
                        static_cast<std::uint16_t>(at)});
      sets_.push_back({});
      continue;
    }
    const auto i = static_cast<std::size_t>(order[at]);
    const TreeNode& node = tree.nodes[i];
    nodes_.push_back(
        {round_threshold(node.threshold), static_cast<std::uint16_t>(columns[i]), static_cast<std::uint16_t>(order.size())});
    sets_.push_back({static_cast<std::uint32_t>(words_.size()) + node.categories_begin,
                     node.categories_end - node.categories_begin, node.categorical});
    member.categorical = member.categorical || node.categorical;
    order.push_back(node.left);
    order.push_back(node.right);
  }
  member.n_nodes = static_cast<std::uint32_t>(order.size());
  words_.insert(words_.end(), tree.categories.begin(), tree.categories.end());
  members_.push_back(member);
}

void StepTrees::finish() {
  // A group takes as many steps as its deepest tree, so trees of one depth go together.
  std::stable_sort(members_.begin(), members_.end(), [](const Member& a, const Member& b) {
    return std::pair(a.categorical, a.depth) < std::pair(b.categorical, b.depth);
  });
  const auto first_other = std::find_if(members_.begin(), members_.end(), [](const Member& m) { return m.categorical; });
  n_grouped_ = static_cast<std::size_t>(first_other - members_.begin()) / kGroup * kGroup;
  std::vector<Node> nodes;
  std::vector<Set> sets;
  std::size_t group_begin = 0;
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Member& member = members_[m];
    const auto first = static_cast<std::uint32_t>(nodes.size());
    if (m % kGroup == 0 || m >= n_grouped_) group_begin = first;
    for (std::size_t i = member.first_node; i < member.first_node + member.n_nodes; ++i) {
      nodes.push_back(nodes_[i]);
      nodes.back().left = static_cast<std::uint16_t>(nodes_[i].left + first - group_begin);
      sets.push_back(sets_[i]);
    }
    member.first_node = first;
  }
  nodes_ = std::move(nodes);
  sets_ = std::move(sets);
}

void StepTrees::find_group(const float* values, const Member* members, std::uint8_t* places) const {
  const Node* nodes = nodes_.data() + members[0].first_node;
  std::array<std::uint32_t, kGroup> at;
  for (std::size_t i = 0; i < kGroup; ++i) at[i] = members[i].first_node - members[0].first_node;
  for (std::size_t step = members[kGroup - 1].depth; step > 0; --step) {
    for (std::size_t i = 0; i < kGroup; ++i) {
      const Node& node = nodes[at[i]];
      at[i] = node.left + (values[node.column] > node.threshold ? 1U : 0U);
    }
  }
  for (std::size_t i = 0; i < kGroup; ++i) places[members[i].tree] = static_cast<std::uint8_t>(nodes[at[i]].column);
}

std::uint8_t StepTrees::find_alone(const float* values, const Member& member) const {
  const Node* nodes = nodes_.data() + member.first_node;
  const Set* sets = sets_.data() + member.first_node;
  std::size_t at = 0;
  while (nodes[at].left != at) {
    const Node& node = nodes[at];
    const float value = values[node.column];
    bool right = value > node.threshold;
    if (sets[at].is_category) {
      const auto category = static_cast<std::uint32_t>(std::max(value, 0.0F));
      const std::uint32_t word = category / 32;
      right = value < 0 || word >= sets[at].n_words || ((words_[sets[at].words_begin + word] >> (category % 32)) & 1U) == 0;
    }
    at = node.left + (right ? 1U : 0U);
  }
  return static_cast<std::uint8_t>(nodes[at].column);
}

void StepTrees::find(const float* values, std::uint8_t* places) const {
  for (std::size_t i = 0; i < n_grouped_; i += kGroup) find_group(values, members_.data() + i, places);
  for (std::size_t i = n_grouped_; i < members_.size(); ++i) places[members_[i].tree] = find_alone(values, members_[i]);
}

}  // namespace lodestone::models
