-- The features of items: one row an item there was at as_of. Every source is one row an item. Of the text there is only what counting needs; its tokens
-- are counted by the program, and so is feature_item_events, what was done to each item until as_of. The other feature_... are the results of the queries of
-- this folder.
-- param: as_of time = 9999-12-31T00:00:00Z
-- param: smoothing number = 20
-- unique: items(item_id)
-- unique: feature_item_prices(item_id)
-- unique: feature_item_events(item_id)
-- unique: feature_item_buyers(item_id)
-- unique: feature_item_slots(item_id)
SELECT
  i.item_id AS item_id,
  coalesce(length(i.title), 0) AS item_title_length,
  coalesce(g.n_tags, 0) AS item_tag_count,
  CASE WHEN g.n_tags > 0 THEN 1 ELSE 0 END AS item_has_tags,
  CASE WHEN trim(i.cover_image) <> '' THEN 1 ELSE 0 END AS item_has_cover,
  CASE WHEN m.n_images > 0 THEN 1 ELSE 0 END AS item_has_images,
  coalesce(m.n_images, 0) AS item_image_count,
  (unix_micros({{as_of}}) - m.newest) / 86400000000 AS item_image_days,
  f.price AS item_price,
  f.price_log AS item_price_log,
  f.price_bucket AS item_price_bucket,
  f.price_zscore AS item_price_zscore,
  coalesce(a.item_exposures_1h, 0) AS item_exposures_1h,
  coalesce(a.item_exposures_24h, 0) AS item_exposures_24h,
  coalesce(a.item_exposures_7d, 0) AS item_exposures_7d,
  coalesce(a.item_exposures_30d, 0) AS item_exposures_30d,
  coalesce(a.item_exposures_all, 0) AS item_exposures_all,
  coalesce(a.item_views_1h, 0) AS item_views_1h,
  coalesce(a.item_views_24h, 0) AS item_views_24h,
  coalesce(a.item_views_7d, 0) AS item_views_7d,
  coalesce(a.item_views_30d, 0) AS item_views_30d,
  coalesce(a.item_views_all, 0) AS item_views_all,
  coalesce(a.item_clicks_1h, 0) AS item_clicks_1h,
  coalesce(a.item_clicks_24h, 0) AS item_clicks_24h,
  coalesce(a.item_clicks_7d, 0) AS item_clicks_7d,
  coalesce(a.item_clicks_30d, 0) AS item_clicks_30d,
  coalesce(a.item_clicks_all, 0) AS item_clicks_all,
  coalesce(a.item_carts_1h, 0) AS item_carts_1h,
  coalesce(a.item_carts_24h, 0) AS item_carts_24h,
  coalesce(a.item_carts_7d, 0) AS item_carts_7d,
  coalesce(a.item_carts_30d, 0) AS item_carts_30d,
  coalesce(a.item_carts_all, 0) AS item_carts_all,
  coalesce(a.item_orders_1h, 0) AS item_orders_1h,
  coalesce(a.item_orders_24h, 0) AS item_orders_24h,
  coalesce(a.item_orders_7d, 0) AS item_orders_7d,
  coalesce(a.item_orders_30d, 0) AS item_orders_30d,
  coalesce(a.item_orders_all, 0) AS item_orders_all,
  coalesce(a.item_refunds_all, 0) AS item_refunds_all,
  coalesce(a.item_popularity_1d, 0) AS item_popularity_1d,
  coalesce(a.item_popularity_7d, 0) AS item_popularity_7d,
  coalesce(a.item_popularity_30d, 0) AS item_popularity_30d,
  rank() OVER (ORDER BY coalesce(a.item_popularity_7d, 0) DESC) AS item_popularity_rank,
  percent_rank() OVER (ORDER BY coalesce(a.item_popularity_7d, 0)) AS item_popularity_percentile,
  (coalesce(a.item_clicks_all, 0) + {{smoothing}} * r.clicks_per_exposure) / (coalesce(a.item_exposures_all, 0) + {{smoothing}}) AS item_click_rate,
  (coalesce(a.item_clicks_7d, 0) + {{smoothing}} * r.clicks_per_exposure) / (coalesce(a.item_exposures_7d, 0) + {{smoothing}}) AS item_click_rate_7d,
  (coalesce(a.item_carts_all, 0) + {{smoothing}} * r.carts_per_touch)
    / (coalesce(a.item_views_all + a.item_clicks_all, 0) + {{smoothing}}) AS item_cart_rate,
  (coalesce(a.item_orders_all, 0) + {{smoothing}} * r.orders_per_touch)
    / (coalesce(a.item_views_all + a.item_clicks_all, 0) + {{smoothing}}) AS item_order_rate,
  (coalesce(a.item_orders_30d, 0) + {{smoothing}} * r.orders_per_touch)
    / (coalesce(a.item_views_30d + a.item_clicks_30d, 0) + {{smoothing}}) AS item_order_rate_30d,
  coalesce(a.item_revenue, 0) AS item_revenue,
  coalesce(a.item_revenue_30d, 0) AS item_revenue_30d,
  a.item_order_value_mean AS item_order_value_mean,
  (unix_micros({{as_of}}) - unix_micros(i.created_at)) / 86400000000 AS item_age_days,
  coalesce(pow(0.5, (unix_micros({{as_of}}) - unix_micros(i.created_at)) / 86400000000 / 30), 0) AS item_freshness,
  CASE WHEN i.updated_at <= {{as_of}} THEN (unix_micros({{as_of}}) - unix_micros(i.updated_at)) / 86400000000 END AS item_update_days,
  a.item_last_event_days AS item_last_event_days,
  a.item_first_event_days AS item_first_event_days,
  a.item_last_order_days AS item_last_order_days,
  coalesce(a.item_active_days_30d, 0) AS item_active_days_30d,
  coalesce(a.item_people_all, 0) AS item_people_all,
  coalesce(a.item_people_24h, 0) AS item_people_24h,
  coalesce(a.item_people_7d, 0) AS item_people_7d,
  coalesce(a.item_people_30d, 0) AS item_people_30d,
  coalesce(a.item_buyer_count, 0) AS item_buyer_count,
  b.item_buyer_order_count_mean AS item_buyer_order_count_mean,
  b.item_buyer_spend_sum_mean AS item_buyer_spend_sum_mean,
  b.item_buyer_spend_mean_mean AS item_buyer_spend_mean_mean,
  b.item_buyer_last_order_days_mean AS item_buyer_last_order_days_mean,
  b.item_buyer_order_span_days_mean AS item_buyer_order_span_days_mean,
  b.item_buyer_order_frequency_mean AS item_buyer_order_frequency_mean,
  b.item_buyer_view_count_mean AS item_buyer_view_count_mean,
  b.item_buyer_click_count_mean AS item_buyer_click_count_mean,
  b.item_buyer_item_count_mean AS item_buyer_item_count_mean,
  b.item_buyer_price_mean_mean AS item_buyer_price_mean_mean,
  b.item_buyer_account_days_mean AS item_buyer_account_days_mean,
  b.item_buyer_is_power_mean AS item_buyer_is_power_mean,
  i.records AS item_records,
  ln(1 + CASE WHEN i.records < 0 THEN 0 ELSE i.records END) AS item_records_log,
  nullif(trim(i.data_format), '') AS item_format,
  f.category AS item_category,
  nullif(trim(i.company), '') AS item_company,
  g.top_tag AS item_top_tag,
  s.item_slot_ctr_1 AS item_slot_ctr_1,
  s.item_slot_ctr_2_3 AS item_slot_ctr_2_3,
  s.item_slot_ctr_4_10 AS item_slot_ctr_4_10,
  s.item_slot_ctr_11 AS item_slot_ctr_11,
  s.item_slot_cvr_1 AS item_slot_cvr_1,
  s.item_slot_cvr_2_3 AS item_slot_cvr_2_3,
  s.item_slot_cvr_4_10 AS item_slot_cvr_4_10,
  s.item_slot_cvr_11 AS item_slot_cvr_11
