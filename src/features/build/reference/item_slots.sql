-- How each item does at each position of a list, smoothed towards the rate of that position: clicks per exposure, and credited orders per credited
-- click. Each rate is a sum of its own, so that no position multiplies the rows of another.
-- param: as_of time = 9999-12-31T00:00:00Z
-- param: smoothing number = 20
-- unique: feature_item_prices(item_id)
WITH counted AS (
  SELECT
    item_id,
    count(*) FILTER (WHERE what = 'exposure' AND slot = 1) AS exposures_1,
    count(*) FILTER (WHERE what = 'exposure' AND slot = 2) AS exposures_2_3,
    count(*) FILTER (WHERE what = 'exposure' AND slot = 4) AS exposures_4_10,
    count(*) FILTER (WHERE what = 'exposure' AND slot = 11) AS exposures_11,
    count(*) FILTER (WHERE what = 'click' AND slot = 1) AS clicks_1,
    count(*) FILTER (WHERE what = 'click' AND slot = 2) AS clicks_2_3,
    count(*) FILTER (WHERE what = 'click' AND slot = 4) AS clicks_4_10,
    count(*) FILTER (WHERE what = 'click' AND slot = 11) AS clicks_11,
    count(*) FILTER (WHERE what = 'credited click' AND slot = 1) AS credited_clicks_1,
    count(*) FILTER (WHERE what = 'credited click' AND slot = 2) AS credited_clicks_2_3,
    count(*) FILTER (WHERE what = 'credited click' AND slot = 4) AS credited_clicks_4_10,
    count(*) FILTER (WHERE what = 'credited click' AND slot = 11) AS credited_clicks_11,
    count(*) FILTER (WHERE what = 'credited order' AND slot = 1) AS credited_orders_1,
    count(*) FILTER (WHERE what = 'credited order' AND slot = 2) AS credited_orders_2_3,
    count(*) FILTER (WHERE what = 'credited order' AND slot = 4) AS credited_orders_4_10,
    count(*) FILTER (WHERE what = 'credited order' AND slot = 11) AS credited_orders_11
  FROM (
    SELECT item_id, what, CASE WHEN position <= 1 THEN 1 WHEN position <= 3 THEN 2 WHEN position <= 10 THEN 4 ELSE 11 END AS slot
    FROM (
      SELECT e.item_id AS item_id, e.kind AS what, e.position AS position
      FROM events e
      WHERE e.at <= {{as_of}} AND e.kind IN ('exposure', 'click') AND e.position IS NOT NULL
      UNION ALL
      SELECT a.item_id AS item_id, CASE WHEN a.kind = 'click' THEN 'credited click' ELSE 'credited order' END AS what, a.position AS position
      FROM attributions a
      WHERE a.at <= {{as_of}} AND a.position IS NOT NULL
    ) placed
  ) slots
  GROUP BY item_id
),
rates AS (
  SELECT
    sum(clicks_1) / nullif(sum(exposures_1), 0) AS ctr_1,
    sum(credited_orders_1) / nullif(sum(credited_clicks_1), 0) AS cvr_1,
    sum(clicks_2_3) / nullif(sum(exposures_2_3), 0) AS ctr_2_3,
    sum(credited_orders_2_3) / nullif(sum(credited_clicks_2_3), 0) AS cvr_2_3,
    sum(clicks_4_10) / nullif(sum(exposures_4_10), 0) AS ctr_4_10,
    sum(credited_orders_4_10) / nullif(sum(credited_clicks_4_10), 0) AS cvr_4_10,
    sum(clicks_11) / nullif(sum(exposures_11), 0) AS ctr_11,
    sum(credited_orders_11) / nullif(sum(credited_clicks_11), 0) AS cvr_11
  FROM counted
)
SELECT
  i.item_id AS item_id,
  (coalesce(c.clicks_1, 0) + {{smoothing}} * r.ctr_1) / (coalesce(c.exposures_1, 0) + {{smoothing}}) AS item_slot_ctr_1,
  (coalesce(c.clicks_2_3, 0) + {{smoothing}} * r.ctr_2_3) / (coalesce(c.exposures_2_3, 0) + {{smoothing}}) AS item_slot_ctr_2_3,
  (coalesce(c.clicks_4_10, 0) + {{smoothing}} * r.ctr_4_10) / (coalesce(c.exposures_4_10, 0) + {{smoothing}}) AS item_slot_ctr_4_10,
  (coalesce(c.clicks_11, 0) + {{smoothing}} * r.ctr_11) / (coalesce(c.exposures_11, 0) + {{smoothing}}) AS item_slot_ctr_11,
  (coalesce(c.credited_orders_1, 0) + {{smoothing}} * r.cvr_1) / (coalesce(c.credited_clicks_1, 0) + {{smoothing}}) AS item_slot_cvr_1,
  (coalesce(c.credited_orders_2_3, 0) + {{smoothing}} * r.cvr_2_3) / (coalesce(c.credited_clicks_2_3, 0) + {{smoothing}}) AS item_slot_cvr_2_3,
  (coalesce(c.credited_orders_4_10, 0) + {{smoothing}} * r.cvr_4_10) / (coalesce(c.credited_clicks_4_10, 0) + {{smoothing}}) AS item_slot_cvr_4_10,
  (coalesce(c.credited_orders_11, 0) + {{smoothing}} * r.cvr_11) / (coalesce(c.credited_clicks_11, 0) + {{smoothing}}) AS item_slot_cvr_11
FROM feature_item_prices i
LEFT JOIN counted c ON c.item_id = i.item_id
CROSS JOIN rates r
