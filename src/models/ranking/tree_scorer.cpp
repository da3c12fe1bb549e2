#include "models/ranking/tree_scorer.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "models/ranking/tree_steps.hpp"
#include "models/ranking/tree_walk.hpp"

namespace lodestone::models {
namespace {

constexpr std::size_t kMostMaskLeaves = 64;
constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMostFeatures = std::size_t{1} << 27U;  // the kernels' offsets to the last of 16 rows are 32-bit
constexpr std::size_t kFewRows = 2;                           // a block of 8 costs as much as 3 rows alone

std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// The rule by which a split looks at its feature.
TreeColumn column_of(const TreeNode& node) {
  TreeColumn column;
  column.feature = static_cast<std::uint32_t>(node.feature);
  column.categorical = node.categorical;
  if (node.categorical || node.missing == MissingType::kNone) return column;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  column.fill = node.default_left ? -kInfinity : kInfinity;
  column.zero_is_missing = node.missing == MissingType::kZero;
  return column;
}

/// Columns by feature and rule; a column's number is its place when all are known.
class ColumnNumbers {
 public:
  explicit ColumnNumbers(const TreeEnsemble& model) {
    for (const Tree& tree : model.trees) {
      for (const TreeNode& node : tree.nodes) numbers_.emplace(key(column_of(node)), 0);
    }
    std::uint32_t n = 0;
    for (auto& [_, number] : numbers_) number = n++;
  }
  [[nodiscard]] std::uint32_t number(const TreeNode& node) const { return numbers_.at(key(column_of(node))); }
  [[nodiscard]] std::size_t size() const { return numbers_.size(); }

 private:
  struct Key {
    std::uint32_t feature;
    float fill;
    bool zero, categorical;
    auto operator<=>(const Key&) const = default;
  };
  static Key key(const TreeColumn& c) { return {c.feature, c.fill, c.zero_is_missing, c.categorical}; }
  std::map<Key, std::uint32_t> numbers_;
};

/// Numbers leaves from the left, and gives each split the half-open range of places that its left subtree has.
struct LeafPlaces {
  explicit LeafPlaces(const Tree& tree)
      : places(tree.leaf_values.size()), left_begin(tree.nodes.size()), left_end(tree.nodes.size()) {
    visit(tree, tree.nodes.empty() ? ~0 : 0);
  }
  // Not deeper than the tree has leaves, kMostMaskLeaves.
  void visit(const Tree& tree, std::int32_t child) {
    if (child < 0) {
      places[static_cast<std::size_t>(~child)] = values.size();
      values.push_back(tree.leaf_values[static_cast<std::size_t>(~child)]);
      return;
    }
    const auto at = static_cast<std::size_t>(child);
    left_begin[at] = values.size();
    visit(tree, tree.nodes[at].left);
    left_end[at] = values.size();
    visit(tree, tree.nodes[at].right);
  }
  std::vector<double> values;       ///< by place
  std::vector<std::size_t> places;  ///< of leaves
  std::vector<std::size_t> left_begin, left_end;
};

/// Bits [begin, end), never all of them.
template <typename Mask>
Mask bits_of(std::size_t begin, std::size_t end) {
  return static_cast<Mask>(((Mask{1} << (end - begin)) - 1U) << begin);
}

/// Mask trees [begin, end) and then, where walk is one, that large tree; the order of the sum is the model's.
struct Segment {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t walk = std::numeric_limits<std::size_t>::max();
};

/// Places in a thread's scratch.
template <typename Mask>
struct Room {
  float* values;
  Mask* open;
  Mask* state;
  double* sums;
  std::uint32_t* varying;
  std::uint32_t* fixed;
};

}  // namespace

std::byte* TreeScorer::Scratch::reserve(std::size_t bytes) {
  if (size_ < bytes + kAlignment) {
    size_ = bytes + kAlignment;
    block_ = std::make_unique<std::byte[]>(size_);
  }
  void* begin = block_.get();
  std::size_t space = size_;
  return static_cast<std::byte*>(std::align(kAlignment, bytes, begin, space));
}

/// The model for one width of mask.
struct TreeScorer::Tables {
  virtual ~Tables() = default;
  virtual bool score(const float* rows, std::size_t n_rows, std::span<const std::uint8_t> constant, double* out, Scratch& scratch,
                     StopCheck stop) const = 0;
};

template <typename Mask>
struct TreeScorer::MaskTables final : TreeScorer::Tables {
  MaskTables(const TreeEnsemble& model, TreeKernel kernel);
  bool score(const float* rows, std::size_t n_rows, std::span<const std::uint8_t> constant, double* out, Scratch& scratch,
             StopCheck stop) const override;

