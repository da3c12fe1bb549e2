#include "simulation/weighted_choice.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace lodestone::simulation {

WeightedChoice::WeightedChoice(std::span<const double> weights) : keep_(weights.size(), 1.0), alias_(weights.size()) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::iota(alias_.begin(), alias_.end(), 0U);
  if (weights.empty() || sum <= 0) return;
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    keep_[i] = weights[i] * static_cast<double>(weights.size()) / sum;
    (keep_[i] < 1 ? small : large).push_back(static_cast<std::uint32_t>(i));
  }
  while (!small.empty() && !large.empty()) {
    const std::uint32_t cell = small.back();
    small.pop_back();
    const std::uint32_t donor = large.back();
    alias_[cell] = donor;
    keep_[donor] -= 1 - keep_[cell];
    if (keep_[donor] < 1) {
      large.pop_back();
      small.push_back(donor);
    }
  }
  // What is left differs from 1 by rounding only.
  for (const std::uint32_t cell : small) keep_[cell] = 1;
  for (const std::uint32_t cell : large) keep_[cell] = 1;
}

std::vector<double> zipf_weights(std::size_t n, double exponent, Rng& rng) {
  std::vector<double> weights(n);
  for (std::size_t i = 0; i < n; ++i) weights[i] = std::pow(static_cast<double>(i + 1), -exponent);
  for (std::size_t i = n; i > 1; --i) std::swap(weights[i - 1], weights[rng.below(i)]);
  return weights;
}

}  // namespace lodestone::simulation
