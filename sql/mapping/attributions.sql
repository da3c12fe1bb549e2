-- Which clicks and orders a recommendation is credited with: each at most one (request, data set), and each (person, request, data set) at most
-- one click and one order, so that nobody's clicks or orders exceed what that person was shown.
--
-- A touch is an action on a data set that carries a request id: the click on the card, or the page it led to. A person is the account, else the
-- visitor. Of several clicks of a person on one data set of one request the first counts. An order or API order is credited to the last touch of
-- that data set by its buyer at most attribution_days before it; when that touch has an order already, the purchase was a repeated one
-- and is credited to nobody. A refunded order is no order (see events). Equal times are put in order by event_id (as text). The query is run in
-- pieces, each with its share of the data sets.
-- param: attribution_days number = 7
-- param: slices integer = 1
-- param: slice integer = 0
-- unique: events(event_id)
WITH touches AS (
  SELECT
    e.event_id AS event_id,
    e.kind AS kind,
    e.user_id AS user_id,
    e.visitor_id AS visitor_id,
    CASE WHEN e.user_id IS NOT NULL THEN concat('user ', e.user_id) ELSE concat('visitor ', e.visitor_id) END AS person,
    e.item_id AS item_id,
    e.request_id AS request_id,
    e.position AS position,
    e.at AS touched_at
  FROM events e
  WHERE e.kind IN ('click', 'view')
    AND e.request_id IS NOT NULL
    AND (e.user_id IS NOT NULL OR e.visitor_id IS NOT NULL)
    AND pmod(e.item_id, {{slices}}) = {{slice}}
),
orders AS (
  SELECT
    e.event_id AS event_id,
    e.kind AS kind,
    e.user_id AS user_id,
    CASE WHEN e.user_id IS NOT NULL THEN concat('user ', e.user_id) ELSE concat('visitor ', e.visitor_id) END AS person,
    e.item_id AS item_id,
    e.at AS ordered_at
  FROM events e
  WHERE e.kind IN ('order', 'api_order')
    AND (e.user_id IS NOT NULL OR e.visitor_id IS NOT NULL)
    AND pmod(e.item_id, {{slices}}) = {{slice}}
),
last_touches AS (
  SELECT
    o.event_id AS event_id,
    o.kind AS kind,
    o.user_id AS user_id,
    o.person AS person,
    o.ordered_at AS ordered_at,
    t.event_id AS touch_event_id,
    t.visitor_id AS visitor_id,
    t.item_id AS item_id,
    t.request_id AS request_id,
    t.position AS position,
    t.touched_at AS touched_at,
    row_number() OVER (PARTITION BY o.event_id ORDER BY t.touched_at DESC, t.event_id DESC) AS place
  FROM orders o
  JOIN touches t ON t.person = o.person AND t.item_id = o.item_id
  WHERE unix_micros(o.ordered_at) - unix_micros(t.touched_at) >= 0
    AND unix_micros(o.ordered_at) - unix_micros(t.touched_at) <= {{attribution_days}} * 86400000000
)
SELECT event_id, kind, user_id, visitor_id, item_id, touched_at AS at, request_id, position, event_id AS touch_event_id, touched_at
FROM (
  SELECT *, row_number() OVER (PARTITION BY person, request_id, item_id ORDER BY touched_at, event_id) AS place
  FROM touches
  WHERE kind = 'click'
) clicks
WHERE place = 1
UNION ALL
SELECT event_id, kind, user_id, visitor_id, item_id, ordered_at AS at, request_id, position, touch_event_id, touched_at
FROM (
  SELECT *, row_number() OVER (PARTITION BY person, request_id, item_id ORDER BY ordered_at, event_id) AS order_of_request
  FROM last_touches
  WHERE place = 1
) credited
WHERE order_of_request = 1
