-- Accounts as users; the industry is that of their company.
-- param: zone text = Asia/Shanghai
-- unique: raw_business.user(id)
-- unique: raw_business.company(id)
SELECT
  u.id AS user_id,
  u.company_name AS company,
  u.province AS province,
  u.city AS city,
  split_list(c.industry) AS industry,
  u.is_consumption AS is_consumer,
  to_utc_timestamp(u.create_time, {{zone}}) AS created_at,
  to_utc_timestamp(u.last_login_time, {{zone}}) AS last_login_at
FROM raw_business.user u
LEFT JOIN raw_business.company c ON c.id = u.company_id
