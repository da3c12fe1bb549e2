-- What each user or guest did last: the newest max_history items of each, with the time of the last event on each, place 1 the newest.
-- In `slices` pieces of the people if wanted, as labels/interactions.
-- param: as_of time = 9999-12-31T00:00:00Z
-- param: max_history integer = 50
-- param: slices integer = 1
-- param: slice integer = 0
SELECT user_id, guest_key, item_id, last_at, place
FROM (
  SELECT
    user_id,
    guest_key,
    item_id,
    last_at,
    row_number() OVER (PARTITION BY user_id, guest_key ORDER BY last_at DESC, item_id) AS place
  FROM (
    SELECT
      e.user_id AS user_id,
      CASE WHEN e.user_id IS NULL THEN visitor_key(e.visitor_id) END AS guest_key,
      e.item_id AS item_id,
      max(e.at) AS last_at
    FROM events e
    WHERE e.at <= {{as_of}}
      AND e.kind IN ('view', 'click', 'cart', 'order', 'api_order')
      AND abs(coalesce(e.user_id, visitor_key(e.visitor_id))) % {{slices}} = {{slice}}
    GROUP BY e.user_id, CASE WHEN e.user_id IS NULL THEN visitor_key(e.visitor_id) END, e.item_id
  ) pairs
) ranked
WHERE place <= {{max_history}}
