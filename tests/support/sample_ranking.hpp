#pragma once
// Rankers small enough to be read, and random features for a sample release.

#include <cstdint>
#include <string>
#include <vector>

#include "models/release.hpp"

namespace lodestone::test {

/// One split: values of the column up to the threshold, and missing ones, give `low`, the others `high`.
struct Stump {
  std::size_t column = 0;
  double threshold = 0;
  double low = 0;
  double high = 0;
};

/// LightGBM's text of a ranker that adds up stumps.
std::string stump_ranker(const std::vector<std::string>& columns, const std::vector<Stump>& stumps);

/// All user and item columns for the users and items of `data`, random numbers in [0, 10) with some missing; no rankers.
models::OwnedRanking sample_ranking(const models::ReleaseData& data, std::uint64_t seed);

}  // namespace lodestone::test
