#include "evaluation/ltr.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.hpp"
#include "base/file.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/peak_memory.hpp"
#include "evaluation/ranker_metrics.hpp"

namespace lodestone::evaluation {
namespace {

constexpr std::int32_t kMaxFeatures = 10'000'000;

template <typename Number>
bool parse_whole(std::string_view text, Number& out) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

/// The next run of what is no blank; "" at the end.
std::string_view next_token(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  const std::size_t end = std::min(line.find_first_of(" \t", begin), line.size());
  const std::string_view token = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return token;
}

float read_label(std::string_view token, const std::string& where) {
  double label = 0;
  if (!parse_whole(token, label) || !(label >= 0 && label <= kMaxLabel) || label != std::floor(label)) {
    fail(ErrorCode::kCorrupt,
         "{}: the label \"{}\" is no whole number in 0..{}; a line is label index:value ..., and the label is a "
         "grade of relevance",
         where, token, kMaxLabel);
  }
  return static_cast<float>(label);
}

void read_feature(std::string_view token, const std::string& where, std::int32_t& last, LtrPart& out) {
  const std::size_t colon = token.find(':');
  if (colon == std::string_view::npos) fail(ErrorCode::kCorrupt, "{}: \"{}\" is not index:value", where, token);
  if (token.substr(0, colon) == "qid") return;
  std::int32_t index = 0;
  double value = 0;
  if (!parse_whole(token.substr(0, colon), index) || index < 1 || index > kMaxFeatures)
    fail(ErrorCode::kCorrupt, "{}: the index of \"{}\" is no whole number in 1..{}", where, token, kMaxFeatures);
  if (index <= last)
    fail(ErrorCode::kCorrupt, "{}: \"{}\" stands behind index {}; indexes ascend and none comes twice", where, token, last);
  if (!parse_whole(token.substr(colon + 1), value) || !std::isfinite(value))
    fail(ErrorCode::kCorrupt, "{}: the value of \"{}\" is no number; leave the feature out where it is not known", where, token);
  last = index;
  out.features.push_back(index - 1);
  out.values.push_back(value);
  out.n_features = std::max(out.n_features, static_cast<std::size_t>(index));
}

void read_rows(const fs::path& path, LtrPart& out) {
  LineReader lines(path);
  for (std::string text; lines.next(text);) {
    std::string_view line = std::string_view(text).substr(0, text.find('#'));
    const std::string_view label = next_token(line);
    if (label.empty()) continue;
    const std::string where = fmt::format("{}:{}", path.string(), lines.line_number());
    out.labels.push_back(read_label(label, where));
    std::int32_t last = 0;
    for (std::string_view token = next_token(line); !token.empty(); token = next_token(line))
      read_feature(token, where, last, out);
    out.offsets.push_back(out.features.size());
  }
  if (out.n_rows() == 0)
    fail(ErrorCode::kInvalidArgument, "{}: holds no row, expected lines of label index:value ...", path.string());
}

void read_groups(const fs::path& path, const fs::path& rows, LtrPart& out) {
  LineReader lines(path);
  for (std::string text; lines.next(text);) {
    std::string_view line = text;
    const std::string_view token = next_token(line);
    if (token.empty()) continue;
    std::uint64_t size = 0;
    if (!parse_whole(token, size) || size < 1 || !next_token(line).empty()) {
      fail(ErrorCode::kCorrupt, "{}:{}: \"{}\" is no size of a group; each line is one whole number from 1, the rows of a query",
           path.string(), lines.line_number(), text);
    }
    if (size > out.n_rows() - out.groups.back()) {
      fail(ErrorCode::kCorrupt, "{}:{}: the groups hold more rows than {}, which has {}", path.string(), lines.line_number(),
           rows.string(), out.n_rows());
    }
    out.groups.push_back(out.groups.back() + size);
  }
  if (out.groups.back() != out.n_rows()) {
    fail(ErrorCode::kCorrupt, "{}: the groups hold {} rows, {} has {}", path.string(), out.groups.back(), rows.string(),
         out.n_rows());
  }
}

double discount(double rank) { return 1 / std::log2(rank + 1); }

double gain(float label) { return std::exp2(static_cast<double>(label)) - 1; }

/// A row's label and its rank, best first.
struct RankedLabel {
  float label;
  double rank;
};

std::vector<RankedLabel> rank_labels(std::span<const float> labels, std::span<const double> scores) {
  const auto score = [&](std::size_t i) { return std::isnan(scores[i]) ? -std::numeric_limits<double>::infinity() : scores[i]; };
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score(a) > score(b); });
  const bool constant = score(order.front()) == score(order.back());
  std::vector<RankedLabel> out;
  for (std::size_t r = 0; r < order.size(); ++r) {
    out.push_back({labels[order[r]], constant ? (static_cast<double>(order.size()) + 1) / 2 : static_cast<double>(r + 1)});
  }
  return out;
}

