#pragma once
// The weights of the channels in the fusion, learned on a time split: those under which the pages that the engine makes from the release of what
// was before a moment hold most of what its users did after.

#include <cstddef>
#include <string>
#include <vector>

#include "models/release.hpp"
#include "split_release.hpp"

namespace lodestone::app {

struct ChannelWeightOptions {
  std::size_t max_cases = 1000;  ///< pages judged of each kind; more is slower and more certain
  std::size_t min_cases = 50;    ///< with fewer the defaults stand
  int threads = 0;
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
  double lead_errors = 0;  ///< by which the best weights found lead the defaults, in standard errors; below 2 the defaults stand
  std::vector<ChannelTrial> alone;
};

/// Deterministic, whatever the number of threads.
ChannelChoice learn_channel_weights(const SplitRelease& split, const ChannelWeightOptions& options);

}  // namespace lodestone::app
