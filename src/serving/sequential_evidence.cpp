#include "serving/sequential_evidence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace lodestone::serving {
namespace {

// Alternatives as factors on the rate. Ours: from what only a long look can see to what everybody sees at once.
constexpr std::array<double, 7> kDrops = {0.95, 0.9, 0.8, 0.65, 0.5, 0.3, 0.1};
constexpr std::array<double, 7> kRises = {1.05, 1.1, 1.25, 1.5, 2, 4, 10};

double log_mixture(std::uint64_t n_variant, std::uint64_t n_all, double share, std::span<const double> factors) {
  if (n_all == 0 || !(share > 0 && share < 1)) return 0;
  const auto in = static_cast<double>(n_variant);
  const auto out = static_cast<double>(n_all - n_variant);
  std::array<double, 7> logs{};
  for (std::size_t f = 0; f < factors.size(); ++f) {
    const double other = share_at_ratio(share, 1 - share, factors[f]);
    logs[f] = in * std::log(other / share) + out * std::log((1 - other) / (1 - share));
  }
  const double largest = *std::ranges::max_element(logs);
  double sum = 0;
  for (const double one : logs) sum += std::exp(one - largest);
  return largest + std::log(sum / static_cast<double>(factors.size()));
}

}  // namespace

double share_at_ratio(double variant, double control, double ratio) { return variant * ratio / (variant * ratio + control); }

double log_evidence_of_drop(std::uint64_t n_variant, std::uint64_t n_all, double share) {
  return log_mixture(n_variant, n_all, share, kDrops);
}

double log_evidence_of_rise(std::uint64_t n_variant, std::uint64_t n_all, double share) {
  return log_mixture(n_variant, n_all, share, kRises);
}

}  // namespace lodestone::serving
