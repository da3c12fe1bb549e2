#pragma once
// Fits the ranker of a release on the rows of the feature schema: boosted trees by LightGBM (Ke et al., NIPS 2017), by lambdarank (Burges,
// MSR-TR-2010-82) or as a classifier of clicks. Stage train; models/ranking reads the text and scores it.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lodestone::training {

/// Dense rows by requests. Nothing but the names is owned.
struct RankerRows {
  std::span<const float> values;            ///< [n_rows, n_features], row-major; NaN = missing
  std::span<const float> labels;            ///< [n_rows] grades, whole numbers in 0..30
  std::span<const std::uint64_t> groups;    ///< offsets: group g is the rows [groups[g], groups[g + 1]); may be empty for kBinary
  std::span<const std::int32_t> positions;  ///< [n_rows] place that the row was shown at, from 1; empty = unknown
  std::vector<std::string> feature_names;   ///< [n_features]
  std::vector<std::uint8_t> is_category;    ///< [n_features], values of such a feature are whole numbers from 0; empty = none is
};

enum class RankerObjective : std::uint8_t { kLambdaRank, kBinary };

/// The defaults are those of LightGBM's packages, but that those do not stop early; config/rankers.yaml holds what is tried.
struct RankerConfig {
  std::string name;
  RankerObjective objective = RankerObjective::kLambdaRank;
  int trees = 100;             ///< at most; time and size grow with it
  int max_depth = -1;          ///< splits from the root to a leaf; -1 = any
  int leaves = 31;             ///< of a tree, at most
  double learning_rate = 0.1;  ///< smaller wants more trees
  int min_rows_in_leaf = 20;   ///< smaller fits rarer cases, and noise
  double row_share = 1;        ///< of the rows that each tree sees, drawn anew, in (0, 1]
  double feature_share = 1;    ///< of the features that each tree sees, in (0, 1]
  double l1 = 0;               ///< on the leaves' values
  double l2 = 0;
  int early_stopping = 20;  ///< trees without a better validation value after which the fit ends; 0 = never
  int seed = 1;
};

struct FittedRanker {
  std::string text;                 ///< LightGBM's text format v4, without the number of threads
  int trees = 0;                    ///< in the text, at least 1
  std::vector<double> gain;         ///< [n_features] total gain of the feature's splits
  std::vector<double> validation;   ///< value on the validation rows after each tree that was grown, to nine decimals
  std::vector<std::string> unused;  ///< features that have one value, or none, in all training rows: no split can use them
};

/// Fits on `rows`. With `validation` rows (or nullptr) each tree is judged on them: NDCG@10 with the gain 2^label - 1 for kLambdaRank, AUC for
/// kBinary; with early stopping the text ends at the best tree, without validation rows there is none. For kBinary labels above 0 count as 1.
/// With positions kLambdaRank learns a bias of each place beside the trees and leaves it out of the text (LightGBM's form of Hu et al.,
/// "Unbiased LambdaMART", WWW 2019); kBinary and the validation value take no notice of them.
///
/// The result is the same for any `threads` (0 = all cores, or one for few rows). With positions one thread fits, because the library sums
/// their biases in the order of its threads.
///
/// Throws invalid_argument: no rows, labels that are no grades or leave nothing to learn from, groups that do not fit the rows or (kLambdaRank)
/// hold more than 10,000, infinite values, categories that are no whole numbers, positions before the first, names that the text cannot hold.
FittedRanker fit_ranker(const RankerRows& rows, const RankerRows* validation, const RankerConfig& config, int threads);

}  // namespace lodestone::training
