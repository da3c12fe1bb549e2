#pragma once
// Kind `labelled-text` of dataset.yaml: texts with one class each, cut into folds or given as train and test; the share of test texts whose
// class a method names is the accuracy.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "evaluation/evaluate.hpp"

namespace lodestone::evaluation {

/// One part's lines in order.
struct LabelledTexts {
  std::vector<std::string> texts;
  std::vector<std::int32_t> labels;  ///< numbers of `classes` of the set
};

/// What a method is fitted on and asked; the views live as long as the set.
struct LabelledProblem {
  std::vector<std::string_view> train_texts;
  std::vector<std::int32_t> train_labels;
  std::vector<std::string_view> test_texts;
  std::vector<std::int32_t> test_labels;
};

struct LabelledSet {
  std::vector<std::string> classes;  ///< in order of first occurrence; a class may occur in the test part alone
  LabelledTexts train;               ///< or the part that k-fold cuts
  LabelledTexts test;                ///< empty for k-fold
};

/// Reads `text<TAB>class`; the last tab parts, empty lines are skipped. Throws corrupt with file and line for a line without a tab or with an
/// empty class, and for a part without lines.
LabelledSet load_labelled_set(const DatasetSpec& spec);

/// One problem a fold, folds without test texts left out. Throws invalid_argument when a fold has nothing to fit on.
std::vector<LabelledProblem> make_problems(const DatasetSpec& spec, const LabelledSet& set);

struct ClassifyMethod {
  std::string name;
  std::string settings;
  /// May come again for another fold; labels are in [0, n_classes), n_classes >= 1.
  std::function<void(std::span<const std::string_view> texts, std::span<const std::int32_t> labels, std::size_t n_classes)> fit;
  /// Safe from many threads after fit().
  std::function<std::int32_t(std::string_view text)> classify;
};

/// accuracy, the mean of the folds; the interval draws texts within each fold. `users` of the row are texts.
MethodResult measure_classifier(const DatasetSpec& spec, const LabelledSet& set, const ClassifyMethod& method,
                                const EvaluateOptions& options);

}  // namespace lodestone::evaluation
