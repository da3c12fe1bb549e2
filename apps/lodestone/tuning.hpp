#pragma once
// `lodestone train --tune`: a search over the settings of the behaviour model beyond the few that every training tries. What it finds is kept beside
// the bundles, and later trainings try it too, so that it is used for as long as it is the best.

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "behavior_choice.hpp"

namespace lodestone::app {

struct TuneOptions {
  std::size_t trials = 40;           ///< at most
  std::chrono::seconds budget{600};  ///< no trial begins later; fewer trials of the same seed are the first of more
  std::uint64_t seed = 1;
};

struct TuneTrial {
  BehaviorSettings settings;
  double ndcg_at_10 = 0;
  double recall_at_10 = 0;
  double seconds = 0;
};

struct TuneResult {
  std::uint64_t seed = 0;
  std::vector<TuneTrial> trials;  ///< in the order in which they were made; the first are those of every training
  std::size_t n_usual = 0;        ///< how many of them
  std::size_t best = 0;           ///< number of the best trial, the earliest of equals
  std::size_t n_judged = 0;       ///< histories
};

/// Random search that turns to the neighbourhood of the best: every second trial draws anew, the others move the best one's numbers. The
/// proposals depend on the seed and on what was reached before, so the same data and seed give the same trials on any number of
/// threads. Throws invalid_argument when no history has two items.
TuneResult tune_behavior(const TrainingInteractions& interactions, const BehaviorOptions& behavior, const TuneOptions& options);

/// One self-contained page: what each trial reached, in a picture and a table.
void write_tuning_page(const TuneResult& result, const fs::path& path);

/// The best settings as a small JSON file; load gives nothing when there is none, and throws corrupt when it is no such file.
void save_tuned(const TuneResult& result, const fs::path& path);
std::vector<BehaviorSettings> load_tuned(const fs::path& path);

}  // namespace lodestone::app
