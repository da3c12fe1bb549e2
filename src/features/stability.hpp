#pragma once
// Whether the rows that a ranker scores still look like those it was fitted on: the population stability index of each feature (Siddiqi, "Credit Risk
// Scorecards", 2006).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lodestone::features {

/// A feature's values in bins of about as many rows each. Categories are binned by their codes, which go by frequency.
struct FeatureBins {
  std::string name;
  std::vector<float>
      edges;  ///< ascending: bin b holds what is at most edges[b] and in no bin before it, the last what is above all
  std::vector<double> shares;  ///< [edges + 2]: of the bins, then of missing values; they sum to 1

  [[nodiscard]] std::size_t n_bins() const { return edges.size() + 2; }
  /// The bin of a value, the last for NaN.
  [[nodiscard]] std::size_t bin(float value) const;
};

/// Bins of the values, at most `n_bins` and one for missing ones; fewer where values repeat. Without values all shares are 0.
FeatureBins make_bins(std::string name, std::vector<float> values, std::size_t n_bins = 10);

/// What the rows of a ranker were like when it was fitted.
struct RowReference {
  /// Of which rows: of a page's candidates, or of what a page showed alone. Rows of the one kind are not compared with the other.
  enum class Of : std::uint8_t { kCandidates, kShown };
  Of of = Of::kCandidates;
  std::size_t depth = 0;              ///< candidates of a page that were looked at, the best; 0 = all
  std::vector<FeatureBins> features;  ///< of the preferred ranker's columns; empty = not known
};

/// Shares of values by the bins.
std::vector<double> count_shares(const FeatureBins& bins, std::span<const float> values);

/// Sum over the bins of (actual - expected) ln(actual / expected), shares below 1e-4 taken for that: 0 = the same. 0.1 is usually called a shift, 0.25
/// a major one. Of rows that are not many the index is above 0 by chance alone, about bins / rows.
double stability_index(std::span<const double> expected, std::span<const double> actual);

}  // namespace lodestone::features
