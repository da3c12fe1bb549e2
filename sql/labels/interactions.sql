-- Who touched which item how strongly: one row a user or guest and item. An event counts its kind's weight, halved for each half-life between
-- it and the newest event, so that the result does not depend on when it is computed. Only events until as_of count: whoever evaluates
-- cuts there. Guests are visitors that no account was seen with; guest_key is a number made of the visitor id and never a user's.
-- The query may be run in `slices` pieces, slice 0 .. slices - 1, each with its share of the people, so that its memory does not grow with
-- the events.
-- param: as_of time = 9999-12-31T00:00:00Z
-- param: half_life_days number = 90
-- param: view_weight number = 1
-- param: click_weight number = 2
-- param: cart_weight number = 3
-- param: order_weight number = 5
-- param: slices integer = 1
-- param: slice integer = 0
SELECT
  w.user_id AS user_id,
  w.guest_key AS guest_key,
  w.item_id AS item_id,
  CAST(sum(w.kind_weight * pow(0.5, w.age_days / {{half_life_days}})) AS FLOAT) AS weight,
  max(w.at) AS last_at
FROM (
  SELECT
    e.user_id AS user_id,
    CASE WHEN e.user_id IS NULL THEN visitor_key(e.visitor_id) END AS guest_key,
    e.item_id AS item_id,
    e.at AS at,
    CASE e.kind WHEN 'view' THEN {{view_weight}} WHEN 'click' THEN {{click_weight}} WHEN 'cart' THEN {{cart_weight}}
                WHEN 'order' THEN {{order_weight}} WHEN 'api_order' THEN {{order_weight}} ELSE 0 END AS kind_weight,
    (unix_micros(n.newest) - unix_micros(e.at)) / 86400000000 AS age_days
  FROM events e
  CROSS JOIN (SELECT max(x.at) AS newest FROM events x WHERE x.at <= {{as_of}} AND x.kind <> 'exposure') n
  WHERE e.at <= {{as_of}}
    AND e.kind IN ('view', 'click', 'cart', 'order', 'api_order')
    AND abs(coalesce(e.user_id, visitor_key(e.visitor_id))) % {{slices}} = {{slice}}
) w
WHERE w.kind_weight > 0
GROUP BY w.user_id, w.guest_key, w.item_id
