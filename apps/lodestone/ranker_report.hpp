#pragma once
// What a training compared to choose the ranker, as one HTML page that needs nothing else.

#include <cstddef>
#include <string>
#include <vector>

#include "evaluation/ranker_metrics.hpp"

namespace lodestone::app {

/// A configuration that was fitted, measured on rows that it was not fitted on. A figure that could not be measured is NaN.
struct ComparedRanker {
  std::string name;
  int trees = 0;
  std::size_t n_features = 0;  ///< that it was fitted on
  std::size_t text_bytes = 0;  ///< of the model's text
  double auc = 0;
  double ndcg_at_10 = 0;
  double microseconds = 0;  ///< median of scoring 200 rows in one thread by TreeScorer
  bool is_chosen = false;
};

struct FeatureGain {
  std::string name;
  double gain = 0;  ///< total, of the chosen ranker
};

/// How far the rows of the release are from those of the fit.
struct FeatureDrift {
  std::string name;
  double index = 0;  ///< population stability index
};

struct RankerReport {
  std::string title;               ///< "Ranker of bundle 20260101-000000"
  std::vector<std::string> notes;  ///< sentences: rows, requests, days, what decided the choice
  std::vector<ComparedRanker> rankers;
  std::vector<FeatureGain> gains;                       ///< in any order; the 30 largest are shown
  std::vector<FeatureDrift> drifts;                     ///< the largest first; empty = not measured
  std::vector<evaluation::CalibrationBin> calibration;  ///< of the chosen ranker; empty for scores that are no log-odds
};

/// Places of the rankers that no other beats in both time and NDCG@10, by rising time; of equals the first. Those with a figure of NaN are left
/// out.
[[nodiscard]] std::vector<std::size_t> find_pareto_front(const std::vector<ComparedRanker>& rankers);

/// A table and the pictures of time against NDCG@10, of the largest gains and of the calibration. All names are escaped.
[[nodiscard]] std::string format_ranker_html(const RankerReport& report);

}  // namespace lodestone::app
