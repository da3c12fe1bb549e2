-- What is hot: in the hour, the day and the week before the newest event, how many different people touched each item that may be shown and
-- says something of itself. One person counts once, whatever the number of clicks. What was only shown is no event here.
-- param: as_of time = 9999-12-31T00:00:00Z
-- unique: items(item_id)
SELECT w.timeframe AS timeframe, e.item_id AS item_id, count(DISTINCT e.person) AS score
FROM (
  SELECT x.item_id AS item_id, x.at AS at, coalesce(x.user_id, visitor_key(x.visitor_id)) AS person
  FROM events x
  WHERE x.at <= {{as_of}}
    AND x.kind IN ('view', 'click', 'cart', 'order', 'api_order')
    AND unix_micros(x.at) > (SELECT max(unix_micros(y.at)) - 7 * 86400000000 FROM events y WHERE y.at <= {{as_of}} AND y.kind <> 'exposure')
) e
CROSS JOIN (SELECT max(unix_micros(z.at)) AS newest FROM events z WHERE z.at <= {{as_of}} AND z.kind <> 'exposure') n
CROSS JOIN (
  SELECT '1h' AS timeframe, 3600000000 AS width
  UNION ALL SELECT '24h' AS timeframe, 86400000000 AS width
  UNION ALL SELECT '7d' AS timeframe, 7 * 86400000000 AS width
) w
JOIN items i ON i.item_id = e.item_id
WHERE unix_micros(e.at) > n.newest - w.width
  AND i.is_available
  AND coalesce(i.title, '') <> ''
  AND (coalesce(i.description, '') <> '' OR len(i.tags) > 0)
GROUP BY w.timeframe, e.item_id
