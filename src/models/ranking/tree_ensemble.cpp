#include "models/ranking/tree_ensemble.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/file.hpp"

namespace lodestone::models {
namespace {

constexpr std::int32_t kCategoricalBit = 1;
constexpr std::int32_t kDefaultLeftBit = 2;

/// Lines of the text with the number of the one at hand, for messages.
class ModelLines {
 public:
  ModelLines(std::string_view text, std::string_view name) : text_(text), name_(name) {}

  /// Throws corrupt at the end of the text: a whole model says where its trees end.
  std::string_view next() {
    if (text_.empty()) damaged("the file ends before \"end of trees\"");
    const std::size_t end = text_.find('\n');
    std::string_view line = text_.substr(0, end);
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++number_;
    return line;
  }

  [[noreturn]] void damaged(std::string_view what) const {
    fail(ErrorCode::kCorrupt, "{}: line {}: {}; train the ranker again or bring back the whole file", name_, number_, what);
  }
  [[noreturn]] void not_served(std::string_view what) const {
    fail(ErrorCode::kInvalidArgument, "{}: line {}: {}", name_, number_, what);
  }

 private:
  std::string_view text_;
  std::string_view name_;
  std::size_t number_ = 0;
};

/// "key=value"; a line without "=" is a key alone.
struct KeyValue {
  std::string_view key;
  std::string_view value;
};

KeyValue split_line(std::string_view line) {
  const std::size_t at = line.find('=');
  if (at == std::string_view::npos) return {line, {}};
  return {line.substr(0, at), line.substr(at + 1)};
}

template <typename Number>
Number parse_number(std::string_view word, std::string_view key, const ModelLines& lines) {
  Number number{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  bool good = error == std::errc() && end == word.data() + word.size();
  if constexpr (std::is_floating_point_v<Number>) good = good && std::isfinite(number);
  if (!good) lines.damaged(fmt::format("{} holds \"{}\", which is no number it may hold", key, word.substr(0, 40)));
  return number;
}

/// Calls `take` with each word between single blanks.
template <typename Take>
void each_word(std::string_view value, Take&& take) {
  while (!value.empty()) {
    const std::size_t end = value.find(' ');
    take(value.substr(0, end));
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 1);
  }
}

std::vector<std::string> parse_words(std::string_view value) {
  std::vector<std::string> words;
  each_word(value, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

template <typename Number>
std::vector<Number> parse_numbers(const KeyValue& line, std::size_t n, const ModelLines& lines) {
  std::vector<Number> numbers;
  each_word(line.value, [&](std::string_view word) { numbers.push_back(parse_number<Number>(word, line.key, lines)); });
  if (numbers.size() != n) lines.damaged(fmt::format("{} holds {} numbers where {} belong", line.key, numbers.size(), n));
  return numbers;
}

/// "inf" stands where the split only parts missing from known values.
std::vector<double> parse_thresholds(const KeyValue& line, std::size_t n, const ModelLines& lines) {
  std::vector<double> numbers;
  each_word(line.value, [&](std::string_view word) {
    numbers.push_back(word == "inf" ? std::numeric_limits<double>::max() : parse_number<double>(word, line.key, lines));
  });
  if (numbers.size() != n) lines.damaged(fmt::format("{} holds {} numbers where {} belong", line.key, numbers.size(), n));
  return numbers;
}

struct Header {
  TreeEnsemble model;
  std::size_t n_trees = 0;
};

void check_header(const Header& header, std::string_view version, std::size_t n_features, const ModelLines& lines) {
  if (version != "v4")
    lines.not_served(fmt::format("the model has version \"{}\" and v4 is read; write it with LightGBM 4", version.substr(0, 20)));
  const auto names = header.model.feature_names.size();
  if (n_features == 0 || names != n_features)
    lines.damaged(fmt::format("there are {} feature_names where max_feature_idx wants {}", names, n_features));
  if (header.model.feature_infos.size() != names)
    lines.damaged(fmt::format("there are {} feature_infos for {} features", header.model.feature_infos.size(), names));
}

/// Up to and with the empty line before the first tree.
Header parse_header(ModelLines& lines) {
  if (lines.next() != "tree") lines.damaged("a LightGBM model begins with the line \"tree\", and this does not");
  Header header;
  std::string_view version;
  std::size_t n_features = 0;
  for (;;) {
    const KeyValue line = split_line(lines.next());
    if (line.key.empty()) break;
    if (line.key == "version") version = line.value;
    if (line.key == "num_class" || line.key == "num_tree_per_iteration") {
      if (parse_number<std::int32_t>(line.value, line.key, lines) != 1)
        lines.not_served(fmt::format("{} is {}, and rankers of one score a row are served; use a binary or ranking objective",
                                     line.key, line.value));
    }
    if (line.key == "average_output")
      lines.not_served("the model is a random forest (average_output), which is not served; use boosting=gbdt");
    if (line.key == "max_feature_idx") {
      const auto last = parse_number<std::int32_t>(line.value, line.key, lines);
      if (last < 0 || last == std::numeric_limits<std::int32_t>::max()) lines.damaged("max_feature_idx is no column");
      n_features = static_cast<std::size_t>(last) + 1;
    }
    if (line.key == "objective") header.model.objective = line.value;
    if (line.key == "feature_names") header.model.feature_names = parse_words(line.value);
    if (line.key == "feature_infos") header.model.feature_infos = parse_words(line.value);
    if (line.key == "tree_sizes") header.n_trees = parse_words(line.value).size();
  }
  check_header(header, version, n_features, lines);
  return header;
}

/// The lists of a tree as they stand in the file.
struct TreeLists {
  std::size_t n_leaves = 0;
  std::size_t n_categorical = 0;
  std::vector<std::int32_t> features, decisions, left, right, counts;
  std::vector<double> thresholds;
  std::vector<std::uint32_t> boundaries;
};

void parse_tree_line(const KeyValue& line, TreeLists& lists, Tree& tree, const ModelLines& lines) {
  const std::size_t leaves = lists.n_leaves;
  const std::size_t nodes = leaves == 0 ? 0 : leaves - 1;
  const auto count_of = [&](std::int32_t least) {
    const auto n = parse_number<std::int32_t>(line.value, line.key, lines);
    if (n < least) lines.damaged(fmt::format("{} is {}", line.key, n));
    return static_cast<std::size_t>(n);
  };
  if (line.key == "num_leaves") lists.n_leaves = count_of(1);
  if (line.key == "num_cat") lists.n_categorical = count_of(0);
  if (line.key == "split_feature") lists.features = parse_numbers<std::int32_t>(line, nodes, lines);
  if (line.key == "threshold") lists.thresholds = parse_thresholds(line, nodes, lines);
  if (line.key == "decision_type") lists.decisions = parse_numbers<std::int32_t>(line, nodes, lines);
  if (line.key == "left_child") lists.left = parse_numbers<std::int32_t>(line, nodes, lines);
  if (line.key == "right_child") lists.right = parse_numbers<std::int32_t>(line, nodes, lines);
  if (line.key == "internal_count") lists.counts = parse_numbers<std::int32_t>(line, nodes, lines);
  if (line.key == "leaf_value") tree.leaf_values = parse_numbers<double>(line, leaves, lines);
  // A tree of one leaf may leave its count out.
  if (line.key == "leaf_count" && !(nodes == 0 && line.value.empty()))
    tree.leaf_counts = parse_numbers<std::int32_t>(line, leaves, lines);
  if (line.key == "cat_boundaries") lists.boundaries = parse_numbers<std::uint32_t>(line, lists.n_categorical + 1, lines);
  if (line.key == "cat_threshold") {
    each_word(line.value,
              [&](std::string_view word) { tree.categories.push_back(parse_number<std::uint32_t>(word, line.key, lines)); });
  }
  if (line.key == "is_linear" && line.value != "0")
    lines.not_served("the tree has linear models in its leaves, which are not served; train with linear_tree=false");
}

/// Lists of the right lengths into nodes; every reference is checked.
void make_nodes(const TreeLists& lists, std::size_t n_features, Tree& tree, const ModelLines& lines) {
  const std::size_t n = lists.n_leaves - 1;
  for (const std::size_t size : {lists.features.size(), lists.thresholds.size(), lists.decisions.size(), lists.left.size(),
                                 lists.right.size(), lists.counts.size()}) {
    if (size != n) lines.damaged("the tree lacks one of its lists of splits");
  }
  for (std::size_t c = 0; c + 1 < lists.boundaries.size(); ++c) {
    if (lists.boundaries[c] > lists.boundaries[c + 1]) lines.damaged("the tree's cat_boundaries fall");
  }
  if (!lists.boundaries.empty() && lists.boundaries.back() > tree.categories.size())
    lines.damaged("the tree's cat_boundaries leave its cat_threshold");
  tree.nodes.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    TreeNode& node = tree.nodes[i];
    const std::int32_t decision = lists.decisions[i];
    const std::int32_t missing = decision >> 2;
    if (decision < 0 || missing > static_cast<std::int32_t>(MissingType::kNan))
      lines.damaged(fmt::format("the decision_type {} of the tree's split {} is none", decision, i));
    if (lists.features[i] < 0 || static_cast<std::size_t>(lists.features[i]) >= n_features)
      lines.damaged(fmt::format("split {} of the tree is on feature {} of {}", i, lists.features[i], n_features));
    if (lists.counts[i] < 0) lines.damaged(fmt::format("split {} of the tree counts {} rows", i, lists.counts[i]));
    node = {.threshold = lists.thresholds[i],
            .feature = lists.features[i],
            .left = lists.left[i],
            .right = lists.right[i],
            .count = lists.counts[i],
            .missing = static_cast<MissingType>(missing),
            .default_left = (decision & kDefaultLeftBit) != 0,
            .categorical = (decision & kCategoricalBit) != 0};
    if (!node.categorical) continue;
    if (!(node.threshold >= 0 && node.threshold + 1 < static_cast<double>(lists.boundaries.size())))
      lines.damaged(
          fmt::format("split {} of the tree names the set of categories {} of {}", i, node.threshold, lists.n_categorical));
    const auto set = static_cast<std::size_t>(node.threshold);
    node.categories_begin = lists.boundaries[set];
    node.categories_end = lists.boundaries[set + 1];
  }
}

/// Every node and leaf must hang below the root exactly once; then no walk can leave the tree or run in a circle.
void check_shape(const Tree& tree, const ModelLines& lines) {
  std::vector<bool> node_seen(tree.nodes.size());
  std::vector<bool> leaf_seen(tree.leaf_values.size());
  std::vector<std::int32_t> open{tree.nodes.empty() ? ~0 : 0};
  std::size_t n_seen = 0;
  while (!open.empty()) {
    const std::int32_t child = open.back();
    open.pop_back();
    std::vector<bool>& seen = child >= 0 ? node_seen : leaf_seen;
    const auto at = static_cast<std::size_t>(child >= 0 ? child : ~child);
    if (at >= seen.size() || seen[at])
      lines.damaged(fmt::format("the tree's {} {} is {}", child >= 0 ? "split" : "leaf", at,
                                at >= seen.size() ? "not among those it has" : "reached twice"));
    seen[at] = true;
    ++n_seen;
    if (child < 0) continue;
    open.push_back(tree.nodes[at].left);
    open.push_back(tree.nodes[at].right);
  }
  if (n_seen != node_seen.size() + leaf_seen.size()) lines.damaged("the tree has splits or leaves that its root does not reach");
}

/// From behind "Tree=N" up to the empty line that ends it.
Tree parse_tree(std::size_t n_features, ModelLines& lines) {
  Tree tree;
  TreeLists lists;
  for (;;) {
    const KeyValue line = split_line(lines.next());
    if (line.key.empty()) break;
    parse_tree_line(line, lists, tree, lines);
  }
  if (lists.n_leaves == 0) lines.damaged("the tree lacks num_leaves");
  if (tree.leaf_values.size() != lists.n_leaves) lines.damaged("the tree lacks leaf_value, or has it before num_leaves");
  if (tree.leaf_counts.empty() && lists.n_leaves == 1) tree.leaf_counts = {0};
  if (tree.leaf_counts.size() != lists.n_leaves) lines.damaged("the tree lacks leaf_count, or has it before num_leaves");
  for (const std::int32_t count : tree.leaf_counts) {
    if (count < 0) lines.damaged(fmt::format("a leaf of the tree counts {} rows", count));
  }
  make_nodes(lists, n_features, tree, lines);
  check_shape(tree, lines);
  return tree;
}

bool in_set(const Tree& tree, const TreeNode& node, double value) {
  // A category is the whole part of a value; what does not fit an int is none, and neither is NaN.
  if (!(value > -1 && value < 2147483648.0)) return false;
  const auto category = static_cast<std::uint32_t>(value < 0 ? 0 : value);
  const std::uint32_t word = category / 32;
  return word < node.categories_end - node.categories_begin &&
         ((tree.categories[node.categories_begin + word] >> (category % 32)) & 1U) != 0;
}

}  // namespace

bool goes_left(const Tree& tree, const TreeNode& node, double value) {
  if (node.categorical) return in_set(tree, node, value);
  if (std::fabs(value) <= static_cast<double>(kTreeZero)) value = 0;
  if (std::isnan(value)) {
    if (node.missing == MissingType::kNan) return node.default_left;
    value = 0;
  }
  if (node.missing == MissingType::kZero && value == 0) return node.default_left;
  return value <= node.threshold;
}

std::size_t find_leaf(const Tree& tree, std::span<const float> row) {
  std::int32_t at = tree.nodes.empty() ? ~0 : 0;
  while (at >= 0) {
    const TreeNode& node = tree.nodes[static_cast<std::size_t>(at)];
    at = goes_left(tree, node, static_cast<double>(row[static_cast<std::size_t>(node.feature)])) ? node.left : node.right;
  }
  return static_cast<std::size_t>(~at);
}

TreeEnsemble parse_tree_ensemble(std::string_view text, std::string_view name) {
  ModelLines lines(text, name);
  Header header = parse_header(lines);
  TreeEnsemble& model = header.model;
  for (;;) {
    const std::string_view line = lines.next();
    if (line.empty()) continue;
    if (line == "end of trees") break;
    if (line != fmt::format("Tree={}", model.trees.size()))
      lines.damaged(
          fmt::format("\"{}\" stands where Tree={} or the end of the trees belongs", line.substr(0, 40), model.trees.size()));
    model.trees.push_back(parse_tree(model.n_features(), lines));
  }
  if (model.trees.size() != header.n_trees)
    lines.damaged(fmt::format("there are {} trees where tree_sizes lists {}", model.trees.size(), header.n_trees));
  return std::move(header.model);
}

TreeEnsemble load_tree_ensemble(const std::filesystem::path& path) { return parse_tree_ensemble(read_file(path), path.string()); }

}  // namespace lodestone::models
