-- What stood on each place of the lists whose order a bundle decides, whether it was clicked, and the chance with which it stood there: what an estimate of
-- another bundle rests on. visitor is who saw it, by the best that the log has. Rows of one list follow each other, by place. Lists from a fallback, and those of several slots, are left out.
--
-- param: since time = 1970-01-01T00:00:00Z
-- param: until time = 9999-12-31T00:00:00Z
WITH clicked AS (
  SELECT request_id, item_id, count(*) AS n
  FROM attributions
  WHERE kind = 'click'
  GROUP BY request_id, item_id
)
SELECT
  x.log_file AS log_file,
  x.log_offset AS log_offset,
  x.position AS position,
  x.item_id AS item_id,
  x.user_id AS user_id,
  x.page_id AS page_id,
  coalesce(x.propensity, 1) AS propensity,
  CASE WHEN c.n IS NULL THEN 0 ELSE 1 END AS clicked,
  unix_micros(x.at) AS at_micros,
  coalesce('user ' || CAST(x.user_id AS TEXT), 'visitor ' || x.visitor_id, 'request ' || x.request_id) AS visitor,
  x.endpoint AS endpoint
FROM raw_exposures.exposures x
LEFT JOIN clicked c ON c.request_id = x.request_id AND c.item_id = x.item_id
WHERE x.at >= {{since}} AND x.at < {{until}}
  AND x.endpoint IN ('similar', 'recommend_detail', 'recommend_user')
  AND coalesce(x.degrade_reason, 'none') = 'none'
ORDER BY x.log_file, x.log_offset, x.position