 private:
  void add_mask_tree(const Tree& tree, const std::vector<std::uint32_t>& columns, std::uint32_t place,
                     std::vector<std::vector<TreeCut<Mask>>>& cuts,
                     std::vector<std::vector<TreeCategoryCut<Mask>>>& category_cuts);
  void join_cuts(std::vector<std::vector<TreeCut<Mask>>>& cuts,
                 const std::vector<std::vector<TreeCategoryCut<Mask>>>& category_cuts);
  [[nodiscard]] TreeTables<Mask> view() const {
    return {columns_.data(), cuts_.data(), category_cuts_.data(), words_.data(), leaf_values_.data(), leaf_stride_};
  }
  [[nodiscard]] Room<Mask> room(Scratch& scratch) const;
  void score_row(const float* row, const Room<Mask>& room, double* out) const;
  std::span<const std::uint32_t> decide_constant(const float* row, std::span<const std::uint8_t> constant,
                                                 const Room<Mask>& room) const;
  void score_block(const TreeKernels<Mask>& kernels, const float* rows, std::size_t n_rows,
                   std::span<const std::uint32_t> varying, bool has_state, const Room<Mask>& room, double* out) const;

  std::vector<TreeKernels<Mask>> kernels_;  ///< widest first
  TreeKernels<Mask> one_row_ = find_tree_kernels<Mask>(TreeKernel::kScalar);
  StepTrees steps_;  ///< the mask trees once more, for rows alone
  std::vector<TreeColumn> columns_;
  std::vector<std::uint32_t> all_columns_;
  std::vector<TreeCut<Mask>> cuts_;
  std::vector<TreeCategoryCut<Mask>> category_cuts_;
  std::vector<std::uint32_t> words_;
  std::vector<double> leaf_values_;
  std::vector<WalkTree> walks_;
  std::vector<Segment> segments_{1};
  std::size_t leaf_stride_ = kRegisterLeaves;
  std::size_t n_mask_trees_ = 0;
  std::size_t n_features_ = 0;
};

template <typename Mask>
TreeScorer::MaskTables<Mask>::MaskTables(const TreeEnsemble& model, TreeKernel kernel) : n_features_(model.n_features()) {
  for (const TreeKernel one : {TreeKernel::kAvx512, TreeKernel::kAvx2}) {
    if (one <= kernel && has_tree_kernel(one)) kernels_.push_back(find_tree_kernels<Mask>(one));
  }
  const ColumnNumbers numbers(model);
  if (numbers.size() > StepTrees::kMostColumns)
    fail(ErrorCode::kInvalidArgument,
         "the ranker splits on {} features or ways to miss them, and up to {} are served; train it on "
         "fewer columns",
         numbers.size(), StepTrees::kMostColumns);
  columns_.resize(numbers.size());
  for (const Tree& tree : model.trees) {
    for (const TreeNode& node : tree.nodes) columns_[numbers.number(node)] = column_of(node);
    if (tree.leaf_values.size() <= kMostMaskLeaves) leaf_stride_ = std::max(leaf_stride_, tree.leaf_values.size());
  }
  std::vector<std::vector<TreeCut<Mask>>> cuts(columns_.size());
  std::vector<std::vector<TreeCategoryCut<Mask>>> category_cuts(columns_.size());
  for (const Tree& tree : model.trees) {
    std::vector<std::uint32_t> of_nodes;
    for (const TreeNode& node : tree.nodes) of_nodes.push_back(numbers.number(node));
    if (tree.leaf_values.size() <= kMostMaskLeaves) {
      add_mask_tree(tree, of_nodes, static_cast<std::uint32_t>(n_mask_trees_++), cuts, category_cuts);
      segments_.back().end = n_mask_trees_;
      continue;
    }
    segments_.back().walk = walks_.size();
    walks_.emplace_back(tree, of_nodes);
    segments_.push_back({n_mask_trees_, n_mask_trees_});
  }
  join_cuts(cuts, category_cuts);
  steps_.finish();
}

template <typename Mask>
void TreeScorer::MaskTables<Mask>::add_mask_tree(const Tree& tree, const std::vector<std::uint32_t>& columns, std::uint32_t place,
                                                 std::vector<std::vector<TreeCut<Mask>>>& cuts,
                                                 std::vector<std::vector<TreeCategoryCut<Mask>>>& category_cuts) {
  const LeafPlaces places(tree);
  steps_.add(tree, columns, places.places);
  leaf_values_.insert(leaf_values_.end(), places.values.begin(), places.values.end());
  leaf_values_.resize((std::size_t{place} + 1) * leaf_stride_);
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const TreeNode& node = tree.nodes[i];
    const Mask closed = bits_of<Mask>(places.left_begin[i], places.left_end[i]);
    if (node.categorical) {
      category_cuts[columns[i]].push_back({static_cast<std::uint32_t>(words_.size()) + node.categories_begin,
                                           node.categories_end - node.categories_begin, place, closed});
    } else {
      cuts[columns[i]].push_back({round_threshold(node.threshold), place, closed});
    }
  }
  words_.insert(words_.end(), tree.categories.begin(), tree.categories.end());
}

