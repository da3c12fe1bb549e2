#include "evaluation/slices.hpp"

#include "base/error.hpp"

namespace lodestone::evaluation {

std::string_view name_of(Slice slice) { return slice == Slice::kColdUsers ? "cold_users" : "cold_items"; }

bool compares_targets(Metric metric) {
  return metric != Metric::kCoverage && metric != Metric::kDiversity && metric != Metric::kNovelty &&
         metric != Metric::kPopularityBias;
}

bool has_slices(Kind kind) { return kind == Kind::kInteractions || kind == Kind::kSequences || kind == Kind::kSessions; }

std::vector<char> cold_items(const TrainPart& train) {
  const models::Interactions x = to_interactions(train.histories, train.n_items);
  std::vector<std::size_t> count(train.n_items, 0);
  for (const ItemIndex item : x.items) ++count[static_cast<std::size_t>(item)];
  std::vector<char> out(train.n_items);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = count[i] <= kColdInteractions ? 1 : 0;
  return out;
}

void keep_cold(std::span<const ItemIndex> targets, std::span<const char> cold, std::vector<ItemIndex>& out) {
  out.clear();
  for (const ItemIndex item : targets) {
    if (cold[static_cast<std::size_t>(item)] != 0) out.push_back(item);
  }
}

void SliceTally::add(const FoldValues& all, std::size_t n_columns, std::span<const char> taken,
                     std::span<const std::int32_t> subjects_of_cases) {
  LODESTONE_ASSERT(taken.size() == all.n_rows && subjects_of_cases.size() == all.n_rows, "{} rows", all.n_rows);
  FoldValues fold;
  for (std::size_t c = 0; c < all.n_rows; ++c) {
    if (taken[c] == 0) continue;
    const auto row = std::span(all.values).subspan(c * n_columns, n_columns);
    fold.values.insert(fold.values.end(), row.begin(), row.end());
    ++fold.n_rows;
    subjects.insert(subjects_of_cases[c]);
  }
  n_cases += fold.n_rows;
  if (fold.n_rows > 0) folds.push_back(std::move(fold));
}

}  // namespace lodestone::evaluation
