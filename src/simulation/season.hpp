#pragma once
// How many visits an hour draws: hours of the day and days of the week in Shanghai, and a trend over the window.

#include <cstdint>
#include <vector>

#include "simulation/table_writer.hpp"

namespace lodestone::simulation {

/// Relative weight of the hour that begins at `at`: more in the morning and afternoon, 0.55 at weekends, growing by 30 % from start to end.
double hour_weight(Seconds at, Seconds start, Seconds end);

/// Cumulative share of the visits at the end of each hour of [start, end); the last is 1, a part of an hour counts as that part.
std::vector<double> cumulative_shares(Seconds start, Seconds end);

}  // namespace lodestone::simulation
