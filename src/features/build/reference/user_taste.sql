-- What each user touched, by price: one row a user with at least one item that there is. feature_pairs and feature_item_prices are the results of
-- features/pairs and features/item_prices.
-- unique: feature_item_prices(item_id)
SELECT
  p.person AS user_id,
  count(*) AS user_item_count,
  count(*) FILTER (WHERE p.last_age < 7) AS user_items_7d,
  count(*) FILTER (WHERE p.last_age < 30) AS user_items_30d,
  min(i.price) AS user_price_min,
  max(i.price) AS user_price_max,
  avg(i.price) AS user_price_mean,
  median(i.price) AS user_price_median,
  avg(i.price_bucket) AS user_price_bucket
FROM feature_pairs p
JOIN feature_item_prices i ON i.item_id = p.item_id
WHERE p.person >= 0
GROUP BY p.person
