-- The category each user touched most (of equal ones the first by its text), and how many there are. The largest of count * 10^9 - number is the place
-- that a sort would give, without one.
-- unique: feature_item_prices(item_id)
WITH categories AS (
  SELECT category, row_number() OVER (ORDER BY category) AS category_no
  FROM (SELECT DISTINCT category FROM feature_item_prices WHERE category IS NOT NULL) named
)
SELECT t.user_id AS user_id, t.n_categories AS user_category_count, c.category AS user_top_category, t.share AS user_top_category_share
FROM (
  SELECT
    user_id,
    count(*) AS n_categories,
    1000000000 - pmod(max(n * 1000000000 - category_no), 1000000000) AS top_no,
    max(n) / sum(n) AS share
  FROM (
    SELECT p.person AS user_id, i.category_no AS category_no, count(*) AS n
    FROM feature_pairs p
    JOIN (
      SELECT f.item_id AS item_id, c.category_no AS category_no
      FROM feature_item_prices f
      JOIN categories c ON c.category = f.category
    ) i ON i.item_id = p.item_id
    WHERE p.person >= 0
    GROUP BY p.person, i.category_no
  ) counted
  GROUP BY user_id
) t
JOIN categories c ON c.category_no = t.top_no
