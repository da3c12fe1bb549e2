#include "training/ranker.hpp"

#include <LightGBM/c_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.hpp"
#include "training/lightgbm_handles.hpp"
#include "training/ranker_rows.hpp"

namespace lodestone::training {
namespace {

std::string list_categories(const RankerRows& rows) {
  std::string out;
  for (std::size_t f = 0; f < rows.is_category.size(); ++f) {
    if (rows.is_category[f] != 0) out += fmt::format("{}{}", out.empty() ? " categorical_feature=" : ",", f);
  }
  return out;
}

/// Rows by which the library chooses the bounds of its bins. It holds them in 12 bytes a value meanwhile, which for its 200,000 is more than all else.
constexpr int kBinRows = 50'000;

std::string format_parameters(const RankerRows& rows, const RankerConfig& config, bool is_judged, int threads) {
  const bool is_ranking = config.objective == RankerObjective::kLambdaRank;
  std::string out = fmt::format(
      "objective={} num_leaves={} max_depth={} learning_rate={} min_data_in_leaf={} bagging_fraction={} bagging_freq={} "
      "feature_fraction={} lambda_l1={} lambda_l2={} seed={} num_threads={} bin_construct_sample_cnt={} {}{}",
      is_ranking ? "lambdarank" : "binary", config.leaves, config.max_depth, config.learning_rate, config.min_rows_in_leaf,
      config.row_share, config.row_share < 1 ? 1 : 0, config.feature_share, config.l1, config.l2, config.seed, threads, kBinRows,
      lightgbm::kSameTrees, list_categories(rows));
  if (!is_judged) return out + " metric=none";
  return out + (is_ranking ? " metric=ndcg eval_at=10" : " metric=auc");
}

lightgbm::Dataset make_dataset(const RankerRows& rows, RankerObjective objective, const std::string& parameters,
                               const lightgbm::Dataset* train) {
  DatasetHandle handle = nullptr;
  lightgbm::check(
      LGBM_DatasetCreateFromMat(rows.values.data(), C_API_DTYPE_FLOAT32, static_cast<std::int32_t>(rows.labels.size()),
                                static_cast<std::int32_t>(rows.feature_names.size()), 1, parameters.c_str(),
                                train == nullptr ? nullptr : train->handle(), &handle),
      "take the rows");
  lightgbm::Dataset data(handle);
  if (objective == RankerObjective::kBinary) {
    std::vector<float> classes(rows.labels.begin(), rows.labels.end());
    for (float& label : classes) label = label > 0 ? 1 : 0;
    data.set_labels(classes);
    return data;
  }
  data.set_labels(rows.labels);
  data.set_groups(rows.groups);
  // Validation rows are judged by the trees alone.
  if (train == nullptr && !rows.positions.empty()) data.set_positions(rows.positions);
  return data;
}

/// The same text for any number of threads.
std::string without_threads(std::string text) {
  const std::size_t begin = text.find("[num_threads:", std::min(text.find("\nparameters:"), text.size()));
  if (begin == std::string::npos) return text;
  return text.erase(begin, text.find('\n', begin) + 1 - begin);
}

/// The library sums NDCG by threads; the last digits of a double depend on them.
double to_nine_decimals(double value) { return std::round(value * 1e9) / 1e9; }

/// Grows trees and returns how many the text shall have.
int grow(lightgbm::Booster& booster, const RankerConfig& config, bool is_judged, std::vector<double>& validation) {
  int best = 0;
  int n = 0;
  while (n < config.trees && booster.grow()) {
    ++n;
    if (!is_judged) continue;
    validation.push_back(to_nine_decimals(booster.evaluate()));
    if (best == 0 || validation.back() > validation[static_cast<std::size_t>(best - 1)]) best = n;
    if (config.early_stopping > 0 && n - best >= config.early_stopping) break;
  }
  const int kept = config.early_stopping > 0 && is_judged ? best : n;
  return std::max(1, kept);  // where nothing splits, the library keeps a tree of one leaf
}

}  // namespace

FittedRanker fit_ranker(const RankerRows& rows, const RankerRows* validation, const RankerConfig& config, int threads) {
  check_ranker_rows(rows, config.objective, "training");
  if (validation != nullptr) {
    LODESTONE_ASSERT(validation->feature_names == rows.feature_names, "validation rows of other features");
    check_ranker_rows(*validation, config.objective, "validation");
  }
  lightgbm::silence();
  const bool has_biases = config.objective == RankerObjective::kLambdaRank && !rows.positions.empty();
  const int n_threads = has_biases ? 1 : lightgbm::threads_of(threads, rows.labels.size());
  const std::string parameters = format_parameters(rows, config, validation != nullptr, n_threads);
  lightgbm::Dataset train = make_dataset(rows, config.objective, parameters, nullptr);
  train.set_names(rows.feature_names);
  std::optional<lightgbm::Dataset> judge;
  lightgbm::Booster booster(train, parameters);
  if (validation != nullptr) {
    judge.emplace(make_dataset(*validation, config.objective, parameters, &train));
    booster.add_validation(*judge);
  }
  FittedRanker out;
  out.trees = grow(booster, config, validation != nullptr, out.validation);
  out.text = without_threads(booster.text(out.trees));
  out.gain = booster.gain(out.trees, rows.feature_names.size());
  out.unused = find_unused_features(rows);
  return out;
}

}  // namespace lodestone::training
