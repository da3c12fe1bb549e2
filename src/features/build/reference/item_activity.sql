-- What was done to each item until as_of. The events are counted by item, kind and part of time first (0: the last hour, 1: the 24 hours but for that, 2: 7
-- days, 3: 30 days, 4: before), so that the many windows are sums over few rows and not each a look at every event. age is in days.
-- param: as_of time = 9999-12-31T00:00:00Z
SELECT
  item_id,
  coalesce(sum(n) FILTER (WHERE kind = 'exposure' AND part <= 0), 0) AS item_exposures_1h,
  coalesce(sum(n) FILTER (WHERE kind = 'exposure' AND part <= 1), 0) AS item_exposures_24h,
  coalesce(sum(n) FILTER (WHERE kind = 'exposure' AND part <= 2), 0) AS item_exposures_7d,
  coalesce(sum(n) FILTER (WHERE kind = 'exposure' AND part <= 3), 0) AS item_exposures_30d,
  coalesce(sum(n) FILTER (WHERE kind = 'exposure'), 0) AS item_exposures_all,
  coalesce(sum(n) FILTER (WHERE kind = 'view' AND part <= 0), 0) AS item_views_1h,
  coalesce(sum(n) FILTER (WHERE kind = 'view' AND part <= 1), 0) AS item_views_24h,
  coalesce(sum(n) FILTER (WHERE kind = 'view' AND part <= 2), 0) AS item_views_7d,
  coalesce(sum(n) FILTER (WHERE kind = 'view' AND part <= 3), 0) AS item_views_30d,
  coalesce(sum(n) FILTER (WHERE kind = 'view'), 0) AS item_views_all,
  coalesce(sum(n) FILTER (WHERE kind = 'click' AND part <= 0), 0) AS item_clicks_1h,
  coalesce(sum(n) FILTER (WHERE kind = 'click' AND part <= 1), 0) AS item_clicks_24h,
  coalesce(sum(n) FILTER (WHERE kind = 'click' AND part <= 2), 0) AS item_clicks_7d,
  coalesce(sum(n) FILTER (WHERE kind = 'click' AND part <= 3), 0) AS item_clicks_30d,
  coalesce(sum(n) FILTER (WHERE kind = 'click'), 0) AS item_clicks_all,
  coalesce(sum(n) FILTER (WHERE kind = 'cart' AND part <= 0), 0) AS item_carts_1h,
  coalesce(sum(n) FILTER (WHERE kind = 'cart' AND part <= 1), 0) AS item_carts_24h,
  coalesce(sum(n) FILTER (WHERE kind = 'cart' AND part <= 2), 0) AS item_carts_7d,
  coalesce(sum(n) FILTER (WHERE kind = 'cart' AND part <= 3), 0) AS item_carts_30d,
  coalesce(sum(n) FILTER (WHERE kind = 'cart'), 0) AS item_carts_all,
  coalesce(sum(n) FILTER (WHERE kind = 'order' AND part <= 0), 0) AS item_orders_1h,
  coalesce(sum(n) FILTER (WHERE kind = 'order' AND part <= 1), 0) AS item_orders_24h,
  coalesce(sum(n) FILTER (WHERE kind = 'order' AND part <= 2), 0) AS item_orders_7d,
  coalesce(sum(n) FILTER (WHERE kind = 'order' AND part <= 3), 0) AS item_orders_30d,
  coalesce(sum(n) FILTER (WHERE kind = 'order'), 0) AS item_orders_all,
  sum(weight * decayed_1) AS item_popularity_1d,
  sum(weight * decayed_7) AS item_popularity_7d,
  sum(weight * decayed_30) AS item_popularity_30d,
  coalesce(sum(n) FILTER (WHERE kind = 'refund'), 0) AS item_refunds_all,
  sum(money) FILTER (WHERE kind = 'order') AS item_revenue,
  sum(money) FILTER (WHERE kind = 'order' AND part <= 3) AS item_revenue_30d,
  sum(money) FILTER (WHERE kind = 'order') / nullif(sum(n_valued) FILTER (WHERE kind = 'order'), 0) AS item_order_value_mean,
  min(last_age) FILTER (WHERE weight > 0) AS item_last_event_days,
  max(first_age) FILTER (WHERE weight > 0) AS item_first_event_days,
  min(last_age) FILTER (WHERE kind = 'order') AS item_last_order_days,
  bit_count(bit_or(days) FILTER (WHERE part <= 3 AND weight > 0)) AS item_active_days_30d
FROM (
  SELECT
    *,
    CASE kind WHEN 'view' THEN 1 WHEN 'click' THEN 2 WHEN 'cart' THEN 3 WHEN 'order' THEN 5 ELSE 0 END AS weight
  FROM (
    SELECT
      item_id,
      kind,
      CASE WHEN age * 24 < 1 THEN 0 WHEN age < 1 THEN 1 WHEN age < 7 THEN 2 WHEN age < 30 THEN 3 ELSE 4 END AS part,
      count(*) AS n,
      count(money) AS n_valued,
      sum(money) AS money,
      sum(pow(0.5, age)) AS decayed_1,
      sum(pow(0.5, age / 7)) AS decayed_7,
      sum(pow(0.5, age / 30)) AS decayed_30,
      min(age) AS last_age,
      max(age) AS first_age,
      bit_or(shiftleft(CAST(1 AS BIGINT), CAST(floor(least(age, 30)) AS BIGINT))) AS days
    FROM (
      SELECT
        e.item_id AS item_id,
        CASE WHEN e.kind = 'api_order' THEN 'order' ELSE e.kind END AS kind,
        e.value AS money,
        (unix_micros({{as_of}}) - unix_micros(e.at)) / 86400000000 AS age
      FROM events e
      WHERE e.at <= {{as_of}}
    ) done
    GROUP BY item_id, kind, CASE WHEN age * 24 < 1 THEN 0 WHEN age < 1 THEN 1 WHEN age < 7 THEN 2 WHEN age < 30 THEN 3 ELSE 4 END
  ) counted
) weighted
GROUP BY item_id
