#include "models/ranking/ranker.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "base/nearest.hpp"
#include "features/schema.hpp"

namespace lodestone::models {
namespace {

/// Columns of a model from elsewhere: each must be a feature, once, and what it is made from must be stored. Names all that are not.
void check_columns(const std::string& ranker, const std::vector<std::string>& columns, const FeatureRows& users,
                   const FeatureRows& items) {
  std::vector<std::string> known;
  for (const features::Feature& feature : features::all_features()) known.emplace_back(feature.name);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (std::find(known.begin(), known.end(), columns[c]) == known.end())
      fail(ErrorCode::kInvalidArgument,
           "{}: column {} is \"{}\", which is no feature{}; lodestone features list shows what there is", ranker, c, columns[c],
           suggest(columns[c], known));
    if (std::find(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(c), columns[c]) !=
        columns.begin() + static_cast<std::ptrdiff_t>(c))
      fail(ErrorCode::kInvalidArgument, "{}: the feature {} has two columns", ranker, columns[c]);
  }
  const features::StoredColumns needed = features::stored_columns(columns);
  std::vector<std::string> absent;
  const auto look = [&](const std::vector<std::string>& wanted, const std::vector<std::string>& stored) {
    for (const std::string& name : wanted) {
      if (std::find(stored.begin(), stored.end(), name) == stored.end()) absent.push_back(name);
    }
  };
  look(needed.user, users.columns);
  look(needed.item, items.columns);
  if (!absent.empty())
    fail(ErrorCode::kInvalidArgument,
         "{}: needs features that are not stored with the release: {}; a release stores what its own rankers need, so leave them "
         "out",
         ranker, fmt::join(absent, ", "));
}

/// The columns that the model names, checked.
std::vector<std::string> columns_of(const std::string& ranker, std::string_view model, const FeatureRows& users,
                                    const FeatureRows& items) {
  const OnnxSignature signature = read_onnx_signature(model, ranker);
  if (signature.feature_names.empty())
    fail(ErrorCode::kInvalidArgument,
         "{}: the model does not name its features (metadata \"feature_names\", parted by commas); name them", ranker);
  if (signature.n_features != 0 && signature.n_features != signature.feature_names.size())
    fail(ErrorCode::kInvalidArgument, "{}: the model takes {} features and {} are named", ranker, signature.n_features,
         signature.feature_names.size());
  check_columns(ranker, signature.feature_names, users, items);
  return signature.feature_names;
}

}  // namespace

Ranker::Ranker(std::string name, std::string_view text, const FeatureRows& users, const FeatureRows& items)
    : Ranker(std::move(name), parse_tree_ensemble(text, name), users, items) {}

Ranker::Ranker(std::string name, TreeEnsemble model, const FeatureRows& users, const FeatureRows& items)
    : name_(std::move(name)),
      columns_(model.feature_names),
      vectorizer_(columns_, users.columns, items.columns),
      trees_(std::move(model)) {}

Ranker::Ranker(std::string name, std::string_view model, const std::filesystem::path& library, const FeatureRows& users,
               const FeatureRows& items)
    : name_(std::move(name)),
      columns_(columns_of(name_, model, users, items)),
      vectorizer_(columns_, users.columns, items.columns),
      session_(std::make_unique<const OnnxSession>(library, model, name_, columns_.size())) {}

bool Ranker::score(std::span<const float> rows, std::size_t n_rows, std::span<double> out, TreeScorer::Scratch& scratch,
                   StopCheck stop) const {
  const std::span<double> scores = out.first(n_rows);
  if (trees_) {
    const std::span<const float> of_all = rows.first(n_rows * columns_.size());
    if (!trees_->scorer.score(of_all, n_rows, vectorizer_.constant(), scores, scratch, stop)) return false;
  } else {
    const std::span floats(reinterpret_cast<float*>(scratch.reserve(n_rows * sizeof(float))), n_rows);
    if (!session_->score(rows, n_rows, floats)) return false;
    std::copy(floats.begin(), floats.end(), scores.begin());
  }
  return std::all_of(scores.begin(), scores.end(), [](double score) { return std::isfinite(score); });
}

}  // namespace lodestone::models
