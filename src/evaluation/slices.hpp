#pragma once
// Slices of a result: the cases that a recommender finds hard, measured apart from the whole. Our own definitions; docs/evaluation.md says them
// to readers.

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "evaluation/dataset_spec.hpp"
#include "evaluation/metrics.hpp"
#include "evaluation/problem.hpp"

namespace lodestone::evaluation {

/// kColdUsers: cases of which the method sees at most kColdInteractions items. kColdItems: of every case, only the targets that at most
/// kColdInteractions train histories hold; cases without such a target are left out, and the list stays as it is.
enum class Slice : std::uint8_t { kColdUsers, kColdItems };
inline constexpr std::size_t kColdInteractions = 5;
inline constexpr std::size_t kSlices = 2;

/// "cold_users", "cold_items".
std::string_view name_of(Slice slice);

/// Whether the metric compares a list with targets; the others (coverage, diversity, novelty, popularity_bias) look at the list alone, and no
/// slice has them.
bool compares_targets(Metric metric);

/// Kinds without histories (similar-items, text-search) have no slices.
bool has_slices(Kind kind);

/// 1 for each item that at most kColdInteractions histories hold, [n_items].
std::vector<char> cold_items(const TrainPart& train);

/// Those of `targets` (ascending) that are cold, into `out`.
void keep_cold(std::span<const ItemIndex> targets, std::span<const char> cold, std::vector<ItemIndex>& out);

/// Values of one slice over the folds; folds in which it has no case are left out.
struct SliceTally {
  std::vector<FoldValues> folds;
  std::set<std::int32_t> subjects;
  std::size_t n_cases = 0;

  /// Adds the rows c of `all` [n_cases, n_columns] with taken[c]; `subjects` has one a case.
  void add(const FoldValues& all, std::size_t n_columns, std::span<const char> taken,
           std::span<const std::int32_t> subjects_of_cases);
};

}  // namespace lodestone::evaluation
