#pragma once
// The settings of a release's vector channel: implicit ALS is fitted on histories without their newest item and must find that item again.

#include <cstddef>
#include <optional>

#include "behavior_choice.hpp"
#include "training/latent.hpp"

namespace lodestone::app {

struct LatentChoice {
  training::LatentOptions options;
  double ndcg_at_10 = 0;  ///< 0 when no history could be judged
  std::size_t n_attempts = 0;
};

/// None when `factors` is 0. Deterministic on any number of threads.
std::optional<LatentChoice> choose_latent(const TrainingInteractions& interactions, const BehaviorOptions& behavior,
                                          std::size_t factors);

}  // namespace lodestone::app
