-- What each visitor was shown and did, for a report on an experiment: a row a unit (the user id, else the visitor id; requests without either take part in
-- none) that was shown a list.
--
-- clicks and orders are those that attributions credits to one of the unit's lists, value is the money of these orders. before counts the unit's views,
-- clicks, carts and orders in the before_days before `since`, by which CUPED takes off what visitors do anyway. first_label and last_label are the least
-- and the greatest experiment_variant of its lists: they tell whether the log agrees with the experiments' file.
-- param: since time = 1970-01-01T00:00:00Z
-- param: until time = 9999-12-31T00:00:00Z
-- param: before_days number = 28
WITH lists AS (
  SELECT
    coalesce(CAST(min(x.user_id) AS TEXT), min(x.visitor_id)) AS unit,
    min(x.request_id) AS request_id,
    min(x.experiment_variant) AS experiment_variant
  FROM raw_exposures.exposures x
  WHERE x.at >= {{since}} AND x.at < {{until}}
    AND (x.user_id IS NOT NULL OR x.visitor_id IS NOT NULL)
  GROUP BY x.log_file, x.log_offset
),
requests AS (
  SELECT request_id, min(unit) AS unit
  FROM lists
  GROUP BY request_id
),
credited AS (
  SELECT
    r.unit AS unit,
    sum(CASE WHEN a.kind = 'click' THEN 1 ELSE 0 END) AS clicks,
    sum(CASE WHEN a.kind <> 'click' THEN 1 ELSE 0 END) AS orders,
    sum(CASE WHEN a.kind <> 'click' THEN coalesce(e.value, 0) ELSE 0 END) AS value
  FROM attributions a
  JOIN requests r ON r.request_id = a.request_id
  JOIN events e ON e.event_id = a.event_id
  GROUP BY r.unit
),
earlier AS (
  SELECT coalesce(CAST(e.user_id AS TEXT), e.visitor_id) AS unit, count(*) AS n
  FROM events e
  WHERE e.kind IN ('view', 'click', 'cart', 'order', 'api_order')
    AND e.at < {{since}}
    AND unix_micros({{since}}) - unix_micros(e.at) <= {{before_days}} * 86400000000
  GROUP BY 1
)
SELECT
  l.unit AS unit,
  count(*) AS lists,
  coalesce(min(c.clicks), 0) AS clicks,
  coalesce(min(c.orders), 0) AS orders,
  coalesce(min(c.value), 0) AS value,
  coalesce(min(b.n), 0) AS before,
  min(l.experiment_variant) AS first_label,
  max(l.experiment_variant) AS last_label
FROM lists l
LEFT JOIN credited c ON c.unit = l.unit
LEFT JOIN earlier b ON b.unit = l.unit
GROUP BY l.unit
ORDER BY l.unit
