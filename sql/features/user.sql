-- The features of users: one row an account there was at as_of, and one for each user that only events know. Every source is one row a user. What a
-- login after as_of has overwritten is missing. feature_user_events is what each user did until as_of, counted by the program in one pass over the events.
-- param: as_of time = 9999-12-31T00:00:00Z
-- param: smoothing number = 20
-- unique: users(user_id)
-- unique: feature_user_events(user_id)
SELECT
  k.user_id AS user_id,
  coalesce(a.user_order_count, 0) AS user_order_count,
  coalesce(a.user_api_order_count, 0) AS user_api_order_count,
  coalesce(a.user_refund_count, 0) AS user_refund_count,
  coalesce(a.user_cart_count, 0) AS user_cart_count,
  coalesce(a.user_click_count, 0) AS user_click_count,
  coalesce(a.user_view_count, 0) AS user_view_count,
  coalesce(a.user_exposure_count, 0) AS user_exposure_count,
  coalesce(a.user_views_1h, 0) AS user_views_1h,
  coalesce(a.user_views_24h, 0) AS user_views_24h,
  coalesce(a.user_views_7d, 0) AS user_views_7d,
  coalesce(a.user_views_30d, 0) AS user_views_30d,
  coalesce(a.user_clicks_1h, 0) AS user_clicks_1h,
  coalesce(a.user_clicks_24h, 0) AS user_clicks_24h,
  coalesce(a.user_clicks_7d, 0) AS user_clicks_7d,
  coalesce(a.user_clicks_30d, 0) AS user_clicks_30d,
  coalesce(a.user_orders_1h, 0) AS user_orders_1h,
  coalesce(a.user_orders_24h, 0) AS user_orders_24h,
  coalesce(a.user_orders_7d, 0) AS user_orders_7d,
  coalesce(a.user_orders_30d, 0) AS user_orders_30d,
  coalesce(a.user_spend_sum, 0) AS user_spend_sum,
  a.user_spend_mean AS user_spend_mean,
  a.user_spend_std AS user_spend_std,
  a.user_spend_min AS user_spend_min,
  a.user_spend_max AS user_spend_max,
  a.user_first_order_days AS user_first_order_days,
  a.user_last_order_days AS user_last_order_days,
  a.user_first_order_days - a.user_last_order_days AS user_order_span_days,
  coalesce(30 * a.user_order_count / greatest(a.user_first_order_days, 1), 0) AS user_order_frequency,
  coalesce(1 / (1 + a.user_last_order_days), 0) AS user_order_recency,
  CASE WHEN a.user_last_event_days < 30 THEN 1 ELSE 0 END AS user_is_active,
  CASE WHEN a.user_order_count >= 10 THEN 1 ELSE 0 END AS user_is_power,
  a.user_last_event_days AS user_last_event_days,
  coalesce(a.user_active_days_30d, 0) AS user_active_days_30d,
  (coalesce(a.user_click_count, 0) + {{smoothing}} * r.clicks_per_exposure) / (coalesce(a.user_exposure_count, 0) + {{smoothing}}) AS user_click_rate,
  (coalesce(a.user_order_count, 0) + {{smoothing}} * r.orders_per_touch)
    / (coalesce(a.user_view_count + a.user_click_count, 0) + {{smoothing}}) AS user_order_rate,
  coalesce(a.user_item_count, 0) AS user_item_count,
  coalesce(a.user_items_7d, 0) AS user_items_7d,
  coalesce(a.user_items_30d, 0) AS user_items_30d,
  a.user_price_min AS user_price_min,
  a.user_price_max AS user_price_max,
  a.user_price_mean AS user_price_mean,
  a.user_price_median AS user_price_median,
  a.user_price_bucket AS user_price_bucket,
  coalesce(a.user_category_count, 0) AS user_category_count,
  coalesce(a.user_tag_count, 0) AS user_tag_count,
  a.user_tag_diversity AS user_tag_diversity,
  a.user_top_tag_1 AS user_top_tag_1,
  coalesce(a.user_top_tag_1_count, 0) AS user_top_tag_1_count,
  a.user_top_tag_2 AS user_top_tag_2,
  coalesce(a.user_top_tag_2_count, 0) AS user_top_tag_2_count,
  a.user_top_tag_3 AS user_top_tag_3,
  coalesce(a.user_top_tag_3_count, 0) AS user_top_tag_3_count,
  a.user_top_category AS user_top_category,
  a.user_top_category_share AS user_top_category_share,
  nullif(trim(u.company), '') AS user_company,
  nullif(trim(u.province), '') AS user_province,
  nullif(trim(u.city), '') AS user_city,
  n.industry AS user_industry,
  coalesce(n.n_industries, 0) AS user_industry_count,
  CASE WHEN u.is_consumer THEN 1 WHEN NOT u.is_consumer THEN 0 END AS user_is_consumer,
  (unix_micros({{as_of}}) - unix_micros(u.created_at)) / 86400000000 AS user_account_days,
  CASE WHEN u.last_login_at <= {{as_of}} THEN (unix_micros({{as_of}}) - unix_micros(u.last_login_at)) / 86400000000 END AS user_last_login_days
FROM (
  SELECT v.user_id AS user_id
  FROM users v
  WHERE v.created_at IS NULL OR v.created_at <= {{as_of}}
  UNION
  SELECT w.user_id AS user_id
  FROM feature_user_events w
) k
LEFT JOIN users u ON u.user_id = k.user_id AND (u.created_at IS NULL OR u.created_at <= {{as_of}})
LEFT JOIN (
  SELECT user_id, min(industry) AS industry, count(*) AS n_industries
  FROM (SELECT x.user_id AS user_id, explode(x.industry) AS industry FROM users x) industries
  GROUP BY user_id
) n ON n.user_id = u.user_id
LEFT JOIN feature_user_events a ON a.user_id = k.user_id
CROSS JOIN (
  SELECT
    sum(user_click_count) / nullif(sum(user_exposure_count), 0) AS clicks_per_exposure,
    sum(user_order_count) / nullif(sum(user_view_count + user_click_count), 0) AS orders_per_touch
  FROM feature_user_events
) r
