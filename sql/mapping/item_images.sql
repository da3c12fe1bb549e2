-- Images of items.
-- param: zone text = Asia/Shanghai
SELECT
  i.id AS image_id,
  i.dataset_id AS item_id,
  i.image_url AS image_url,
  i.image_order AS image_order,
  to_utc_timestamp(i.create_time, {{zone}}) AS created_at,
  to_utc_timestamp(i.update_time, {{zone}}) AS updated_at
FROM raw_business.dataset_image i
