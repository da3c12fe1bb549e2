#include "training/lightgbm_handles.hpp"

#include <LightGBM/c_api.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/thread_pool.hpp"

namespace lodestone::training::lightgbm {

/// The library says why in words; they are ours to pass on, because only it knows its limits.
void check(int status, const char* what) {
  if (status == 0) return;
  fail(ErrorCode::kInvalidArgument, "LightGBM could not {}: {}; look at the rows and groups of the data", what,
       LGBM_GetLastError());
}

void silence() {
  check(LGBM_RegisterLogCallback([](const char*) {}), "be silenced");
}

int threads_of(int wanted, std::size_t n_rows) {
  constexpr std::size_t kFewRows = 20'000;
  if (wanted > 0) return wanted;
  return n_rows < kFewRows ? 1 : usable_cores();
}

void check_grades(std::span<const float> labels) {
  constexpr float kMaxGrade = 30;
  if (labels.empty()) fail(ErrorCode::kInvalidArgument, "a ranker cannot be fitted on no rows; give it labelled rows in groups");
  if (labels.size() > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
    fail(ErrorCode::kInvalidArgument, "a ranker is fitted on up to 2147483647 rows, and there are {}; sample the groups",
         labels.size());
  }
  for (const float label : labels) {
    if (!(label >= 0 && label <= kMaxGrade) || label != std::floor(label))
      fail(ErrorCode::kInvalidArgument, "the label {} is no grade; lambdarank takes whole numbers in 0..{}", label, kMaxGrade);
  }
}

Dataset::~Dataset() {
  if (handle_ != nullptr) (void)LGBM_DatasetFree(handle_);
}

void Dataset::set_labels(std::span<const float> labels) {
  check(LGBM_DatasetSetField(handle_, "label", labels.data(), static_cast<int>(labels.size()), C_API_DTYPE_FLOAT32),
        "take the labels");
}

void Dataset::set_groups(std::span<const std::uint64_t> groups) {
  std::vector<std::int32_t> sizes;
  for (std::size_t g = 0; g + 1 < groups.size(); ++g) sizes.push_back(static_cast<std::int32_t>(groups[g + 1] - groups[g]));
  check(LGBM_DatasetSetField(handle_, "group", sizes.data(), static_cast<int>(sizes.size()), C_API_DTYPE_INT32),
        "take the groups");
}

void Dataset::set_positions(std::span<const std::int32_t> positions) {
  check(LGBM_DatasetSetField(handle_, "position", positions.data(), static_cast<int>(positions.size()), C_API_DTYPE_INT32),
        "take the positions");
}

void Dataset::set_names(const std::vector<std::string>& names) {
  std::vector<const char*> texts;
  for (const std::string& name : names) texts.push_back(name.c_str());
  check(LGBM_DatasetSetFeatureNames(handle_, texts.data(), static_cast<int>(texts.size())), "take the names of the features");
}

Booster::Booster(const Dataset& data, const std::string& parameters) {
  check(LGBM_BoosterCreate(data.handle(), parameters.c_str(), &handle_), "start");
}

Booster::~Booster() { (void)LGBM_BoosterFree(handle_); }

bool Booster::grow() {
  int finished = 0;
  check(LGBM_BoosterUpdateOneIter(handle_, &finished), "grow a tree");
  return finished == 0;
}

void Booster::add_validation(const Dataset& data) {
  check(LGBM_BoosterAddValidData(handle_, data.handle()), "take the validation rows");
}

double Booster::evaluate() const {
  int n = 0;
  check(LGBM_BoosterGetEvalCounts(handle_, &n), "count its metrics");
  LODESTONE_ASSERT(n >= 1, "a booster without metric");
  std::vector<double> values(static_cast<std::size_t>(n));
  constexpr int kValidation = 1;  // 0 are the training rows
  check(LGBM_BoosterGetEval(handle_, kValidation, &n, values.data()), "judge the validation rows");
  return values.front();
}

std::string Booster::text(int trees) const {
  std::int64_t n = 0;
  check(LGBM_BoosterSaveModelToString(handle_, 0, trees, C_API_FEATURE_IMPORTANCE_SPLIT, 0, &n, nullptr), "tell its size");
  std::string out(static_cast<std::size_t>(n), '\0');
  check(LGBM_BoosterSaveModelToString(handle_, 0, trees, C_API_FEATURE_IMPORTANCE_SPLIT, n, &n, out.data()), "write itself");
  out.resize(std::min(out.find('\0'), out.size()));
  return out;
}

std::vector<double> Booster::gain(int trees, std::size_t n_features) const {
  std::vector<double> out(n_features);
  check(LGBM_BoosterFeatureImportance(handle_, trees, C_API_FEATURE_IMPORTANCE_GAIN, out.data()), "tell its gains");
  return out;
}

}  // namespace lodestone::training::lightgbm
