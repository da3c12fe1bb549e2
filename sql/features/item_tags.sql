-- One row an item and tag, with the tag's number (the order of its text) and how many items have it.
-- param: as_of time = 9999-12-31T00:00:00Z
WITH tagged AS (
  SELECT i.item_id AS item_id, explode(i.tags) AS tag
  FROM items i
  WHERE i.created_at IS NULL OR i.created_at <= {{as_of}}
)
SELECT t.item_id AS item_id, t.tag AS tag, n.tag_no AS tag_no, n.n_items AS n_items
FROM tagged t
JOIN (
  SELECT tag, count(*) AS n_items, row_number() OVER (ORDER BY tag) AS tag_no
  FROM tagged
  GROUP BY tag
) n ON n.tag = t.tag
