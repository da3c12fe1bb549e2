-- The tags each user touched most: places 1 to 3 by the number of items, of equal ones the first by its text; and how many different ones there are.
WITH counted AS (
  SELECT p.person AS user_id, t.tag_no AS tag_no, count(*) AS n
  FROM feature_pairs p
  JOIN feature_item_tags t ON t.item_id = p.item_id
  WHERE p.person >= 0
  GROUP BY p.person, t.tag_no
),
tags AS (
  SELECT DISTINCT tag_no, tag
  FROM feature_item_tags
)
SELECT
  s.user_id AS user_id,
  s.n_tags AS user_tag_count,
  s.n_tags / s.n_seen AS user_tag_diversity,
  a.tag AS user_top_tag_1,
  s.count_1 AS user_top_tag_1_count,
  b.tag AS user_top_tag_2,
  s.count_2 AS user_top_tag_2_count,
  c.tag AS user_top_tag_3,
  s.count_3 AS user_top_tag_3_count
FROM (
  SELECT
    user_id,
    count(*) AS n_tags,
    sum(n) AS n_seen,
    max(CASE WHEN place = 1 THEN tag_no END) AS tag_no_1,
    max(CASE WHEN place = 2 THEN tag_no END) AS tag_no_2,
    max(CASE WHEN place = 3 THEN tag_no END) AS tag_no_3,
    max(CASE WHEN place = 1 THEN n END) AS count_1,
    max(CASE WHEN place = 2 THEN n END) AS count_2,
    max(CASE WHEN place = 3 THEN n END) AS count_3
  FROM (
    SELECT user_id, tag_no, n, row_number() OVER (PARTITION BY user_id ORDER BY n DESC, tag_no) AS place
    FROM counted
  ) placed
  GROUP BY user_id
) s
LEFT JOIN tags a ON a.tag_no = s.tag_no_1
LEFT JOIN tags b ON b.tag_no = s.tag_no_2
LEFT JOIN tags c ON c.tag_no = s.tag_no_3
