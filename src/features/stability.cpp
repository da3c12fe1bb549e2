#include "features/stability.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"

namespace lodestone::features {
namespace {

constexpr double kLeastShare = 1e-4;

}  // namespace

std::size_t FeatureBins::bin(float value) const {
  if (std::isnan(value)) return edges.size() + 1;
  return static_cast<std::size_t>(std::lower_bound(edges.begin(), edges.end(), value) - edges.begin());
}

FeatureBins make_bins(std::string name, std::vector<float> values, std::size_t n_bins) {
  FeatureBins out;
  out.name = std::move(name);
  std::vector<float> known = values;
  std::erase_if(known, [](float value) { return std::isnan(value); });
  std::sort(known.begin(), known.end());
  for (std::size_t b = 1; b < n_bins && !known.empty(); ++b) {
    const float edge = known[b * known.size() / n_bins];
    if (out.edges.empty() || edge > out.edges.back()) out.edges.push_back(edge);
  }
  out.shares = count_shares(out, values);
  return out;
}

std::vector<double> count_shares(const FeatureBins& bins, std::span<const float> values) {
  std::vector<double> shares(bins.n_bins());
  for (const float value : values) shares[bins.bin(value)] += 1;
  for (double& share : shares) share = values.empty() ? 0 : share / static_cast<double>(values.size());
  return shares;
}

double stability_index(std::span<const double> expected, std::span<const double> actual) {
  LODESTONE_ASSERT(expected.size() == actual.size(), "{} bins and {}", expected.size(), actual.size());
  double sum = 0;
  for (std::size_t b = 0; b < expected.size(); ++b) {
    const double e = std::max(expected[b], kLeastShare);
    const double a = std::max(actual[b], kLeastShare);
    sum += (a - e) * std::log(a / e);
  }
  return sum;
}

}  // namespace lodestone::features
