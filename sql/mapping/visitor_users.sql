-- Which accounts each visitor was logged in as, and when, by Matomo and by posted events. A user_id that is no number is no account of the marketplace.
SELECT
  visitor_id,
  user_id,
  min(visit_first_action_time) AS first_seen,
  max(visit_last_action_time) AS last_seen
FROM (
  SELECT
    lower(hex(idvisitor)) AS visitor_id,
    TRY_CAST(trim(user_id) AS BIGINT) AS user_id,
    visit_first_action_time,
    visit_last_action_time
  FROM raw_matomo.log_visit
  WHERE user_id IS NOT NULL
  UNION ALL
  SELECT p.visitor_id, p.user_id, p.at AS visit_first_action_time, p.at AS visit_last_action_time
  FROM raw_events.posted_events p
  WHERE p.user_id IS NOT NULL AND p.visitor_id IS NOT NULL
) visits
WHERE user_id IS NOT NULL
GROUP BY visitor_id, user_id