double graded_ndcg(std::span<const RankedLabel> rows, std::span<const float> labels, std::size_t k) {
  std::vector<float> best(labels.begin(), labels.end());
  std::sort(best.begin(), best.end(), std::greater<>());
  double ideal = 0;
  for (std::size_t r = 0; r < std::min(k, best.size()); ++r) ideal += gain(best[r]) * discount(static_cast<double>(r + 1));
  if (ideal == 0) return 1;
  double sum = 0;
  for (const RankedLabel& row : rows) {
    if (row.rank <= static_cast<double>(k)) sum += gain(row.label) * discount(row.rank);
  }
  return sum / ideal;
}

/// A row a group.
FoldValues group_values(const LtrPart& rows, std::span<const double> scores, std::span<const MetricColumn> columns) {
  FoldValues fold;
  fold.n_rows = rows.n_groups();
  for (std::size_t g = 0; g < rows.n_groups(); ++g) {
    const std::size_t begin = rows.groups[g];
    const std::size_t n = rows.groups[g + 1] - begin;
    for (const MetricColumn& column : columns)
      fold.values.push_back(
          ltr_value(column.metric, std::span(rows.labels).subspan(begin, n), scores.subspan(begin, n), column.k));
  }
  return fold;
}

}  // namespace

LtrPart load_ltr_part(const FileSpec& file) {
  LtrPart out;
  read_rows(file.path, out);
  read_groups(file.groups, file.path, out);
  return out;
}

double ltr_value(Metric metric, std::span<const float> labels, std::span<const double> scores, std::size_t k) {
  const auto n_relevant = static_cast<double>(std::count_if(labels.begin(), labels.end(), [](float label) { return label > 0; }));
  const std::vector<RankedLabel> rows = labels.empty() ? std::vector<RankedLabel>{} : rank_labels(labels, scores);
  if (metric == Metric::kNdcg) return graded_ndcg(rows, labels, k);
  if (n_relevant == 0) return std::numeric_limits<double>::quiet_NaN();
  if (metric == Metric::kAuc) return binary_auc(labels, scores);
  double hits = 0;
  double precisions = 0;
  double first = 0;
  for (const RankedLabel& row : rows) {
    if (row.rank > static_cast<double>(k)) break;
    if (row.label <= 0) continue;
    ++hits;
    precisions += hits / row.rank;
    if (first == 0) first = row.rank;
  }
  switch (metric) {
    case Metric::kRecall: return hits / n_relevant;
    case Metric::kPrecision: return hits / static_cast<double>(k);
    case Metric::kMrr: return first > 0 ? 1 / first : 0;
    case Metric::kMap: return precisions / std::min(static_cast<double>(k), n_relevant);
    default: break;
  }
  fail(ErrorCode::kInternal, "{} is no metric of kind ltr", name_of(metric));
}

MethodResult measure_ltr(const RankerMethod& method, const LtrPart& train, const LtrPart& test, const Protocol& protocol,
                         const EvaluateOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); };
  reset_peak_memory();
  MethodResult result;
  Clock::time_point start = Clock::now();
  method.fit(train);
  result.fit_seconds = seconds_since(start);
  start = Clock::now();
  const std::vector<double> scores = method.score(test);
  result.score_seconds = seconds_since(start);
  LODESTONE_ASSERT(scores.size() == test.n_rows(), "{} scores for {} rows", scores.size(), test.n_rows());
  result.peak_mib = peak_memory_mib();
  const std::vector<MetricColumn> columns = metric_columns(protocol);
  const std::vector<FoldValues> folds{group_values(test, scores, columns)};
  const std::vector<double> means = column_means(folds, columns.size());
  const std::vector<Interval> intervals = options.draws > 0
                                              ? bootstrap(folds, columns.size(), options.draws, options.seed, options.threads)
                                              : std::vector<Interval>{};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    MetricResult& value = result.metrics.emplace_back();
    value.name = columns[c].name();
    value.value = means[c];
    if (!intervals.empty()) value.interval = intervals[c];
  }
  result.method = method.name;
  result.settings = method.settings;
  result.users = test.n_groups();
  return result;
}

}  // namespace lodestone::evaluation
