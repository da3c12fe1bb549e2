-- What was shown, from the exposure logs in the lake: lists, items, how much of the catalogue, by endpoint, channel, degrade reason, variant and kind of
-- device. A list without items leaves no row in the lake and is not counted.
--
-- Rows (section, name, n, share): n counts lists, in sections channel and catalogue items shown and data sets; share is of all lists, of all items
-- shown (channel: an item may come from several), or of the data sets that are available. most_shown_tenth is how many of the items shown fall on the
-- tenth of the shown data sets that is shown most.
-- param: since time = 1970-01-01T00:00:00Z
-- param: until time = 9999-12-31T00:00:00Z
WITH shown AS (
  SELECT x.*
  FROM raw_exposures.exposures x
  WHERE x.at >= {{since}} AND x.at < {{until}}
),
lists AS (
  SELECT
    log_file,
    log_offset,
    count(*) AS n_items,
    min(endpoint) AS endpoint,
    min(degrade_reason) AS degrade_reason,
    min(concat(coalesce(variant, 'none'), '/', coalesce(experiment_variant, 'none'))) AS variant,
    min(coalesce(device_type, 'unknown')) AS device_type,
    min(CASE WHEN user_id IS NOT NULL THEN concat('user ', user_id)
             WHEN visitor_id IS NOT NULL THEN concat('visitor ', visitor_id) END) AS person
  FROM shown
  GROUP BY log_file, log_offset
),
by_item AS (
  SELECT item_id, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC, item_id) AS place
  FROM shown
  GROUP BY item_id
),
totals AS (
  SELECT
    (SELECT count(*) FROM lists) AS n_lists,
    (SELECT count(*) FROM shown) AS n_items,
    (SELECT count(DISTINCT person) FROM lists) AS n_people,
    (SELECT count(*) FROM by_item) AS n_shown,
    (SELECT count(*) FROM items WHERE is_available) AS n_available,
    (SELECT count(*) FROM by_item b JOIN items i ON i.item_id = b.item_id WHERE i.is_available) AS n_shown_available
),
channels AS (
  SELECT name
  FROM (VALUES ('behavior'), ('content'), ('vector'), ('sequence'), ('usercf'), ('tag'), ('category'), ('price'), ('popular'), ('trending'),
               ('new'), ('exploration'), ('pinned'), ('fallback:popular'), ('fallback:catalog')) named(name)
)
SELECT section, name, n, CASE WHEN whole > 0 THEN CAST(n AS DOUBLE) / whole END AS share
FROM (
  SELECT 1 AS part, 'all' AS section, 'lists' AS name, n_lists AS n, n_lists AS whole FROM totals
  UNION ALL
  SELECT 1, 'all', 'items', n_items, n_items FROM totals
  UNION ALL
  SELECT 1, 'all', 'people', n_people, 0 FROM totals
  UNION ALL
  SELECT 2, 'catalogue', 'data_sets_shown', n_shown_available, n_available FROM totals
  UNION ALL
  SELECT 2, 'catalogue', 'most_shown_tenth', coalesce(sum(b.n), 0), min(t.n_items)
  FROM totals t
  LEFT JOIN by_item b ON b.place <= ceil(t.n_shown / 10.0)
  UNION ALL
  SELECT 3, 'endpoint', l.endpoint, count(*), min(t.n_lists) FROM lists l CROSS JOIN totals t GROUP BY l.endpoint
  UNION ALL
  SELECT 4, 'channel', c.name, count(*), min(t.n_items)
  FROM shown s
  JOIN channels c ON concat('+', s.reason, '+') LIKE concat('%+', c.name, '+%')
  CROSS JOIN totals t
  GROUP BY c.name
  UNION ALL
  SELECT 5, 'degrade_reason', l.degrade_reason, count(*), min(t.n_lists) FROM lists l CROSS JOIN totals t GROUP BY l.degrade_reason
  UNION ALL
  SELECT 6, 'variant', l.variant, count(*), min(t.n_lists) FROM lists l CROSS JOIN totals t GROUP BY l.variant
  UNION ALL
  SELECT 7, 'device_type', l.device_type, count(*), min(t.n_lists) FROM lists l CROSS JOIN totals t GROUP BY l.device_type
) counted
ORDER BY part, n DESC, name
