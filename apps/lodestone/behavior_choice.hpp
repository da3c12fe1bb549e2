#pragma once
// Which behaviour model a release gets: every candidate is fitted on histories without their newest item and must find that item again,
// in a full ranking, exactly as it would be served (lists cut to their length). The best by NDCG@10 is fitted on everything.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "models/recall/neighbours.hpp"
#include "training_input.hpp"

namespace lodestone::app {

struct BehaviorOptions {
  std::string method = "auto";  ///< or the one to fit, by its name in BehaviorTrial
  std::size_t neighbors = 100;
  std::size_t max_ease_items = 6000;  ///< up to this many items the dense linear model is a candidate
  std::size_t max_users = 30'000;  ///< users that the choice looks at, taken at even distances; more is slower and more certain
  int threads = 0;
};

/// One candidate with what it reached.
struct BehaviorTrial {
  std::string method;  ///< itemknn-cosine, itemknn-tfidf, itemknn-bm25, ease, or pop, which is only there to be beaten
  std::string settings;
  double ndcg_at_10 = 0;
  double recall_at_10 = 0;
};

struct BehaviorModel {
  std::string method;
  std::string settings;
  models::OwnedNeighbours neighbours;                                       ///< row i: what counts for candidate i
  std::function<models::OwnedNeighbours(const models::Interactions&)> fit;  ///< the same model on other interactions
  std::vector<BehaviorTrial> trials;                                        ///< best first; empty when no user has two items
  std::size_t n_judged = 0;                                                 ///< histories whose newest item was hidden
};

/// Throws invalid_argument when the method asked for is beyond its bounds for this data. Deterministic: the same interactions give the same choice on any number of threads.
BehaviorModel fit_behavior(const TrainingInteractions& interactions, const BehaviorOptions& options);

}  // namespace lodestone::app
