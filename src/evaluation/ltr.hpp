#pragma once
// Kind ltr of dataset.yaml: rows of features with a grade of relevance, in groups (queries). Reads svmlight files with their file of group
// sizes, and measures a ranker by graded NDCG and the metrics of a list, as docs/formats/dataset-yaml.md defines them.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "evaluation/dataset_spec.hpp"
#include "evaluation/evaluate.hpp"

namespace lodestone::evaluation {

/// Sparse rows: row r has features[offsets[r] .. offsets[r + 1]), ascending from 0, and values beside them; what is left out is 0. Group g is
/// the rows [groups[g], groups[g + 1]).
struct LtrPart {
  std::vector<std::uint64_t> offsets{0};
  std::vector<std::int32_t> features;
  std::vector<double> values;
  std::vector<float> labels;  ///< whole numbers in 0..kMaxLabel
  std::vector<std::uint64_t> groups{0};
  std::size_t n_features = 0;  ///< largest feature number + 1

  [[nodiscard]] std::size_t n_rows() const { return labels.size(); }
  [[nodiscard]] std::size_t n_groups() const { return groups.size() - 1; }
};

/// The gain is 2^label - 1: more would leave the whole numbers of a float, and no ranker knows more.
inline constexpr int kMaxLabel = 30;

/// Reads the rows of `file` (format svmlight: `label index:value ...`, indexes from 1 ascending, `#` starts a comment, `qid:` is skipped) and
/// the group sizes of `file.groups`. Throws corrupt naming file, line and token for what cannot be read, and when the sizes do not add up to
/// the rows; invalid_argument when there is no row.
LtrPart load_ltr_part(const FileSpec& file);

/// A ranker of rows. fit comes first; score gives one number a row, larger is better.
struct RankerMethod {
  std::string name;
  std::string settings;
  std::function<void(const LtrPart& train)> fit;
  std::function<std::vector<double>(const LtrPart& rows)> score;
};

/// Value of a metric for one group. Rows with a label above 0 are relevant; ndcg has the gain 2^label - 1 and is 1 for a group without a
/// relevant row, the other metrics are NaN for it (they leave it out). Higher scores come first, on a tie the lower row; when all scores are
/// equal each row has the mean rank (n + 1) / 2. A score of NaN comes last. `k` does not matter for auc. Throws internal for a metric that
/// ltr does not have.
double ltr_value(Metric metric, std::span<const float> labels, std::span<const double> scores, std::size_t k);

/// Fits on train, scores test, and sums up over groups; intervals by resampling groups.
MethodResult measure_ltr(const RankerMethod& method, const LtrPart& train, const LtrPart& test, const Protocol& protocol,
                         const EvaluateOptions& options);

}  // namespace lodestone::evaluation
