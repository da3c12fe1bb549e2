#pragma once
// Popular items: how many users want an item, not how often one of them came; time decay comes in through the weights.

#include <cstddef>
#include <cstdint>
#include <span>

#include "models/interactions.hpp"
#include "models/recall/neighbours.hpp"

namespace lodestone::training {

struct PopularOptions {
  /// A user adds w / (w + saturation) to an item, at most 1, so that no user alone makes an item popular. Smaller: nearer to counting users.
  double saturation = 1;
  /// Added to every item, in shares of the mean score: items that nobody touched come last instead of being left out, newest first.
  double smoothing = 0.01;
  std::size_t max_items = 1000;  ///< length of each list
  /// Per item whether it may lead (training/quality_gate.hpp); empty = all may. Others stand behind, and only in lists that would else be
  /// shorter than `min_items`.
  std::span<const std::uint8_t> gate = {};
  std::size_t min_items = 20;
};

/// One row: the most popular of all items, best first, scores positive.
models::OwnedNeighbours fit_popular(const models::Interactions& interactions, const PopularOptions& options);

/// Row c: the most popular items of category c (models::number_categories), in [0, n_categories).
models::OwnedNeighbours fit_popular_by_category(const models::Interactions& interactions,
                                                std::span<const std::int32_t> category_of, std::size_t n_categories,
                                                const PopularOptions& options);

}  // namespace lodestone::training
