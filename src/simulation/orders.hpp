#pragma once
// What becomes of an order: paid at once, paid days later, never paid, cancelled, refunded, deleted.

#include "simulation/counts.hpp"
#include "simulation/pending.hpp"

namespace lodestone::simulation {

/// An order made at `at`, as the database holds it at `end`: what would happen later has not happened. has_conversion is set when it was
/// paid within the visit.
OrderRow make_order(Rng& rng, const Item& item, std::uint32_t number, std::uint32_t user, std::uint64_t key, Seconds at,
                    Seconds end);

/// Paid and not deleted.
bool is_purchase(const OrderRow& order);

void count_order(const OrderRow& order, OrderCounts& counts);

}  // namespace lodestone::simulation
