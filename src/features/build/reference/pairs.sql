-- Who touched which item: one row a person and item, with the days since the last time and the number of orders. A person is an account, or a guest
-- with a negative number made of the visitor id. One such row answers "how many different ones" for every window at once.
-- May be run in `slices` pieces, each with its share of the items, so that the memory of its hash table does not grow with the events.
-- param: as_of time = 9999-12-31T00:00:00Z
-- param: slices integer = 1
-- param: slice integer = 0
SELECT person, item_id, CAST((unix_micros({{as_of}}) - last_micros) / 86400000000 AS FLOAT) AS last_age, CAST(orders AS INTEGER) AS orders
FROM (
  SELECT person, item_id, max(micros) AS last_micros, count(*) FILTER (WHERE kind IN ('order', 'api_order')) AS orders
  FROM (
    SELECT coalesce(e.user_id, visitor_key(e.visitor_id)) AS person, e.item_id AS item_id, e.kind AS kind, unix_micros(e.at) AS micros
    FROM events e
    WHERE e.at <= {{as_of}}
      AND pmod(e.item_id, {{slices}}) = {{slice}}
      AND e.kind IN ('view', 'click', 'cart', 'order', 'api_order')
  ) touches
  WHERE person IS NOT NULL
  GROUP BY person, item_id
) pairs
