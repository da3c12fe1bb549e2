#pragma once
// The rankers of a release, fitted and judged on the time split: rows as the engine makes them from the release of what was before, labels by what
// people did after. A ranker comes into a release only where it puts later pages in a better order than recall does, and than the ranker before it.

#include <cstddef>
#include <string>
#include <vector>

#include "events/sample.hpp"
#include "features/stability.hpp"
#include "models/ranking/ranker.hpp"
#include "models/release.hpp"
#include "ranker_report.hpp"
#include "split_release.hpp"
#include "training/ranker.hpp"

namespace lodestone::app {

struct RankerOptions {
  std::vector<training::RankerConfig> configs;  ///< tried; of them the first sees all features and tells which are worth it
  std::size_t max_features = 30;                ///< that the others see, and it again
  std::size_t max_groups = 5000;                ///< pages that rows are made of; memory grows with them
  std::size_t min_groups = 100;                 ///< with fewer nothing is fitted
  std::size_t depth = 100;                      ///< candidates of a page
  int threads = 0;
  /// What was shown from the split's moment on, and what came of it. With fewer than `min_groups` of known people that hold an action, the labels
  /// are what people did after the moment, shown or not.
  std::vector<events::RankingGroup> exposures;
  std::vector<models::OwnedRanking::Text> previous;  ///< of the release before; the codes of its categories are those of the rows
};

struct RankerChoice {
  std::vector<models::OwnedRanking::Text> rankers;  ///< the preferred first; none = recall's order stands
  features::StoredColumns columns;                  ///< that they need
  std::vector<features::FeatureBins> reference;     ///< of the preferred one's columns: the rows of the fit
  std::vector<engine::PageRequest> pages;           ///< that those rows are of; empty where they are of what was shown
  std::string reason;                               ///< a sentence: why they are served, or why not
  std::string labels;                               ///< a sentence: what the labels are from
  RankerReport report;  ///< all that were compared, and the features that were kept, the most important first
  double ndcg_at_10_of_recall = 0;
  double ndcg_at_10_of_previous = 0;  ///< 0 = there was none that could be judged
  std::size_t n_train_groups = 0;
  std::size_t n_validation_groups = 0;
  std::size_t n_rows = 0;
};

/// `users` are those of the final release, for what they own: an order counts more than a view. Deterministic but for the microseconds.
RankerChoice choose_rankers(const SplitRelease& split, const models::ChannelWeights& weights,
                            const std::vector<models::UserData>& users, const RankerOptions& options);

/// The model card, Markdown: what it is for, what it was fitted on, how good it is, what it sees, and how far that is from what it was fitted on:
/// `drifts`, the largest first, none where it was not measured.
std::string format_model_card(const RankerChoice& choice, const std::vector<FeatureDrift>& drifts);

}  // namespace lodestone::app