template <typename Mask>
void TreeScorer::MaskTables<Mask>::join_cuts(std::vector<std::vector<TreeCut<Mask>>>& cuts,
                                             const std::vector<std::vector<TreeCategoryCut<Mask>>>& category_cuts) {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    TreeColumn& column = columns_[c];
    all_columns_.push_back(static_cast<std::uint32_t>(c));
    std::stable_sort(cuts[c].begin(), cuts[c].end(), [](const auto& a, const auto& b) { return a.threshold < b.threshold; });
    column.cuts_begin = static_cast<std::uint32_t>(column.categorical ? category_cuts_.size() : cuts_.size());
    cuts_.insert(cuts_.end(), cuts[c].begin(), cuts[c].end());
    category_cuts_.insert(category_cuts_.end(), category_cuts[c].begin(), category_cuts[c].end());
    column.cuts_end = static_cast<std::uint32_t>(column.categorical ? category_cuts_.size() : cuts_.size());
  }
}

template <typename Mask>
Room<Mask> TreeScorer::MaskTables<Mask>::room(Scratch& scratch) const {
  const std::size_t lanes = kernels_.empty() ? 1 : kernels_.front().lanes;
  const std::size_t values = aligned(std::max(columns_.size() * lanes, StepTrees::kLeastValues) * sizeof(float));
  const std::size_t open = aligned(n_mask_trees_ * lanes * sizeof(Mask));
  const std::size_t state = aligned(n_mask_trees_ * sizeof(Mask));
  const std::size_t sums = aligned(kTreeLanes * sizeof(double));
  const std::size_t list = aligned(columns_.size() * sizeof(std::uint32_t));
  std::byte* at = scratch.reserve(values + open + state + sums + 2 * list);
  const auto take = [&](std::size_t bytes) { return std::exchange(at, at + bytes); };
  return {reinterpret_cast<float*>(take(values)),       reinterpret_cast<Mask*>(take(open)),
          reinterpret_cast<Mask*>(take(state)),         reinterpret_cast<double*>(take(sums)),
          reinterpret_cast<std::uint32_t*>(take(list)), reinterpret_cast<std::uint32_t*>(take(list))};
}

template <typename Mask>
void TreeScorer::MaskTables<Mask>::score_block(const TreeKernels<Mask>& kernels, const float* rows, std::size_t n_rows,
                                               std::span<const std::uint32_t> varying, bool has_state, const Room<Mask>& room,
                                               double* out) const {
  const std::size_t lanes = kernels.lanes;
  if (has_state) {
    for (std::size_t t = 0; t < n_mask_trees_; ++t) std::fill_n(room.open + t * lanes, lanes, room.state[t]);
  } else {
    std::fill_n(room.open, n_mask_trees_ * lanes, static_cast<Mask>(~Mask{0}));
  }
  const TreeTables<Mask> tables = view();
  kernels.load(tables, walks_.empty() ? varying : std::span(all_columns_), rows, n_features_, n_rows, room.values);
  kernels.cut(tables, varying, room.values, room.open);
  std::fill_n(room.sums, lanes, 0.0);
  for (const Segment& segment : segments_) {
    kernels.sum(tables, room.open, segment.begin, segment.end, room.sums);
    if (segment.walk < walks_.size()) walks_[segment.walk].add(room.values, lanes, room.sums);
  }
  std::copy_n(room.sums, n_rows, out);
}

template <typename Mask>
void TreeScorer::MaskTables<Mask>::score_row(const float* row, const Room<Mask>& room, double* out) const {
  one_row_.load(view(), all_columns_, row, n_features_, 1, room.values);
  auto* places = reinterpret_cast<std::uint8_t*>(room.open);
  steps_.find(room.values, places);
  double sum = 0;
  for (const Segment& segment : segments_) {
    for (std::size_t t = segment.begin; t < segment.end; ++t) sum += leaf_values_[t * leaf_stride_ + places[t]];
    if (segment.walk < walks_.size()) walks_[segment.walk].add(room.values, 1, &sum);
  }
  *out = sum;
}

