-- How many people want each item that may be shown: different people, each with the weight of the last thing done, halved for each half-life
-- between it and the newest event (exposures aside). In `slices` pieces of the items if wanted, as labels/interactions is in pieces of the people.
-- param: as_of time = 9999-12-31T00:00:00Z
-- param: half_life_days number = 14
-- param: slices integer = 1
-- param: slice integer = 0
-- unique: items(item_id)
SELECT p.item_id AS item_id, sum(pow(0.5, p.age_days / {{half_life_days}})) AS score, count(*) AS people
FROM (
  SELECT e.item_id AS item_id, min(unix_micros(n.newest) - unix_micros(e.at)) / 86400000000 AS age_days
  FROM events e
  CROSS JOIN (SELECT max(x.at) AS newest FROM events x WHERE x.at <= {{as_of}} AND x.kind <> 'exposure') n
  WHERE e.at <= {{as_of}}
    AND e.item_id % {{slices}} = {{slice}}
    AND e.kind IN ('view', 'click', 'cart', 'order', 'api_order')
  GROUP BY e.item_id, coalesce(e.user_id, visitor_key(e.visitor_id))
) p
JOIN items i ON i.item_id = p.item_id
WHERE i.is_available
  AND coalesce(i.title, '') <> ''
GROUP BY p.item_id
