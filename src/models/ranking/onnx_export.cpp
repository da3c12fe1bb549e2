#include "models/ranking/onnx_export.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "models/ranking/onnx_model.hpp"
#include "models/ranking/proto_wire.hpp"
#include "models/ranking/tree_walk.hpp"

namespace lodestone::models {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// ---- Messages of onnx.proto, version 8 of its representation; the numbers are those of its fields.

/// Of AttributeProto.type.
enum class AttributeType : std::uint8_t { kInt = 2, kString = 3, kFloats = 6, kInts = 7, kStrings = 8 };

/// Attributes of a node, each a field of NodeProto.
class Attributes {
 public:
  void add(std::string_view name, std::uint64_t value) {
    std::string body;
    add_number(body, 3, value);
    finish(name, AttributeType::kInt, body);
  }
  void add(std::string_view name, std::string_view text) {
    std::string body;
    add_bytes(body, 4, text);
    finish(name, AttributeType::kString, body);
  }
  void add(std::string_view name, const std::vector<float>& values) {
    std::string packed;
    for (const float value : values) {
      const auto bits = std::bit_cast<std::uint32_t>(value);
      for (unsigned shift = 0; shift < 32; shift += 8) packed.push_back(static_cast<char>((bits >> shift) & 0xFFU));
    }
    std::string body;
    add_bytes(body, 7, packed);
    finish(name, AttributeType::kFloats, body);
  }
  void add(std::string_view name, const std::vector<std::uint32_t>& values) {
    std::string packed;
    for (const std::uint32_t value : values) append_varint(packed, value);
    std::string body;
    add_bytes(body, 8, packed);
    finish(name, AttributeType::kInts, body);
  }
  void add(std::string_view name, const std::vector<std::string_view>& texts) {
    std::string body;
    for (const std::string_view text : texts) add_bytes(body, 9, text);
    finish(name, AttributeType::kStrings, body);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void finish(std::string_view name, AttributeType type, std::string_view body) {
    std::string attribute;
    add_bytes(attribute, 1, name);
    attribute.append(body);
    add_number(attribute, 20, static_cast<std::uint64_t>(type));
    add_bytes(bytes_, 5, attribute);
  }

  std::string bytes_;
};

/// ValueInfoProto of floats [n, columns].
std::string float_matrix(std::string_view name, std::size_t columns) {
  std::string rows;
  add_bytes(rows, 2, "n");
  std::string width;
  add_number(width, 1, columns);
  std::string shape;
  add_bytes(shape, 1, rows);
  add_bytes(shape, 1, width);
  std::string tensor;
  add_number(tensor, 1, 1);  // float
  add_bytes(tensor, 2, shape);
  std::string type;
  add_bytes(type, 1, tensor);
  std::string out;
  add_bytes(out, 1, name);
  add_bytes(out, 2, type);
  return out;
}

std::string opset(std::string_view domain, std::uint64_t version) {
  std::string out;
  add_bytes(out, 1, domain);
  add_number(out, 2, version);
  return out;
}

std::string text_pair(std::string_view key, std::string_view value) {
  std::string out;
  add_bytes(out, 1, key);
  add_bytes(out, 2, value);
  return out;
}

// ---- Splits.

/// The largest float below a whole number.
float float_below(double value) {
  const float nearest = round_threshold(value);
  return static_cast<double>(nearest) < value ? nearest : std::nextafter(nearest, -kInfinity);
}

/// Values in (bound of the range before, bound] go to one side.
struct Range {
  float bound = 0;
  bool left = false;
};

/// Floats between which a split may change its side, rising.
std::vector<float> bounds_of(const Tree& tree, const TreeNode& node) {
  std::vector<float> bounds;
  if (!node.categorical) {
    // Sizes up to kTreeZero are taken for 0.
    bounds = {round_threshold(node.threshold), std::nextafter(-kTreeZero, -kInfinity), kTreeZero};
    std::sort(bounds.begin(), bounds.end());
    return bounds;
  }
  const std::size_t n = std::size_t{node.categories_end - node.categories_begin} * 32;
  const auto holds = [&](std::size_t c) { return ((tree.categories[node.categories_begin + c / 32] >> (c % 32)) & 1U) != 0; };
  for (std::size_t c = 0; c < n; ++c) {
    if (holds(c) == (c > 0 && holds(c - 1))) continue;
    bounds.push_back(c == 0 ? -1.0F : float_below(static_cast<double>(c)));  // a category is the whole part, and so is -0.5 of 0
  }
  if (n > 0 && holds(n - 1)) bounds.push_back(float_below(static_cast<double>(n)));
  return bounds;
}

/// A split as ranges of floats that go to the left and to the right in turn; above the last bound lies the right. A threshold gives one
/// range; more come of categories, and of zeros that go elsewhere than their neighbours.
std::vector<Range> ranges_of(const Tree& tree, const TreeNode& node) {
  std::vector<Range> ranges;
  for (const float bound : bounds_of(tree, node)) {
    const bool left = goes_left(tree, node, static_cast<double>(bound));
    if (!ranges.empty() && ranges.back().left == left) ranges.pop_back();
    ranges.push_back({bound, left});
  }
  while (!ranges.empty() && !ranges.back().left) ranges.pop_back();
  return ranges;
}

// ---- The one node of the graph.

/// Columns of TreeEnsembleRegressor, an entry each node of each tree, and an entry each leaf. Each comparison is "<=": ONNX Runtime is quickest
/// when they are all of one kind.
class RegressorColumns {
 public:
  void add(const Tree& tree) {
    tree_ = &tree;
    next_node_ = 0;
    if (tree.nodes.empty()) {
      add_leaf(0);
    } else {
      std::vector<std::uint32_t> begins(tree.nodes.size() + tree.leaf_values.size(), kNotYet);
      add_splits(begins);
    }
    ++n_trees_;
  }

