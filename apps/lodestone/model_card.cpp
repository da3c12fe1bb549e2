// The card of a release's rankers, which lies in its bundle.

#include <fmt/format.h>

#include <algorithm>

#include "ranker_choice.hpp"

namespace lodestone::app {

namespace {

/// Usual readings of the index: what is below the first has not moved, what is above the second has moved a lot.
constexpr double kMoved = 0.1;
constexpr double kMovedMuch = 0.25;

std::string format_drifts(const std::vector<FeatureDrift>& drifts) {
  constexpr std::size_t kShown = 10;
  std::string out = "\n## Drift since the fit\n\n";
  if (drifts.empty())
    return out + "Not measured: the rows of the fit are what was shown, and a release makes no such rows by itself.\n";
  const auto above = [&](double limit) {
    return std::count_if(drifts.begin(), drifts.end(), [limit](const FeatureDrift& one) { return one.index > limit; });
  };
  out += fmt::format(
      "Population stability index of each feature, between the rows of the fit and those that this release makes of the same "
      "pages: "
      "of {} features {} are above {} (moved) and {} above {} (moved a lot). The largest:\n\n| feature | index |\n|---|---|\n",
      drifts.size(), above(kMoved), kMoved, above(kMovedMuch), kMovedMuch);
  for (std::size_t f = 0; f < std::min(kShown, drifts.size()); ++f)
    out += fmt::format("| `{}` | {:.3f} |\n", drifts[f].name, drifts[f].index);
  return out;
}

}  // namespace

std::string format_model_card(const RankerChoice& choice, const std::vector<FeatureDrift>& drifts) {
  std::string out = "# Ranker\n\n";
  out += fmt::format("{}.\n\n", choice.reason);
  out +=
      "It puts the candidates of recall in order, on pages of related items and on pages for people with a history.\n\n## "
      "Data\n\n";
  out += fmt::format(
      "- Labels: {}.\n- {} rows: {} pages for the fit, and {} later ones to judge by. Features are as of the moment before all "
      "of them.\n\n",
      choice.labels, choice.n_rows, choice.n_train_groups, choice.n_validation_groups);
  out +=
      "## Judged on the later pages\n\n| model | NDCG@10 | AUC | trees | bytes | us for 200 rows | served "
      "|\n|---|---|---|---|---|---|---|\n";
  out += fmt::format("| recall alone | {:.4f} | - | - | - | - | - |\n", choice.ndcg_at_10_of_recall);
  if (choice.ndcg_at_10_of_previous > 0)
    out += fmt::format("| that of the release before | {:.4f} | - | - | - | - | - |\n", choice.ndcg_at_10_of_previous);
  for (const ComparedRanker& trial : choice.report.rankers) {
    out += fmt::format("| {} | {:.4f} | {:.4f} | {} | {} | {:.1f} | {} |\n", trial.name, trial.ndcg_at_10, trial.auc, trial.trees,
                       trial.text_bytes, trial.microseconds, trial.is_chosen ? "yes" : "no");
  }
  out += "\n## Features, the most important first\n\n| feature | gain |\n|---|---|\n";
  for (const FeatureGain& feature : choice.report.gains) out += fmt::format("| `{}` | {:.1f} |\n", feature.name, feature.gain);
  return out + format_drifts(drifts);
}

}  // namespace lodestone::app
