#pragma once
// Measures methods on the problems of a data set: full ranking, all cores, the same result for any number of them.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "evaluation/dataset.hpp"
#include "evaluation/method.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/splits.hpp"

namespace lodestone::evaluation {

struct EvaluateOptions {
  int threads = 0;           ///< 0 = all cores
  std::size_t draws = 1000;  ///< of the bootstrap; 0 = no intervals
  std::uint64_t seed = 1;    ///< of the bootstrap
  bool slices = false;       ///< measure the slices of evaluation/slices.hpp too
};

struct MetricResult {
  std::string name;  ///< "ndcg@10", "auc"
  double value = 0;
  std::optional<Interval> interval;  ///< none for coverage, which is no mean over cases
};

/// One slice of a method's result; without metrics when it has no case.
struct SliceResult {
  std::string name;       ///< "cold_users", "cold_items"
  std::size_t users = 0;  ///< as in MethodResult
  std::vector<MetricResult> metrics;
};

struct MethodResult {
  std::string method;
  std::string settings;
  std::vector<MetricResult> metrics;
  double fit_seconds = 0;
  double score_seconds = 0;
  double peak_mib = 0;    ///< highest resident memory of the process while the method was fitted and scored
  std::size_t users = 0;  ///< distinct users, queries or cases of sessions measured
  std::vector<SliceResult> slices;
};

/// The problems and everything metrics need; made once, used by every method.
class Evaluation {
 public:
  /// `content` holds a vector of length 1 for each item for the metric diversity ([n_items, n_tokens]); it may be empty when that
  /// is not asked for, else invalid_argument. `data` must outlive the evaluation.
  Evaluation(const Dataset& data, models::Interactions content);

  [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }

  /// Fits and scores on every problem; settings of folds that differ are listed with their number of folds.
  [[nodiscard]] MethodResult measure(const MethodFactory& make, const EvaluateOptions& options) const;
  [[nodiscard]] MethodResult measure(const SearchMethod& method, const EvaluateOptions& options) const;

 private:
  using Scorer = std::function<void(std::size_t which, std::span<float> scores)>;
  struct Tally;
  struct Fold;
  /// Every metric but coverage, which no single case has.
  [[nodiscard]] std::vector<MetricColumn> case_columns() const;
  void judge(std::size_t which, std::span<const float> scores, std::span<const RankedItem> list, Fold& fold) const;
  void add_slices(const Fold& fold, Tally& tally) const;
  [[nodiscard]] std::vector<SliceResult> slice_results(const Tally& tally, const EvaluateOptions& options) const;
  void score_cases(const Problem& problem, const Scorer& scorer, const EvaluateOptions& options, Tally& tally) const;
  [[nodiscard]] MethodResult summary(const Tally& tally, const EvaluateOptions& options) const;
  [[nodiscard]] double diversity(std::span<const RankedItem> list, std::size_t k) const;

  const Dataset& data_;
  models::Interactions content_;
  std::vector<Problem> problems_;
};

/// Mean over cases of one metric at one cut-off, the quantity that tuning looks at. At most `max_cases` cases, chosen evenly.
double measure_one(const Problem& problem, const Method& method, Metric metric, std::size_t k, std::size_t max_cases,
                   int threads);

}  // namespace lodestone::evaluation