  [[nodiscard]] std::string attributes() const {
    Attributes out;
    out.add("nodes_treeids", trees_);
    out.add("nodes_nodeids", nodes_);
    out.add("nodes_featureids", features_);
    out.add("nodes_modes", modes_);
    out.add("nodes_values", values_);
    out.add("nodes_truenodeids", true_nodes_);
    out.add("nodes_falsenodeids", false_nodes_);
    out.add("nodes_missing_value_tracks_true", missing_);
    out.add("target_treeids", leaf_trees_);
    out.add("target_nodeids", leaf_nodes_);
    out.add("target_ids", std::vector<std::uint32_t>(leaf_trees_.size(), 0));
    out.add("target_weights", weights_);
    out.add("n_targets", std::uint64_t{1});
    out.add("aggregate_function", std::string_view("SUM"));
    out.add("post_transform", std::string_view("NONE"));
    return out.bytes();
  }

 private:
  static constexpr std::uint32_t kNotYet = ~0U;

  std::uint32_t add_node(std::int32_t feature, std::string_view mode, float value, bool missing_left) {
    trees_.push_back(n_trees_);
    nodes_.push_back(next_node_);
    features_.push_back(static_cast<std::uint32_t>(feature));
    modes_.push_back(mode);
    values_.push_back(value);
    true_nodes_.push_back(0);
    false_nodes_.push_back(0);
    missing_.push_back(missing_left ? 1 : 0);
    return next_node_++;
  }

  void add_leaf(std::size_t leaf) {
    leaf_trees_.push_back(n_trees_);
    leaf_nodes_.push_back(add_node(0, "LEAF", 0, false));
    weights_.push_back(static_cast<float>(tree_->leaf_values[leaf]));
  }

  /// Where a child stands in the list of begins: splits, then leaves.
  [[nodiscard]] std::size_t place(std::int32_t child) const {
    const auto at = static_cast<std::size_t>(child >= 0 ? child : ~child);
    return child >= 0 ? at : tree_->nodes.size() + at;
  }

