-- What each user did, counted in one pass over the events until as_of. age is in days; a window of 24 h is age < 1. The lake knows a refunded order as
-- its refund alone, so it counts as no order at any time, also before the refund.
-- param: as_of time = 9999-12-31T00:00:00Z
SELECT
  user_id,
  count(*) FILTER (WHERE is_order = 1) AS user_order_count,
  count(*) FILTER (WHERE kind = 'api_order') AS user_api_order_count,
  count(*) FILTER (WHERE kind = 'refund') AS user_refund_count,
  count(*) FILTER (WHERE kind = 'cart') AS user_cart_count,
  count(*) FILTER (WHERE kind = 'click') AS user_click_count,
  count(*) FILTER (WHERE kind = 'view') AS user_view_count,
  count(*) FILTER (WHERE kind = 'exposure') AS user_exposure_count,
  count(*) FILTER (WHERE kind = 'view' AND age * 24 < 1) AS user_views_1h,
  count(*) FILTER (WHERE kind = 'view' AND age < 1) AS user_views_24h,
  count(*) FILTER (WHERE kind = 'view' AND age < 7) AS user_views_7d,
  count(*) FILTER (WHERE kind = 'view' AND age < 30) AS user_views_30d,
  count(*) FILTER (WHERE kind = 'click' AND age * 24 < 1) AS user_clicks_1h,
  count(*) FILTER (WHERE kind = 'click' AND age < 1) AS user_clicks_24h,
  count(*) FILTER (WHERE kind = 'click' AND age < 7) AS user_clicks_7d,
  count(*) FILTER (WHERE kind = 'click' AND age < 30) AS user_clicks_30d,
  count(*) FILTER (WHERE is_order = 1 AND age * 24 < 1) AS user_orders_1h,
  count(*) FILTER (WHERE is_order = 1 AND age < 1) AS user_orders_24h,
  count(*) FILTER (WHERE is_order = 1 AND age < 7) AS user_orders_7d,
  count(*) FILTER (WHERE is_order = 1 AND age < 30) AS user_orders_30d,
  sum(value) FILTER (WHERE is_order = 1) AS user_spend_sum,
  avg(value) FILTER (WHERE is_order = 1) AS user_spend_mean,
  stddev_pop(value) FILTER (WHERE is_order = 1) AS user_spend_std,
  min(value) FILTER (WHERE is_order = 1) AS user_spend_min,
  max(value) FILTER (WHERE is_order = 1) AS user_spend_max,
  max(age) FILTER (WHERE is_order = 1) AS user_first_order_days,
  min(age) FILTER (WHERE is_order = 1) AS user_last_order_days,
  min(age) FILTER (WHERE kind NOT IN ('exposure', 'refund')) AS user_last_event_days,
  bit_count(bit_or(shiftleft(CAST(1 AS BIGINT), CAST(floor(least(age, 30)) AS BIGINT)))
            FILTER (WHERE age < 30 AND kind NOT IN ('exposure', 'refund'))) AS user_active_days_30d
FROM (
  SELECT
    e.user_id AS user_id,
    e.kind AS kind,
    CASE WHEN e.kind IN ('order', 'api_order') THEN 1 ELSE 0 END AS is_order,
    e.value AS value,
    (unix_micros({{as_of}}) - unix_micros(e.at)) / 86400000000 AS age
  FROM events e
  WHERE e.at <= {{as_of}}
    AND e.user_id IS NOT NULL
) done
GROUP BY user_id
