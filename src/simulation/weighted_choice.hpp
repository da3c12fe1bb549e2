#pragma once
// Draws an index with given weights in constant time: the alias method (Walker 1977, tables by Vose 1991). 12 bytes an index.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/rng.hpp"

namespace lodestone::simulation {

/// Const after construction, safe from many threads.
class WeightedChoice {
 public:
  WeightedChoice() = default;
  /// Weights are at least 0 and not all 0; an empty span gives a choice that must not be drawn from.
  explicit WeightedChoice(std::span<const double> weights);

  [[nodiscard]] std::size_t size() const { return keep_.size(); }
  [[nodiscard]] std::uint32_t draw(Rng& rng) const {
    const auto cell = static_cast<std::uint32_t>(rng.below(keep_.size()));
    return rng.uniform() < keep_[cell] ? cell : alias_[cell];
  }

 private:
  std::vector<double> keep_;          // probability that a cell gives itself
  std::vector<std::uint32_t> alias_;  // what it gives else
};

/// Zipf weights rank^-exponent (Zipf 1949), dealt out to n indexes in a shuffled order.
std::vector<double> zipf_weights(std::size_t n, double exponent, Rng& rng);

}  // namespace lodestone::simulation
