-- What was done to each item, counted in one pass over the events until as_of. age is in days; a window of 24 h is age < 1.
-- param: as_of time = 9999-12-31T00:00:00Z
SELECT
  item_id,
  count(*) FILTER (WHERE kind = 'exposure' AND age * 24 < 1) AS item_exposures_1h,
  count(*) FILTER (WHERE kind = 'exposure' AND age < 1) AS item_exposures_24h,
  count(*) FILTER (WHERE kind = 'exposure' AND age < 7) AS item_exposures_7d,
  count(*) FILTER (WHERE kind = 'exposure' AND age < 30) AS item_exposures_30d,
  count(*) FILTER (WHERE kind = 'exposure') AS item_exposures_all,
  count(*) FILTER (WHERE kind = 'view' AND age * 24 < 1) AS item_views_1h,
  count(*) FILTER (WHERE kind = 'view' AND age < 1) AS item_views_24h,
  count(*) FILTER (WHERE kind = 'view' AND age < 7) AS item_views_7d,
  count(*) FILTER (WHERE kind = 'view' AND age < 30) AS item_views_30d,
  count(*) FILTER (WHERE kind = 'view') AS item_views_all,
  count(*) FILTER (WHERE kind = 'click' AND age * 24 < 1) AS item_clicks_1h,
  count(*) FILTER (WHERE kind = 'click' AND age < 1) AS item_clicks_24h,
  count(*) FILTER (WHERE kind = 'click' AND age < 7) AS item_clicks_7d,
  count(*) FILTER (WHERE kind = 'click' AND age < 30) AS item_clicks_30d,
  count(*) FILTER (WHERE kind = 'click') AS item_clicks_all,
  count(*) FILTER (WHERE kind = 'cart' AND age * 24 < 1) AS item_carts_1h,
  count(*) FILTER (WHERE kind = 'cart' AND age < 1) AS item_carts_24h,
  count(*) FILTER (WHERE kind = 'cart' AND age < 7) AS item_carts_7d,
  count(*) FILTER (WHERE kind = 'cart' AND age < 30) AS item_carts_30d,
  count(*) FILTER (WHERE kind = 'cart') AS item_carts_all,
  count(*) FILTER (WHERE is_order = 1 AND age * 24 < 1) AS item_orders_1h,
  count(*) FILTER (WHERE is_order = 1 AND age < 1) AS item_orders_24h,
  count(*) FILTER (WHERE is_order = 1 AND age < 7) AS item_orders_7d,
  count(*) FILTER (WHERE is_order = 1 AND age < 30) AS item_orders_30d,
  count(*) FILTER (WHERE is_order = 1) AS item_orders_all,
  sum(weight * pow(0.5, age / 1)) AS item_popularity_1d,
  sum(weight * pow(0.5, age / 7)) AS item_popularity_7d,
  sum(weight * pow(0.5, age / 30)) AS item_popularity_30d,
  count(*) FILTER (WHERE kind = 'refund') AS item_refunds_all,
  sum(value) FILTER (WHERE is_order = 1) AS item_revenue,
  sum(value) FILTER (WHERE is_order = 1 AND age < 30) AS item_revenue_30d,
  avg(value) FILTER (WHERE is_order = 1) AS item_order_value_mean,
  min(age) FILTER (WHERE weight > 0) AS item_last_event_days,
  max(age) FILTER (WHERE weight > 0) AS item_first_event_days,
  min(age) FILTER (WHERE is_order = 1) AS item_last_order_days,
  bit_count(bit_or(shiftleft(CAST(1 AS BIGINT), CAST(floor(least(age, 30)) AS BIGINT)))
            FILTER (WHERE age < 30 AND weight > 0)) AS item_active_days_30d
FROM (
  SELECT
    e.item_id AS item_id,
    e.kind AS kind,
    CASE WHEN e.kind IN ('order', 'api_order') THEN 1 ELSE 0 END AS is_order,
    CASE e.kind WHEN 'view' THEN 1 WHEN 'click' THEN 2 WHEN 'cart' THEN 3 WHEN 'order' THEN 5 WHEN 'api_order' THEN 5 ELSE 0 END AS weight,
    e.value AS value,
    (unix_micros({{as_of}}) - unix_micros(e.at)) / 86400000000 AS age
  FROM events e
  WHERE e.at <= {{as_of}}
) done
GROUP BY item_id
