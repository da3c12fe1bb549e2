-- The items there were at as_of, each with its price and where that lies among all prices: tenths of the data, never fixed edges, and equal prices share
-- a bucket. The lake keeps the newest state of an item alone, so price and text are those of the newest extract.
-- param: as_of time = 9999-12-31T00:00:00Z
SELECT
  item_id,
  category,
  price,
  price_log,
  CASE WHEN price IS NOT NULL THEN least(9, floor(10 * price_rank)) END AS price_bucket,
  CASE WHEN price IS NOT NULL THEN coalesce((price_log - log_mean) / nullif(log_std, 0), 0) END AS price_zscore
FROM (
  SELECT
    item_id,
    category,
    price,
    price_log,
    percent_rank() OVER (PARTITION BY CASE WHEN price IS NULL THEN 1 ELSE 0 END ORDER BY price) AS price_rank,
    avg(price_log) OVER () AS log_mean,
    stddev_pop(price_log) OVER () AS log_std
  FROM (
    SELECT i.item_id AS item_id, nullif(trim(i.category), '') AS category, i.price AS price, ln(1 + CASE WHEN i.price < 0 THEN 0 ELSE i.price END) AS price_log
    FROM items i
    WHERE i.created_at IS NULL OR i.created_at <= {{as_of}}
  ) priced
) ranked
