-- What each user has bought until a time (refunded orders are no orders): one row a user and item.
-- param: as_of time = 9999-12-31T00:00:00Z
SELECT DISTINCT e.user_id AS user_id, e.item_id AS item_id
FROM events e
WHERE e.kind IN ('order', 'api_order')
  AND e.user_id IS NOT NULL
  AND e.at <= {{as_of}}
