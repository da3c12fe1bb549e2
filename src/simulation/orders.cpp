#include "simulation/orders.hpp"

#include <algorithm>

namespace lodestone::simulation {
namespace {

constexpr Seconds kHour = 3600;
constexpr Seconds kDay = 24 * kHour;

Seconds between(Rng& rng, Seconds min, Seconds max) {
  return min + static_cast<Seconds>(rng.below(static_cast<std::uint64_t>(max - min)));
}

void change(OrderRow& order, PayStatus status, Seconds at) {
  order.status = status;
  order.updated = at;
}

}  // namespace

OrderRow make_order(Rng& rng, const Item& item, std::uint32_t number, std::uint32_t user, std::uint64_t key, Seconds at,
                    Seconds end) {
  OrderRow order;
  order.at = at;
  order.key = key;
  order.item = number;
  order.user = user;
  order.cents = item.cents;
  order.updated = at;
  order.is_api = item.has_api && rng.chance(0.5);
  if (order.is_api) {
    order.frequency = static_cast<int>(10 * (1 + rng.below(20)));
    order.api_cents = std::max<std::int64_t>(1, order.cents / order.frequency);
  }
  const double fate = rng.uniform();
  const Seconds soon = at + between(rng, 20, 200);
  const Seconds later = at + between(rng, kHour, 4 * kDay);
  const bool is_invoiced = rng.chance(0.12) && !order.is_api;
  if (fate < 0.80) {
    const Seconds paid = fate < 0.72 ? soon : later;
    if (paid < end) {
      order.paid = paid;
      order.has_conversion = fate < 0.72;
      change(order, is_invoiced ? PayStatus::kInvoiced : PayStatus::kPaid, paid);
    }
  } else if (fate < 0.88 && later < end) {
    change(order, PayStatus::kCancelled, later);
  }
  const Seconds refund = order.updated + between(rng, 6 * kHour, 10 * kDay);
  if (rng.chance(0.04) && order.paid != 0 && refund < end) change(order, PayStatus::kRefunded, refund);
  const Seconds removal = order.updated + between(rng, kHour, 20 * kDay);
  if (rng.chance(0.03) && removal < end) {
    order.deleted = true;
    order.updated = removal;
  }
  return order;
}

bool is_purchase(const OrderRow& order) {
  return !order.deleted && (order.status == PayStatus::kPaid || order.status == PayStatus::kInvoiced);
}

void count_order(const OrderRow& order, OrderCounts& counts) {
  if (order.updated > order.at + kDay) ++counts.late;
  if (order.deleted) {
    ++counts.deleted;
    return;
  }
  switch (order.status) {
    case PayStatus::kPaid:
    case PayStatus::kInvoiced: ++counts.paid; break;
    case PayStatus::kUnpaid: ++counts.unpaid; break;
    case PayStatus::kCancelled: ++counts.cancelled; break;
    case PayStatus::kRefunded: ++counts.refunded; break;
  }
}

}  // namespace lodestone::simulation