  /// Nodes of all splits from the root on, then what they point at. A split without ranges sends every value to the right, so that its right
  /// child stands for it and what is to its left is left out.
  void add_splits(std::vector<std::uint32_t>& begins) {
    struct Edge {
      std::size_t at;                 ///< in the columns
      std::size_t on_true, on_false;  ///< places
    };
    std::vector<Edge> edges;
    std::vector<std::int32_t> open{passed(0)};
    while (!open.empty()) {
      const std::int32_t child = open.back();
      open.pop_back();
      begins[place(child)] = next_node_;
      if (child < 0) {
        add_leaf(place(child) - tree_->nodes.size());
        continue;
      }
      const TreeNode& node = tree_->nodes[static_cast<std::size_t>(child)];
      const std::int32_t left = passed(node.left);
      const std::int32_t right = passed(node.right);
      const std::vector<Range> ranges = ranges_of(*tree_, node);
      bool missing_left = goes_left(*tree_, node, std::numeric_limits<double>::quiet_NaN());
      for (std::size_t r = 0; r < ranges.size(); ++r) {
        // NaN goes on to the next node until one takes it, and behind the last to the right. Nodes of one split share children by their true side
        // alone: ONNX Runtime wants the false side of a node for itself.
        const bool takes_missing = missing_left && ranges[r].left;
        if (takes_missing) missing_left = false;
        const bool last = r + 1 == ranges.size();
        edges.push_back({trees_.size(), place(ranges[r].left ? left : right), last ? place(right) : kNextNode});
        add_node(node.feature, "BRANCH_LEQ", ranges[r].bound, takes_missing);
      }
      open.push_back(left);
      open.push_back(right);
    }
    for (const Edge& edge : edges) {
      true_nodes_[edge.at] = begins[edge.on_true];
      false_nodes_[edge.at] = edge.on_false == kNextNode ? nodes_[edge.at] + 1 : begins[edge.on_false];
    }
  }

  /// The child, or what stands for it.
  [[nodiscard]] std::int32_t passed(std::int32_t child) const {
    while (child >= 0 && ranges_of(*tree_, tree_->nodes[static_cast<std::size_t>(child)]).empty())
      child = tree_->nodes[static_cast<std::size_t>(child)].right;
    return child;
  }

  static constexpr std::size_t kNextNode = std::numeric_limits<std::size_t>::max();

  const Tree* tree_ = nullptr;
  std::uint32_t n_trees_ = 0;
  std::uint32_t next_node_ = 0;
  std::vector<std::uint32_t> trees_, nodes_, features_, true_nodes_, false_nodes_, missing_;
  std::vector<std::string_view> modes_;
  std::vector<float> values_;
  std::vector<std::uint32_t> leaf_trees_, leaf_nodes_;
  std::vector<float> weights_;
};

std::string graph_of(const TreeEnsemble& model) {
  RegressorColumns columns;
  for (const Tree& tree : model.trees) columns.add(tree);
  // The operator needs a tree.
  if (model.trees.empty()) columns.add({.nodes = {}, .leaf_values = {0}, .leaf_counts = {0}, .categories = {}});
  std::string node;
  add_bytes(node, 1, "rows");
  add_bytes(node, 2, "scores");
  add_bytes(node, 4, "TreeEnsembleRegressor");
  node.append(columns.attributes());
  add_bytes(node, 7, "ai.onnx.ml");
  std::string graph;
  add_bytes(graph, 1, node);
  add_bytes(graph, 2, "ranker");
  add_bytes(graph, 11, float_matrix("rows", model.n_features()));
  add_bytes(graph, 12, float_matrix("scores", 1));
  return graph;
}

}  // namespace

std::string export_onnx(const TreeEnsemble& model) {
  std::string out;
  add_number(out, 1, 8);  // version of the representation
  add_bytes(out, 2, "lodestone");
  add_bytes(out, 7, graph_of(model));
  add_bytes(out, 8, opset("ai.onnx.ml", 3));
  add_bytes(out, 8, opset("", 15));
  add_bytes(out, 14, text_pair("objective", model.objective));
  return with_feature_names(out, model.feature_names);
}

}  // namespace lodestone::models
