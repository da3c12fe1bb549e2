#pragma once
// Which behaviour model a release gets: every candidate is fitted on histories without their newest item and must find that item again,
// in a full ranking, exactly as it would be served (lists cut to their length). The best by NDCG@10 is fitted on everything.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "models/recall/neighbours.hpp"
#include "training_input.hpp"

namespace lodestone::app {

/// A way to fit the behaviour model. Numbers that the method does not have are left alone.
struct BehaviorSettings {
  std::string method = "itemknn-tfidf";  ///< itemknn-cosine, itemknn-tfidf, itemknn-bm25, ease or slim
  double lambda = 100;                   ///< of ease and slim, as in training::EaseOptions
  double user_exponent = 0.25;
  double item_exponent = 0.25;
  double shrinkage = 0;  ///< of item-kNN, as in training::ItemKnnOptions
  double bm25_k1 = 1.2;
  double bm25_b = 0.75;
  /// "lambda=100 user_exponent=0.25 item_exponent=0.25": what the method has.
  [[nodiscard]] std::string text() const;
};

struct BehaviorOptions {
  std::string method = "auto";  ///< or the one to fit, by its name in BehaviorTrial
  std::size_t neighbors = 100;
  std::size_t max_ease_items = 6000;  ///< up to this many items the dense linear model is a candidate
  bool with_slim = true;              ///< whether the sparse linear model is a candidate
  std::size_t max_users = 30'000;  ///< users that the choice looks at, taken at even distances; more is slower and more certain
  int threads = 0;
  std::vector<BehaviorSettings> further = {};  ///< candidates besides the usual ones: what tuning found
};

/// One candidate with what it reached.
struct BehaviorTrial {
  std::string method;  ///< itemknn-cosine, itemknn-tfidf, itemknn-bm25, ease, slim, or pop, which is only there to be beaten
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

/// What candidates are judged by: histories without their newest item, and that item.
class BehaviorJudge {
 public:
  BehaviorJudge(const TrainingInteractions& interactions, const BehaviorOptions& options);
  ~BehaviorJudge();
  BehaviorJudge(const BehaviorJudge&) = delete;
  BehaviorJudge& operator=(const BehaviorJudge&) = delete;
  [[nodiscard]] std::size_t n_judged() const;
  [[nodiscard]] BehaviorTrial judge(const BehaviorSettings& settings) const;
  [[nodiscard]] BehaviorTrial judge_popular() const;
  /// The histories without their newest item, on which a scorer is fitted.
  [[nodiscard]] const models::Interactions& train() const;
  /// Fills [n_items] for row u of train(). Called from many threads.
  using Scorer = std::function<void(std::size_t row, std::span<float> scores)>;
  /// NDCG@10 of any scorer on at most `max_cases` histories, taken at even distances.
  [[nodiscard]] double judge_scores(const Scorer& score, std::size_t max_cases) const;

 private:
  struct Holdout;
  std::unique_ptr<Holdout> holdout_;
  const BehaviorOptions options_;
};

/// What every training tries and is within its bounds for this data, options.further last.
std::vector<BehaviorSettings> behavior_candidates(const models::Interactions& interactions, const BehaviorOptions& options);

/// Whether the data is within the method's bounds.
bool behavior_fits(const BehaviorSettings& settings, const models::Interactions& interactions, const BehaviorOptions& options);

/// Throws invalid_argument when the method asked for is beyond its bounds for this data. Deterministic: the same interactions give the same choice on any number of threads.
BehaviorModel fit_behavior(const TrainingInteractions& interactions, const BehaviorOptions& options);

}  // namespace lodestone::app