/// Leaves what the constant columns close in room.state; returns the other columns.
template <typename Mask>
std::span<const std::uint32_t> TreeScorer::MaskTables<Mask>::decide_constant(const float* row,
                                                                             std::span<const std::uint8_t> constant,
                                                                             const Room<Mask>& room) const {
  std::size_t n_varying = 0;
  std::size_t n_fixed = 0;
  for (const std::uint32_t c : all_columns_) {
    if (constant[columns_[c].feature] != 0) {
      room.fixed[n_fixed++] = c;
    } else {
      room.varying[n_varying++] = c;
    }
  }
  const std::span<const std::uint32_t> fixed(room.fixed, n_fixed);
  std::fill_n(room.state, n_mask_trees_, static_cast<Mask>(~Mask{0}));
  one_row_.load(view(), fixed, row, n_features_, 1, room.values);
  one_row_.cut(view(), fixed, room.values, room.state);
  return {room.varying, n_varying};
}

template <typename Mask>
bool TreeScorer::MaskTables<Mask>::score(const float* rows, std::size_t n_rows, std::span<const std::uint8_t> constant,
                                         double* out, Scratch& scratch, StopCheck stop) const {
  const Room<Mask> places = room(scratch);
  std::span<const std::uint32_t> varying = all_columns_;
  const bool has_state = !constant.empty() && n_rows > kFewRows && !kernels_.empty();
  if (has_state) varying = decide_constant(rows, constant, places);
  std::size_t next_ask = kRowsBetweenAsks;
  for (std::size_t row = 0; row < n_rows;) {
    if (row >= next_ask) {
      if (stop.is_due()) return false;
      next_ask += kRowsBetweenAsks;
    }
    const std::size_t left = n_rows - row;
    // A block that is less than half full costs more than the next smaller one.
    const auto kernels = std::find_if(kernels_.begin(), kernels_.end(),
                                      [&](const auto& k) { return left > (k.lanes > 8 ? std::size_t{8} : kFewRows); });
    const float* at = rows + row * n_features_;
    if (kernels == kernels_.end()) {
      score_row(at, places, out + row++);
      continue;
    }
    const std::size_t n = std::min(left, kernels->lanes);
    score_block(*kernels, at, n, varying, has_state, places, out + row);
    row += n;
  }
  return true;
}

TreeScorer::TreeScorer(const TreeEnsemble& model, TreeKernel kernel) : n_features_(model.n_features()) {
  LODESTONE_ASSERT(has_tree_kernel(kernel), "kernel {}", static_cast<int>(kernel));
  if (n_features_ > kMostFeatures)
    fail(ErrorCode::kInvalidArgument, "the ranker has {} features, and up to {} are served; train it on fewer columns",
         n_features_, kMostFeatures);
  std::size_t most = 1;
  for (const Tree& tree : model.trees) {
    if (tree.leaf_values.size() <= kMostMaskLeaves) most = std::max(most, tree.leaf_values.size());
  }
  if (most <= 32) {
    tables_ = std::make_unique<MaskTables<std::uint32_t>>(model, kernel);
  } else {
    tables_ = std::make_unique<MaskTables<std::uint64_t>>(model, kernel);
  }
}
TreeScorer::~TreeScorer() = default;
TreeScorer::TreeScorer(TreeScorer&& other) noexcept = default;
TreeScorer& TreeScorer::operator=(TreeScorer&& other) noexcept = default;

void TreeScorer::score(std::span<const float> rows, std::size_t n_rows, std::span<double> out, Scratch& scratch) const {
  score(rows, n_rows, {}, out, scratch);
}

bool TreeScorer::score(std::span<const float> rows, std::size_t n_rows, std::span<const std::uint8_t> constant,
                       std::span<double> out, Scratch& scratch, StopCheck stop) const {
  LODESTONE_ASSERT(rows.size() == n_rows * n_features_ && out.size() == n_rows, "{} values and {} scores for {} rows of {}",
                   rows.size(), out.size(), n_rows, n_features_);
  LODESTONE_ASSERT(constant.empty() || constant.size() == n_features_, "{} flags for {} features", constant.size(), n_features_);
  return n_rows == 0 || tables_->score(rows.data(), n_rows, constant, out.data(), scratch, stop);
}

}  // namespace lodestone::models
