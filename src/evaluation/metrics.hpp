#pragma once
// Ranking metrics of one case and their summary, as docs/formats/dataset-yaml.md defines them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "evaluation/dataset_spec.hpp"

namespace lodestone::evaluation {

/// A listed item and its rank, from 1; with a list whose scores are all equal every item has the mean rank.
struct RankedItem {
  ItemIndex item = 0;
  double rank = 0;
};

/// Ranks [n_items] scores: candidates are the items of `candidates` (empty = all) that are not in `hidden` (ascending). Keeps the items
/// of rank up to k, best first: higher score first, on a tie the lower number; when all candidates have one score, each has the mean of the
/// ranks, (n + 1) / 2. `scores` of items that are no candidates are overwritten with -inf. A score of
/// NaN or -inf is never listed.
void rank(std::span<float> scores, std::span<const ItemIndex> hidden, std::span<const ItemIndex> candidates, std::size_t k,
          std::vector<RankedItem>& out);

/// Share of (target, other candidate) pairs in the right order, a tie counts one half; on scores that rank() has masked. 0.5 when there is
/// no pair.
double auc(std::span<const float> scores, std::span<const ItemIndex> targets);

/// What a metric needs to know of the data besides the list.
struct ItemFacts {
  std::vector<double> self_information;  ///< -log2(share of train histories with the item); a never seen item counts as seen once
  std::vector<double> popularity;        ///< percentile in [0, 1]: share of items seen less often, ties at one half
};

/// The value of a metric that is a mean over cases; `list` may be longer than k. Not for auc, coverage and diversity.
double case_value(Metric metric, std::span<const RankedItem> list, std::span<const ItemIndex> targets, std::size_t k,
                  const ItemFacts& facts);

/// A metric at a cut-off.
struct MetricColumn {
  Metric metric = Metric::kRecall;
  std::size_t k = 0;  ///< 0 for one without

  [[nodiscard]] std::string name() const;  ///< "ndcg@10", "auc"
};
/// Every metric of the protocol at every cut-off, in its order.
std::vector<MetricColumn> metric_columns(const Protocol& protocol);

/// 95 % percentile interval of the mean of each column of values [n_rows, n_columns] (row-major) over resamples of the rows.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Rows of one fold; draws resample the rows of each fold and average over folds. NaN cells are left out of the means.
struct FoldValues {
  std::vector<double> values;
  std::size_t n_rows = 0;
};
std::vector<Interval> bootstrap(const std::vector<FoldValues>& folds, std::size_t n_columns, std::size_t n_draws,
                                std::uint64_t seed, int threads);

/// Mean of each column over rows, then over folds.
std::vector<double> column_means(const std::vector<FoldValues>& folds, std::size_t n_columns);

}  // namespace lodestone::evaluation
