#include "training/lambdarank.hpp"

#include <LightGBM/c_api.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/thread_pool.hpp"

namespace lodestone::training {
namespace {

constexpr float kMaxGrade = 30;  // the library's table of gains, 2^label - 1, ends there

/// The library says why in words; they are ours to pass on, because only it knows its limits.
void check(int status, const char* what) {
  if (status == 0) return;
  fail(ErrorCode::kInvalidArgument, "LightGBM could not {}: {}; look at the rows and groups of the data", what,
       LGBM_GetLastError());
}

/// The library writes to stdout unless told otherwise, and stdout is for data.
void silence() {
  check(LGBM_RegisterLogCallback([](const char*) {}), "be silenced");
}

/// Threads of OpenMP spin at their barriers: on few rows they cost more than they give, and beside other work they stand still.
int threads_of(int wanted, std::size_t n_rows) {
  constexpr std::size_t kFewRows = 20'000;
  if (wanted > 0) return wanted;
  return n_rows < kFewRows ? 1 : usable_cores();
}

void check_rows(const RankingRows& rows) {
  const auto n = rows.labels.size();
  LODESTONE_ASSERT(rows.offsets.size() == n + 1 && rows.features.size() == rows.values.size(), "{} labels, {} offsets", n,
                   rows.offsets.size());
  if (n == 0) fail(ErrorCode::kInvalidArgument, "a ranker cannot be fitted on no rows; give it labelled rows in groups");
  if (n > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    fail(ErrorCode::kInvalidArgument, "a ranker is fitted on up to 2147483647 rows, and there are {}; sample the groups", n);
  for (const float label : rows.labels) {
    if (!(label >= 0 && label <= kMaxGrade) || label != std::floor(label))
      fail(ErrorCode::kInvalidArgument, "the label {} is no grade; lambdarank takes whole numbers in 0..{}", label, kMaxGrade);
  }
}

/// Owns the library's copy of the rows.
class Dataset {
 public:
  Dataset(const RankingRows& rows, const std::string& parameters) {
    const auto n_rows = static_cast<std::int64_t>(rows.offsets.size()) - 1;
    const std::vector<std::int64_t> offsets(rows.offsets.begin(), rows.offsets.end());
    check(LGBM_DatasetCreateFromCSR(offsets.data(), C_API_DTYPE_INT64, rows.features.data(), rows.values.data(),
                                    C_API_DTYPE_FLOAT64, n_rows + 1, static_cast<std::int64_t>(rows.values.size()),
                                    static_cast<std::int64_t>(std::max<std::size_t>(1, rows.n_features)), parameters.c_str(),
                                    nullptr, &handle_),
          "take the rows");
    std::vector<std::int32_t> sizes;
    for (std::size_t g = 0; g + 1 < rows.groups.size(); ++g)
      sizes.push_back(static_cast<std::int32_t>(rows.groups[g + 1] - rows.groups[g]));
    check(LGBM_DatasetSetField(handle_, "label", rows.labels.data(), static_cast<int>(n_rows), C_API_DTYPE_FLOAT32),
          "take the labels");
    check(LGBM_DatasetSetField(handle_, "group", sizes.data(), static_cast<int>(sizes.size()), C_API_DTYPE_INT32),
          "take the groups");
  }
  ~Dataset() { (void)LGBM_DatasetFree(handle_); }
  Dataset(const Dataset&) = delete;
  Dataset& operator=(const Dataset&) = delete;

  [[nodiscard]] DatasetHandle handle() const { return handle_; }

 private:
  DatasetHandle handle_ = nullptr;
};

}  // namespace

struct LambdaRankModel::Booster {
  Booster() = default;
  ~Booster() {
    if (handle != nullptr) (void)LGBM_BoosterFree(handle);
  }
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;

  BoosterHandle handle = nullptr;
};

LambdaRankModel::LambdaRankModel(std::unique_ptr<Booster> booster) : booster_(std::move(booster)) {}
LambdaRankModel::~LambdaRankModel() = default;
LambdaRankModel::LambdaRankModel(LambdaRankModel&& other) noexcept = default;
LambdaRankModel& LambdaRankModel::operator=(LambdaRankModel&& other) noexcept = default;

LambdaRankModel LambdaRankModel::fit(const RankingRows& rows, const LambdaRankOptions& options) {
  check_rows(rows);
  silence();
  // Row-wise histograms and `deterministic` make the sums, and so the trees, the same for every number of threads.
  const std::string parameters = fmt::format(
      "objective=lambdarank num_leaves={} learning_rate={} min_data_in_leaf={} deterministic=true force_row_wise=true "
      "num_threads={} metric=none verbosity=-1",
      options.leaves, options.learning_rate, options.min_rows_in_leaf, threads_of(options.threads, rows.labels.size()));
  const Dataset data(rows, parameters);
  auto booster = std::make_unique<Booster>();
  check(LGBM_BoosterCreate(data.handle(), parameters.c_str(), &booster->handle), "start");
  for (int tree = 0; tree < options.trees; ++tree) {
    int finished = 0;
    check(LGBM_BoosterUpdateOneIter(booster->handle, &finished), "grow a tree");
    if (finished != 0) break;  // no split is worth it any more
  }
  return LambdaRankModel(std::move(booster));
}

std::vector<double> LambdaRankModel::score(const RankingRows& rows, int threads) const {
  LODESTONE_ASSERT(booster_ != nullptr, "a moved-from ranker");
  const std::vector<std::int64_t> offsets(rows.offsets.begin(), rows.offsets.end());
  std::vector<double> out(offsets.size() - 1);
  if (out.empty()) return out;
  const std::string parameters =
      fmt::format("predict_disable_shape_check=true num_threads={} verbosity=-1", threads_of(threads, out.size()));
  std::int64_t n = 0;
  check(LGBM_BoosterPredictForCSR(booster_->handle, offsets.data(), C_API_DTYPE_INT64, rows.features.data(), rows.values.data(),
                                  C_API_DTYPE_FLOAT64, static_cast<std::int64_t>(offsets.size()),
                                  static_cast<std::int64_t>(rows.values.size()),
                                  static_cast<std::int64_t>(std::max<std::size_t>(1, rows.n_features)), C_API_PREDICT_RAW_SCORE,
                                  0, -1, parameters.c_str(), &n, out.data()),
        "score the rows");
  LODESTONE_ASSERT(n == static_cast<std::int64_t>(out.size()), "{} scores for {} rows", n, out.size());
  return out;
}

std::string LambdaRankModel::to_text() const {
  std::int64_t n = 0;
  check(LGBM_BoosterSaveModelToString(booster_->handle, 0, -1, C_API_FEATURE_IMPORTANCE_SPLIT, 0, &n, nullptr), "tell its size");
  std::string text(static_cast<std::size_t>(n), '\0');
  check(LGBM_BoosterSaveModelToString(booster_->handle, 0, -1, C_API_FEATURE_IMPORTANCE_SPLIT, n, &n, text.data()),
        "write itself");
  text.resize(text.find('\0') == std::string::npos ? text.size() : text.find('\0'));
  return text;
}

}  // namespace lodestone::training
