#pragma once
// lodestone simulate: a data marketplace with its visitors over some months, written as the two databases would hold it. Items have hidden
// clusters, people have tastes over them, days have seasons; what is known only here goes to the truth file, so that tests can check
// what is learned and that nothing is lost.

#include <array>
#include <cstdint>

#include "simulation/counts.hpp"
#include "simulation/options.hpp"
#include "simulation/sink.hpp"

namespace lodestone::simulation {

struct SimulationSummary {
  Counts counts;
  std::array<std::uint64_t, kTableCount> rows{};  ///< by Table
};

/// Simulates into the sink, which it finishes, and writes the truth. Memory grows with items and users (about 0.2 kB each), not with
/// events. Throws invalid_argument for sizes that make no sense, what load_catalogues() throws, and what the sink throws.
SimulationSummary simulate(const SimulationOptions& options, MarketplaceSink& sink);

}  // namespace lodestone::simulation