FROM items i
JOIN feature_item_prices f ON f.item_id = i.item_id
LEFT JOIN (
  SELECT t.item_id AS item_id, max(t.place) AS n_tags, max(CASE WHEN t.place = 1 THEN t.tag END) AS top_tag
  FROM (
    SELECT item_id, tag, row_number() OVER (PARTITION BY item_id ORDER BY n_items DESC, tag_no) AS place
    FROM feature_item_tags
  ) t
  GROUP BY t.item_id
) g ON g.item_id = i.item_id
LEFT JOIN (
  SELECT
    x.item_id AS item_id,
    count(*) AS n_images,
    max(CASE WHEN x.updated_at <= {{as_of}} THEN greatest(unix_micros(x.created_at), unix_micros(x.updated_at)) ELSE unix_micros(x.created_at) END) AS newest
  FROM item_images x
  WHERE x.created_at IS NULL OR x.created_at <= {{as_of}}
  GROUP BY x.item_id
) m ON m.item_id = i.item_id
LEFT JOIN feature_item_events a ON a.item_id = i.item_id
LEFT JOIN feature_item_buyers b ON b.item_id = i.item_id
LEFT JOIN feature_item_slots s ON s.item_id = i.item_id
CROSS JOIN (
  SELECT
    sum(item_clicks_all) / nullif(sum(item_exposures_all), 0) AS clicks_per_exposure,
    sum(item_carts_all) / nullif(sum(item_views_all + item_clicks_all), 0) AS carts_per_touch,
    sum(item_orders_all) / nullif(sum(item_views_all + item_clicks_all), 0) AS orders_per_touch
  FROM feature_item_events
) r
