-- What came of what was shown: one row a request and data set, with its position, and whether the person it was shown to clicked and ordered it.
--
-- Of an exposure that was written twice (by the server and by the page, or sent again) the first counts; one without a request id belongs to no list
-- and is left out. Clicks and orders are those of the table attributions, so each is credited to one (request, data set) at most and an order to its
-- last touch. They count when they are the same person's: the same account, or the same visitor where one side knows no account. An exposure that
-- tells neither account nor visitor takes those of anyone, for a request id is given to one page. No click has to come after its exposure,
-- because the clocks of the two differ.
--
-- Exposures of [label_from, label_to) count, and what was done until `until`, that time included. In `slices` pieces of the requests if wanted, as
-- labels/interactions is in pieces of the people.
-- param: label_from time = 1970-01-01T00:00:00Z
-- param: label_to time = 9999-12-31T00:00:00Z
-- param: until time = 9999-12-31T00:00:00Z
-- param: slices integer = 1
-- param: slice integer = 0
-- unique: events(event_id)
-- unique: attributions(event_id)
WITH shown AS (
  SELECT x.request_id, x.user_id, x.visitor_id, x.item_id, x.position, x.at
  FROM (
    SELECT
      e.request_id AS request_id,
      e.user_id AS user_id,
      e.visitor_id AS visitor_id,
      e.item_id AS item_id,
      e.position AS position,
      e.at AS at,
      row_number() OVER (PARTITION BY e.request_id, e.item_id ORDER BY e.at, e.event_id) AS place
    FROM events e
    WHERE e.kind = 'exposure'
      AND e.request_id IS NOT NULL
      AND pmod(hash(e.request_id), {{slices}}) = {{slice}}
  ) x
  WHERE x.place = 1
    AND x.at >= {{label_from}}
    AND x.at < {{label_to}}
),
credited AS (
  SELECT
    s.request_id AS request_id,
    s.item_id AS item_id,
    count(*) FILTER (WHERE a.kind = 'click') AS n_clicks,
    count(*) FILTER (WHERE a.kind <> 'click') AS n_orders
  FROM shown s
  JOIN attributions a ON a.request_id = s.request_id AND a.item_id = s.item_id
  WHERE a.at <= {{until}}
    AND (a.user_id = s.user_id
         OR (a.visitor_id = s.visitor_id AND (a.user_id IS NULL OR s.user_id IS NULL))
         OR (s.user_id IS NULL AND s.visitor_id IS NULL))
  GROUP BY s.request_id, s.item_id
)
SELECT
  s.request_id AS request_id,
  s.user_id AS user_id,
  s.visitor_id AS visitor_id,
  s.item_id AS item_id,
  s.position AS position,
  s.at AS at,
  coalesce(c.n_clicks, 0) > 0 AS clicked,
  coalesce(c.n_orders, 0) > 0 AS ordered
FROM shown s
LEFT JOIN credited c ON c.request_id = s.request_id AND c.item_id = s.item_id
