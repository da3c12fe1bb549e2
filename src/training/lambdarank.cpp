#include "training/lambdarank.hpp"

#include <LightGBM/c_api.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/error.hpp"
#include "training/lightgbm_handles.hpp"

namespace lodestone::training {
namespace {

using lightgbm::check;

void check_rows(const RankingRows& rows) {
  LODESTONE_ASSERT(rows.offsets.size() == rows.labels.size() + 1 && rows.features.size() == rows.values.size(),
                   "{} labels, {} offsets", rows.labels.size(), rows.offsets.size());
  lightgbm::check_grades(rows.labels);
}

lightgbm::Dataset make_dataset(const RankingRows& rows, const std::string& parameters) {
  const std::vector<std::int64_t> offsets(rows.offsets.begin(), rows.offsets.end());
  DatasetHandle handle = nullptr;
  check(LGBM_DatasetCreateFromCSR(
            offsets.data(), C_API_DTYPE_INT64, rows.features.data(), rows.values.data(), C_API_DTYPE_FLOAT64,
            static_cast<std::int64_t>(offsets.size()), static_cast<std::int64_t>(rows.values.size()),
            static_cast<std::int64_t>(std::max<std::size_t>(1, rows.n_features)), parameters.c_str(), nullptr, &handle),
        "take the rows");
  lightgbm::Dataset data(handle);
  data.set_labels(rows.labels);
  data.set_groups(rows.groups);
  return data;
}

}  // namespace

struct LambdaRankModel::Booster : lightgbm::Booster {
  using lightgbm::Booster::Booster;
};

LambdaRankModel::LambdaRankModel(std::unique_ptr<Booster> booster) : booster_(std::move(booster)) {}
LambdaRankModel::~LambdaRankModel() = default;
LambdaRankModel::LambdaRankModel(LambdaRankModel&& other) noexcept = default;
LambdaRankModel& LambdaRankModel::operator=(LambdaRankModel&& other) noexcept = default;

LambdaRankModel LambdaRankModel::fit(const RankingRows& rows, const LambdaRankOptions& options) {
  check_rows(rows);
  lightgbm::silence();
  const std::string parameters =
      fmt::format("objective=lambdarank num_leaves={} learning_rate={} min_data_in_leaf={} num_threads={} metric=none {}",
                  options.leaves, options.learning_rate, options.min_rows_in_leaf,
                  lightgbm::threads_of(options.threads, rows.labels.size()), lightgbm::kSameTrees);
  const lightgbm::Dataset data = make_dataset(rows, parameters);
  auto booster = std::make_unique<Booster>(data, parameters);
  int tree = 0;
  while (tree < options.trees && booster->grow()) ++tree;
  return LambdaRankModel(std::move(booster));
}

std::vector<double> LambdaRankModel::score(const RankingRows& rows, int threads) const {
  LODESTONE_ASSERT(booster_ != nullptr, "a moved-from ranker");
  const std::vector<std::int64_t> offsets(rows.offsets.begin(), rows.offsets.end());
  std::vector<double> out(offsets.size() - 1);
  if (out.empty()) return out;
  const std::string parameters =
      fmt::format("predict_disable_shape_check=true num_threads={} verbosity=-1", lightgbm::threads_of(threads, out.size()));
  std::int64_t n = 0;
  check(LGBM_BoosterPredictForCSR(booster_->handle(), offsets.data(), C_API_DTYPE_INT64, rows.features.data(), rows.values.data(),
                                  C_API_DTYPE_FLOAT64, static_cast<std::int64_t>(offsets.size()),
                                  static_cast<std::int64_t>(rows.values.size()),
                                  static_cast<std::int64_t>(std::max<std::size_t>(1, rows.n_features)), C_API_PREDICT_RAW_SCORE,
                                  0, -1, parameters.c_str(), &n, out.data()),
        "score the rows");
  LODESTONE_ASSERT(n == static_cast<std::int64_t>(out.size()), "{} scores for {} rows", n, out.size());
  return out;
}

std::string LambdaRankModel::to_text() const { return booster_->text(0); }

}  // namespace lodestone::training
