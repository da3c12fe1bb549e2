-- How many different people touched and bought each item.
SELECT
  item_id,
  count(*) AS item_people_all,
  count(*) FILTER (WHERE last_age < 1) AS item_people_24h,
  count(*) FILTER (WHERE last_age < 7) AS item_people_7d,
  count(*) FILTER (WHERE last_age < 30) AS item_people_30d,
  count(*) FILTER (WHERE orders > 0) AS item_buyer_count
FROM feature_pairs
GROUP BY item_id
