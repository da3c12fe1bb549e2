#pragma once
// One visit: where it enters, what it looks at, what it puts in the cart and buys.

#include <cstdint>
#include <vector>

#include "simulation/counts.hpp"
#include "simulation/pending.hpp"
#include "simulation/population.hpp"

namespace lodestone::simulation {

/// What walks read and leave behind; one for the whole simulation.
struct WalkContext {
  const Items* items = nullptr;
  LogActions* actions = nullptr;
  Pending* pending = nullptr;
  Counts* counts = nullptr;
  Seconds end = 0;  ///< nothing happens from here on
  std::vector<std::uint32_t>* item_views = nullptr;
  std::vector<std::uint32_t>* item_sales = nullptr;
  std::uint64_t n_orders = 0;  ///< made so far; gives their keys
};

/// Times and numbers of a visit that has been walked.
struct VisitResult {
  Seconds last_action = 0;
  std::uint64_t n_actions = 0;
  std::uint64_t n_views = 0;
};

/// A person's visit from `start` on, which is before the end. A few pages of one cluster of the visitor's taste: from page to page mostly a
/// near item in the cluster's order or a popular one of the cluster, at times a step out of it; one step in five by a click on a
/// recommendation. Purchases by visitors who are logged in, more likely the nearer the price is to their level.
VisitResult walk(WalkContext& context, Rng& rng, const Visitor& visitor, std::uint64_t visit, Seconds start);

/// A bot's visit: `n_pages` data sets in the order of their ids, one every ten seconds.
VisitResult crawl(WalkContext& context, Rng& rng, const Visitor& visitor, std::uint64_t visit, Seconds start,
                  std::uint64_t n_pages);

}  // namespace lodestone::simulation
