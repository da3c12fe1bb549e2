-- What each user has bought until a time: one row a user and item.
-- param: as_of time = 9999-12-31T00:00:00Z
SELECT DISTINCT user_id, item_id
FROM events
WHERE kind IN ('order', 'api_order')
  AND user_id IS NOT NULL
  AND at <= {{as_of}}
