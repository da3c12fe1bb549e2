#pragma once
// What the simulation did, counted as it happens: the ground truth that the canonical events of a lake must add up to.

#include <cstdint>

namespace lodestone::simulation {

/// Orders of one kind. Each order is in exactly one of paid, unpaid, cancelled, refunded and deleted.
struct OrderCounts {
  std::uint64_t paid = 0;  ///< paid and not deleted: these are purchases
  std::uint64_t unpaid = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t refunded = 0;
  std::uint64_t deleted = 0;  ///< is_delete = 1, whatever they were before
  std::uint64_t late = 0;     ///< changed more than a day after they were made; these are in the counts above, too
};

struct Counts {
  // Rows of matomo_log_link_visit_action by what they are; the sum is their number.
  std::uint64_t home_pages = 0;
  std::uint64_t searches = 0;
  std::uint64_t detail_pages = 0;      ///< dataDetail/ID
  std::uint64_t api_detail_pages = 0;  ///< dataAPIDetail/ID
  std::uint64_t sku_pages = 0;         ///< no id in the URL, the product SKU names the data set
  std::uint64_t payment_pages = 0;     ///< payment/ID
  std::uint64_t clicks = 0;            ///< events Recommendation / Click
  // Some of them again, by another property.
  std::uint64_t clicks_on_landing = 0;  ///< pages whose URL carries from=recommend: every click of the present front end has one
  std::uint64_t clicks_by_dimension = 0;  ///< clicks of the older front end: the data set is in the click dimension only
  std::uint64_t views_by_account = 0;     ///< detail, API detail and SKU pages of visits with a user id
  std::uint64_t views_by_bot = 0;

  std::uint64_t visits = 0;
  std::uint64_t visits_with_account = 0;
  std::uint64_t cart_updates = 0;       ///< conversions with idgoal -1, at most one a visit and data set
  std::uint64_t order_conversions = 0;  ///< with idgoal 0, one an idorder
  std::uint64_t attributed_orders = 0;  ///< of these, with a request id
  std::uint64_t goal_conversions = 0;   ///< with idgoal 1
  OrderCounts orders;                   ///< order_tab
  OrderCounts api_orders;               ///< api_order

  /// Pages that show a data set.
  [[nodiscard]] std::uint64_t views() const { return detail_pages + api_detail_pages + sku_pages; }
  [[nodiscard]] std::uint64_t actions() const { return views() + home_pages + searches + payment_pages + clicks; }
};

}  // namespace lodestone::simulation
