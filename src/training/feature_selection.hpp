#pragma once
// Which features a smaller ranker is fitted on: those that a whole one gained most from. The original system kept the first 30 by importance.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace lodestone::training {

/// Places of the up to `n` features of the largest gain, in ascending order, so that rows keep their columns' order; equal gains go by name.
/// Features of no gain are never among them, so there may be fewer than `n`, or none. `gain` and `names` are [n_features].
[[nodiscard]] std::vector<std::size_t> select_features(std::span<const double> gain, std::span<const std::string> names,
                                                       std::size_t n);

}  // namespace lodestone::training
