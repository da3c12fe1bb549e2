#include "models/ranking/ranker.hpp"

#include <cmath>

#include "base/error.hpp"

namespace lodestone::models {

Ranker::Ranker(std::string name, std::string_view text, const FeatureRows& users, const FeatureRows& items)
    : Ranker(std::move(name), parse_tree_ensemble(text, name), users, items) {}

Ranker::Ranker(std::string name, TreeEnsemble model, const FeatureRows& users, const FeatureRows& items)
    : name_(std::move(name)),
      columns_(model.feature_names),
      vectorizer_(columns_, users.columns, items.columns),
      scorer_(model),
      shap_(std::move(model)) {}

bool Ranker::score(std::span<const float> rows, std::size_t n_rows, std::span<double> out, TreeScorer::Scratch& scratch) const {
  scorer_.score(rows.first(n_rows * columns_.size()), n_rows, vectorizer_.constant(), out.first(n_rows), scratch);
  for (const double score : out.first(n_rows)) {
    if (!std::isfinite(score)) return false;
  }
  return true;
}

}  // namespace lodestone::models
