#pragma once
// Figures of a ranker on rows that it was not fitted on: order of all rows, order within requests, and how far its scores are chances.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lodestone::evaluation {

/// Share of pairs (row with a label above 0, other row) in the right order, a tie counts one half (Mann and Whitney 1947); a score of NaN is the
/// lowest. NaN when there is no pair. Labels and scores [n_rows]; O(n log n).
[[nodiscard]] double binary_auc(std::span<const float> labels, std::span<const double> scores);

/// Mean NDCG@k with the gain 2^label - 1, as ltr_value, over the groups [groups[g], groups[g + 1]) that have a label above 0: the others say
/// nothing about the order, and would count 1. NaN when there is none.
[[nodiscard]] double mean_ndcg(std::span<const float> labels, std::span<const double> scores,
                               std::span<const std::uint64_t> groups, std::size_t k);

/// Rows of neighbouring scores: were the scores log-odds, the two shares would be the same but for chance.
struct CalibrationBin {
  double mean_probability = 0;  ///< of 1 / (1 + e^-score)
  double positive_share = 0;    ///< of rows with a label above 0
  std::size_t n_rows = 0;
};

/// Up to `n_bins` bins of as many rows each, give or take one, by rising score; fewer where there are fewer rows.
[[nodiscard]] std::vector<CalibrationBin> calibration_bins(std::span<const float> labels, std::span<const double> scores,
                                                           std::size_t n_bins = 10);

}  // namespace lodestone::evaluation
