#include "training/ranker_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "training/lightgbm_handles.hpp"

namespace lodestone::training {
namespace {

constexpr std::uint64_t kMostRowsInGroup = 10'000;  // lambdarank's own limit
constexpr float kMostCategories = 1'000'000;        // a set of categories is a bit mask in the text

void check_names(const RankerRows& rows) {
  for (const std::string& name : rows.feature_names) {
    if (name.empty() || name.find_first_of(" \t\n\r\",:[]{}") != std::string::npos) {
      fail(ErrorCode::kInvalidArgument,
           "the feature name \"{}\" cannot stand in a model; names have no blanks, quotes, commas, colons or brackets", name);
    }
  }
}

void check_groups(const RankerRows& rows, RankerObjective objective, std::string_view part) {
  const std::size_t n = rows.labels.size();
  if (rows.groups.empty() && objective == RankerObjective::kBinary) return;
  if (rows.groups.empty())
    fail(ErrorCode::kInvalidArgument, "the {} rows have no groups; lambdarank compares the rows of a request", part);
  if (rows.groups.front() != 0 || rows.groups.back() != n) {
    fail(ErrorCode::kInvalidArgument, "the groups of the {} rows are offsets {}..{}, and the {} rows want 0..{}", part,
         rows.groups.front(), rows.groups.back(), n, n);
  }
  for (std::size_t g = 0; g + 1 < rows.groups.size(); ++g) {
    if (rows.groups[g + 1] < rows.groups[g]) {
      fail(ErrorCode::kInvalidArgument,
           "group {} of the {} rows ends at row {}, before it begins at {}; group offsets never fall", g, part,
           rows.groups[g + 1], rows.groups[g]);
    }
    const std::uint64_t size = rows.groups[g + 1] - rows.groups[g];
    if (objective == RankerObjective::kLambdaRank && size > kMostRowsInGroup) {
      fail(ErrorCode::kInvalidArgument, "group {} of the {} rows holds {} rows, and lambdarank takes up to {}; sample its rows",
           g, part, size, kMostRowsInGroup);
    }
  }
}

void check_labels(const RankerRows& rows, RankerObjective objective, std::string_view part) {
  if (objective == RankerObjective::kBinary) {
    const auto n_positive = std::count_if(rows.labels.begin(), rows.labels.end(), [](float label) { return label > 0; });
    if (n_positive != 0 && static_cast<std::size_t>(n_positive) != rows.labels.size()) return;
    fail(ErrorCode::kInvalidArgument,
         "{} of the {} {} rows has a label above 0, and a ranker learns from rows with and without; take rows of a longer time",
         n_positive == 0 ? "none" : "each", rows.labels.size(), part);
  }
  for (std::size_t g = 0; g + 1 < rows.groups.size(); ++g) {
    for (std::uint64_t r = rows.groups[g] + 1; r < rows.groups[g + 1]; ++r) {
      if (rows.labels[r] != rows.labels[r - 1]) return;
    }
  }
  fail(ErrorCode::kInvalidArgument,
       "no group of the {} {} rows holds two labels, and lambdarank learns from rows of one group that differ; take rows of a "
       "longer time",
       rows.labels.size(), part);
}

void check_values(const RankerRows& rows, std::string_view part) {
  const std::size_t n_features = rows.feature_names.size();
  for (std::size_t i = 0; i < rows.values.size(); ++i) {
    const float value = rows.values[i];
    const std::size_t f = i % n_features;
    if (std::isinf(value)) {
      fail(ErrorCode::kInvalidArgument, "{} of {} row {} is infinite; a value is finite, or NaN where it is missing",
           rows.feature_names[f], part, i / n_features);
    }
    if (rows.is_category.empty() || rows.is_category[f] == 0 || std::isnan(value)) continue;
    if (!(value >= 0 && value < kMostCategories) || value != std::floor(value)) {
      fail(ErrorCode::kInvalidArgument, "{} of {} row {} is {}, and a category is a whole number in 0..{}", rows.feature_names[f],
           part, i / n_features, value, kMostCategories - 1);
    }
  }
}

}  // namespace

void check_ranker_rows(const RankerRows& rows, RankerObjective objective, std::string_view part) {
  const std::size_t n = rows.labels.size();
  const std::size_t n_features = rows.feature_names.size();
  LODESTONE_ASSERT(n_features > 0 && rows.values.size() == n * n_features, "{} values of {} rows of {} features",
                   rows.values.size(), n, n_features);
  LODESTONE_ASSERT(rows.is_category.empty() || rows.is_category.size() == n_features, "{} of {} features",
                   rows.is_category.size(), n_features);
  LODESTONE_ASSERT(rows.positions.empty() || rows.positions.size() == n, "{} positions of {} rows", rows.positions.size(), n);
  if (n == 0 && part != "training")
    fail(ErrorCode::kInvalidArgument, "there are no {} rows; give some, or fit without them", part);
  lightgbm::check_grades(rows.labels);
  check_names(rows);
  check_groups(rows, objective, part);
  check_labels(rows, objective, part);
  check_values(rows, part);
  const auto early = std::find_if(rows.positions.begin(), rows.positions.end(), [](std::int32_t p) { return p < 1; });
  if (early != rows.positions.end()) {
    fail(ErrorCode::kInvalidArgument,
         "{} row {} was shown at position {}, and the first is 1; leave all positions out where they are not known", part,
         early - rows.positions.begin(), *early);
  }
}

std::vector<std::string> find_unused_features(const RankerRows& rows) {
  const std::size_t n_features = rows.feature_names.size();
  std::vector<std::string> out;
  for (std::size_t f = 0; f < n_features; ++f) {
    const float first = rows.values[f];
    bool differs = false;
    for (std::size_t i = f; i < rows.values.size() && !differs; i += n_features)
      differs = rows.values[i] != first && !(std::isnan(rows.values[i]) && std::isnan(first));
    if (!differs) out.push_back(rows.feature_names[f]);
  }
  return out;
}

}  // namespace lodestone::training
