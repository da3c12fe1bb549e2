#include "evaluation/ranker_metrics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "evaluation/ltr.hpp"

namespace lodestone::evaluation {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Row {
  double score;
  bool is_positive;
};

std::vector<Row> sort_rows(std::span<const float> labels, std::span<const double> scores) {
  LODESTONE_ASSERT(labels.size() == scores.size(), "{} labels, {} scores", labels.size(), scores.size());
  std::vector<Row> out(labels.size());
  for (std::size_t r = 0; r < out.size(); ++r)
    out[r] = {std::isnan(scores[r]) ? -std::numeric_limits<double>::infinity() : scores[r], labels[r] > 0};
  std::stable_sort(out.begin(), out.end(), [](const Row& a, const Row& b) { return a.score < b.score; });
  return out;
}

}  // namespace

double binary_auc(std::span<const float> labels, std::span<const double> scores) {
  const std::vector<Row> rows = sort_rows(labels, scores);
  double right = 0;
  double others = 0;  // below the present score
  double positives = 0;
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin;
    double tied = 0;
    while (end < rows.size() && rows[end].score == rows[begin].score) tied += rows[end++].is_positive ? 1 : 0;
    const double tied_others = static_cast<double>(end - begin) - tied;
    right += tied * (others + tied_others / 2);
    others += tied_others;
    positives += tied;
    begin = end;
  }
  return positives > 0 && others > 0 ? right / (positives * others) : kNaN;
}

double mean_ndcg(std::span<const float> labels, std::span<const double> scores, std::span<const std::uint64_t> groups,
                 std::size_t k) {
  double sum = 0;
  double n = 0;
  for (std::size_t g = 0; g + 1 < groups.size(); ++g) {
    const auto of_group = labels.subspan(groups[g], groups[g + 1] - groups[g]);
    if (std::none_of(of_group.begin(), of_group.end(), [](float label) { return label > 0; })) continue;
    sum += ltr_value(Metric::kNdcg, of_group, scores.subspan(groups[g], of_group.size()), k);
    ++n;
  }
  return n > 0 ? sum / n : kNaN;
}

std::vector<CalibrationBin> calibration_bins(std::span<const float> labels, std::span<const double> scores, std::size_t n_bins) {
  const std::vector<Row> rows = sort_rows(labels, scores);
  std::vector<CalibrationBin> out;
  for (std::size_t b = 0; b < n_bins; ++b) {
    const std::size_t begin = rows.size() * b / n_bins;
    const std::size_t end = rows.size() * (b + 1) / n_bins;
    if (begin == end) continue;
    CalibrationBin& bin = out.emplace_back();
    for (std::size_t r = begin; r < end; ++r) {
      bin.mean_probability += 1 / (1 + std::exp(-rows[r].score));
      bin.positive_share += rows[r].is_positive ? 1 : 0;
    }
    bin.n_rows = end - begin;
    bin.mean_probability /= static_cast<double>(bin.n_rows);
    bin.positive_share /= static_cast<double>(bin.n_rows);
  }
  return out;
}

}  // namespace lodestone::evaluation
