#pragma once
// The weights of the channels in the fusion, learned on a time split: a release is fitted on what happened before a moment, and the weights are
// those under which the pages that the engine makes from it hold most of what its users did after.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "behavior_choice.hpp"
#include "models/release.hpp"
#include "training/latent.hpp"
#include "training_input.hpp"

namespace lodestone::app {

struct ChannelWeightOptions {
  double later_share = 0.1;      ///< pairs after the moment, about
  std::size_t max_cases = 1000;  ///< pages judged of each kind; more is slower and more certain
  std::size_t min_cases = 50;    ///< with fewer the defaults stand
  std::size_t neighbors = 100;
  std::optional<training::LatentOptions> latent = {};  ///< of the vector channel; none = without it
  int threads = 0;
  fs::path folder;  ///< where the release of the split is packed for the while
};

/// One channel alone, and all of them as learned.
struct ChannelTrial {
  std::string channel;
  double ndcg_at_10 = 0;
};

struct ChannelChoice {
  models::ChannelWeights weights;
  std::size_t n_user_pages = 0;  ///< pages for users that were judged; 0 = the weights are the defaults
  std::size_t n_item_pages = 0;  ///< pages of related items
  double ndcg_at_10 = 0;         ///< mean of the two kinds of page
  double ndcg_at_10_of_defaults = 0;
  std::vector<ChannelTrial> alone;
};

/// Deterministic, whatever the number of threads. `shared` holds the items, and the lists that do not depend on who did what (content, text,
/// trending); they are lent to the release of the split and given back.
ChannelChoice learn_channel_weights(const TrainingInteractions& interactions, const BehaviorModel& behavior,
                                    models::ReleaseData& shared, const ChannelWeightOptions& options);

}  // namespace lodestone::app
