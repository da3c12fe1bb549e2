#pragma once
// The truth file: what only the simulation knows.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "simulation/population.hpp"
#include "simulation/simulator.hpp"

namespace lodestone::simulation {

/// Which browsers an account was seen with while logged in, and how many pages each showed without an account.
struct BrowserTruth {
  std::vector<std::uint8_t> seen_with_account;  ///< [2 x users]: account u with its first (2u) or second (2u + 1) browser
  std::vector<std::uint32_t> anonymous_views;   ///< [2 x users], by number of the browser
};

struct Truth {
  const SimulationOptions* options;
  const Items* items;
  const Population* population;
  const SimulationSummary* summary;
  const BrowserTruth* browsers;
  std::span<const std::uint64_t> bots;  ///< visitor ids
};

/// Writes one JSON object: seed, start, end; `tables` (rows); `events` (what canonical events must add up to: view, click, cart, order,
/// api_order, refund); `actions`, `conversions`, `orders`, `api_orders`, `views`; `clusters` (names); `items.cluster`, `items.popularity` (how often people look for it, in proportion) and `items.on_sale`
/// (for id 1, 2, ...); `users.taste` (clusters by falling interest) and `users.log_price` (natural logarithm of the price that suits best), both
/// for id 1, 2, ...; `visitors.accounts` (idvisitor in hexadecimal ->
/// ids of the accounts seen with it), `visitors.bots`. Throws unavailable.
void write_truth(const fs::path& path, const Truth& truth);

}  // namespace lodestone::simulation
