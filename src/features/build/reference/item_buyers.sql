-- Who buys each item: means of the features of its buyers, each buyer once.
-- unique: feature_user(user_id)
SELECT
  p.item_id AS item_id,
  avg(u.user_order_count) AS item_buyer_order_count_mean,
  avg(u.user_spend_sum) AS item_buyer_spend_sum_mean,
  avg(u.user_spend_mean) AS item_buyer_spend_mean_mean,
  avg(u.user_last_order_days) AS item_buyer_last_order_days_mean,
  avg(u.user_order_span_days) AS item_buyer_order_span_days_mean,
  avg(u.user_order_frequency) AS item_buyer_order_frequency_mean,
  avg(u.user_view_count) AS item_buyer_view_count_mean,
  avg(u.user_click_count) AS item_buyer_click_count_mean,
  avg(u.user_item_count) AS item_buyer_item_count_mean,
  avg(u.user_price_mean) AS item_buyer_price_mean_mean,
  avg(u.user_account_days) AS item_buyer_account_days_mean,
  avg(u.user_is_power) AS item_buyer_is_power_mean
FROM feature_pairs p
JOIN feature_user u ON u.user_id = p.person
WHERE p.orders > 0
GROUP BY p.item_id
