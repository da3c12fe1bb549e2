-- Data sets as items. Text and price are what people see, so they stay as the source has them.
-- An item is available unless it is deleted or one of its two states is not in the list of good ones; a state that is null, or that the
-- source does not have, is no objection.
-- param: zone text = Asia/Shanghai
-- param: available_status text = ,1,
-- param: available_publish_status text = ,1,
-- unique: raw_business.dataset(id)
-- unique: raw_business.dict(id)
-- unique: raw_business.dataset_image(id)
SELECT
  d.id AS item_id,
  d.dataset_name AS title,
  d.description AS description,
  split_list(d.tag) AS tags,
  t.data_value AS category,
  d.create_company_name AS company,
  CAST(d.price AS DOUBLE) AS price,
  coalesce(c.image_url, f.image_url) AS cover_image,
  d.data_format AS data_format,
  CAST(d.amount AS DOUBLE) AS records,
  to_utc_timestamp(d.create_time, {{zone}}) AS created_at,
  to_utc_timestamp(d.update_time, {{zone}}) AS updated_at,
  coalesce(d.is_delete, false) = false
    AND (d.status IS NULL OR {{available_status}} LIKE concat('%,', d.status, ',%'))
    AND (d.publish_status IS NULL OR {{available_publish_status}} LIKE concat('%,', d.publish_status, ',%')) AS is_available,
  d.external_id AS external_id
FROM raw_business.dataset d
LEFT JOIN raw_business.dict t ON t.id = d.type_id
LEFT JOIN raw_business.dataset_image c ON c.id = d.cover_id
LEFT JOIN (
  SELECT dataset_id, image_url
  FROM (
    SELECT dataset_id, image_url, row_number() OVER (PARTITION BY dataset_id ORDER BY coalesce(image_order, 2147483647), id) AS place
    FROM raw_business.dataset_image
    WHERE image_url IS NOT NULL
  ) images
  WHERE place = 1
) f ON f.dataset_id = d.id
