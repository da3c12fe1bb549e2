#pragma once
// How much the dense form of texts counts in the content lists, chosen on who went from what to what.

#include <cstddef>
#include <vector>

#include "training/content.hpp"
#include "training_input.hpp"

namespace lodestone::app {

struct ContentTrial {
  double dense_weight = 0;
  double ndcg_at_10 = 0;
};

struct ContentModel {
  models::OwnedNeighbours neighbours;
  double dense_weight = 0;
  std::size_t n_cases = 0;  ///< judged; with too few the bags stand alone and nothing is tried
  std::vector<ContentTrial> trials;
};

/// The lists under the weight by which, on up to 2,000 histories, an item's list has the item that was touched next nearest to its top: mean NDCG@10
/// of the newest of a history in the list of the one before. The lists know texts only, so nothing must be hidden from them. A weight must be worth
/// a hundredth more than none. Deterministic, whatever the number of threads.
ContentModel choose_content(const TrainingInteractions& interactions, std::span<const models::Item> items,
                            const training::ContentOptions& options);

}  // namespace lodestone::app
