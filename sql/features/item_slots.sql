-- How each item does at each position of a list, smoothed towards the rate of that position: clicks per exposure, and credited orders per credited
-- click. Each rate is a sum of its own, so that no position multiplies the rows of another.
-- param: as_of time = 9999-12-31T00:00:00Z
-- param: smoothing number = 20
-- unique: feature_item_prices(item_id)
-- unique: feature_item_events(item_id)
WITH credited AS (
  SELECT
    item_id,
    count(*) FILTER (WHERE kind = 'click' AND position <= 1) AS clicks_1,
    count(*) FILTER (WHERE kind <> 'click' AND position <= 1) AS orders_1,
    count(*) FILTER (WHERE kind = 'click' AND position BETWEEN 2 AND 3) AS clicks_2_3,
    count(*) FILTER (WHERE kind <> 'click' AND position BETWEEN 2 AND 3) AS orders_2_3,
    count(*) FILTER (WHERE kind = 'click' AND position BETWEEN 4 AND 10) AS clicks_4_10,
    count(*) FILTER (WHERE kind <> 'click' AND position BETWEEN 4 AND 10) AS orders_4_10,
    count(*) FILTER (WHERE kind = 'click' AND position > 10) AS clicks_11,
    count(*) FILTER (WHERE kind <> 'click' AND position > 10) AS orders_11
  FROM attributions a
  WHERE a.at <= {{as_of}} AND a.position IS NOT NULL
  GROUP BY item_id
),
shown AS (
  SELECT
    sum(clicks_1) / nullif(sum(exposures_1), 0) AS ctr_1,
    sum(clicks_2_3) / nullif(sum(exposures_2_3), 0) AS ctr_2_3,
    sum(clicks_4_10) / nullif(sum(exposures_4_10), 0) AS ctr_4_10,
    sum(clicks_11) / nullif(sum(exposures_11), 0) AS ctr_11
  FROM feature_item_events
),
sold AS (
  SELECT
    sum(orders_1) / nullif(sum(clicks_1), 0) AS cvr_1,
    sum(orders_2_3) / nullif(sum(clicks_2_3), 0) AS cvr_2_3,
    sum(orders_4_10) / nullif(sum(clicks_4_10), 0) AS cvr_4_10,
    sum(orders_11) / nullif(sum(clicks_11), 0) AS cvr_11
  FROM credited
)
SELECT
  i.item_id AS item_id,
  (coalesce(e.clicks_1, 0) + {{smoothing}} * shown.ctr_1) / (coalesce(e.exposures_1, 0) + {{smoothing}}) AS item_slot_ctr_1,
  (coalesce(e.clicks_2_3, 0) + {{smoothing}} * shown.ctr_2_3) / (coalesce(e.exposures_2_3, 0) + {{smoothing}}) AS item_slot_ctr_2_3,
  (coalesce(e.clicks_4_10, 0) + {{smoothing}} * shown.ctr_4_10) / (coalesce(e.exposures_4_10, 0) + {{smoothing}}) AS item_slot_ctr_4_10,
  (coalesce(e.clicks_11, 0) + {{smoothing}} * shown.ctr_11) / (coalesce(e.exposures_11, 0) + {{smoothing}}) AS item_slot_ctr_11,
  (coalesce(c.orders_1, 0) + {{smoothing}} * sold.cvr_1) / (coalesce(c.clicks_1, 0) + {{smoothing}}) AS item_slot_cvr_1,
  (coalesce(c.orders_2_3, 0) + {{smoothing}} * sold.cvr_2_3) / (coalesce(c.clicks_2_3, 0) + {{smoothing}}) AS item_slot_cvr_2_3,
  (coalesce(c.orders_4_10, 0) + {{smoothing}} * sold.cvr_4_10) / (coalesce(c.clicks_4_10, 0) + {{smoothing}}) AS item_slot_cvr_4_10,
  (coalesce(c.orders_11, 0) + {{smoothing}} * sold.cvr_11) / (coalesce(c.clicks_11, 0) + {{smoothing}}) AS item_slot_cvr_11
FROM feature_item_prices i
LEFT JOIN feature_item_events e ON e.item_id = i.item_id
LEFT JOIN credited c ON c.item_id = i.item_id
CROSS JOIN shown
CROSS JOIN sold
