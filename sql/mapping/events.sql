-- What users and visitors did to items.
--
-- Actions of Matomo: a page that shows a data set is a view; the event Recommendation / Click is a click. The data set of a page comes from
-- the product SKU, else from the URL by the patterns in their order, else from the click dimension click_<position>_<id> (then it is a
-- click, too); that of a click from the event name dataset_<id>, else from the click dimension, never from the URL, which is that of the
-- page where the list was. A page of the check-out is no view: what is bought there comes as an order.
-- Conversions with goal -1 are cart updates. Goal 0 is an order and comes from the business tables, where it is paid or not; what Matomo saw
-- of it is only counted, once by order number: as an order of the shop, as one that the shop does not know, or as sent again.
-- Orders count when they are paid and not deleted, at the time of payment; refunded ones give a refund at their last change.
--
-- What servers have shown comes from their exposure logs, an exposure an item; what was shown to robots does not count.
--
-- A visit belongs to the account it was logged in with, else to the account that its visitor was seen with nearest in time, at most stitch_days
-- before or after; with stitch = forward only an account that was seen before the visit began counts. Visitors of one account are one person
-- through its user_id. A visitor with more actions on one day than a person has is a robot, and that day does not count. An action that a
-- visitor repeats within a second, the same page or the same event, was recorded twice (a reloading page, two trackers on it): the first counts.
-- Posted events (POST /events) keep their event_id, by which the server knows them again. One whose id is that of an event made here from Matomo's
-- tables (view:1, click:1, cart:1:2) is in them already. Orders and refunds count as the shop has them, so posted ones are only counted. A
-- guest's belong to an account as visits do, and robots are told from people the same way.
-- The big table is joined to smaller ones only and never sorted. The query is run in `slices` pieces, slice 0 .. slices - 1, each with its share
-- of the visitors, so that the memory of its hash tables does not grow with the events; each piece becomes a part of the table.
-- param: zone text = Asia/Shanghai
-- param: stitch text = both
-- param: stitch_days number = 30
-- param: robot_actions_per_day integer = 500
-- param: request_column name = custom_dimension_1
-- param: click_column name = custom_dimension_2
-- param: event_category text = Recommendation
-- param: event_action text = Click
-- param: url_pattern_1 text = dataDetail/([0-9]+)
-- param: url_pattern_2 text = dataAPIDetail/([0-9]+)
-- param: url_pattern_3 text = payment/([0-9]+)
-- param: url_pattern_4 text = $.
-- param: url_pattern_5 text = $.
-- param: checkout_pattern text = payment/[0-9]+
-- param: order_paid text = ,1,5,
-- param: order_refunded text = ,3,
-- param: api_order_paid text = ,1,
-- param: api_order_refunded text = ,3,
-- param: order_number text = ^D?([0-9]+)$
-- param: api_order_number text = ^A([0-9]+)$
-- param: slices integer = 1
-- param: slice integer = 0
-- unique: raw_business.dataset(id)
-- unique: raw_business.order_tab(id)
-- unique: raw_business.api_order(id)
-- unique: raw_matomo.log_visit(idvisit)
-- unique: raw_matomo.log_action(idaction)
-- unique: raw_matomo.log_link_visit_action(idlink_va)
-- unique: raw_matomo.log_conversion(idvisit, idgoal, buster)
-- unique: raw_events.posted_events(event_id)
-- unique: visitor_users(visitor_id, user_id)
WITH urls AS (
  SELECT idaction, item_id, is_checkout, request_id, position
  FROM (
    SELECT
      idaction,
      TRY_CAST(coalesce(
        nullif(regexp_extract(name, {{url_pattern_1}}, 1), ''),
        nullif(regexp_extract(name, {{url_pattern_2}}, 1), ''),
        nullif(regexp_extract(name, {{url_pattern_3}}, 1), ''),
        nullif(regexp_extract(name, {{url_pattern_4}}, 1), ''),
        nullif(regexp_extract(name, {{url_pattern_5}}, 1), '')) AS BIGINT) AS item_id,
      regexp_extract(name, {{url_pattern_1}}, 1) = '' AND regexp_extract(name, {{url_pattern_2}}, 1) = ''
        AND regexp_extract(name, {{checkout_pattern}}, 0) <> '' AS is_checkout,
      nullif(regexp_extract(name, '[?&]rid=([^&#]+)', 1), '') AS request_id,
      TRY_CAST(nullif(regexp_extract(name, '[?&]pos=([0-9]+)', 1), '') AS BIGINT) AS position
    FROM raw_matomo.log_action
    WHERE type = 1
  ) parsed
  WHERE item_id IS NOT NULL OR is_checkout
),
skus AS (
  SELECT idaction, TRY_CAST(nullif(regexp_extract(name, '^(dataset_)?([0-9]+)$', 2), '') AS BIGINT) AS item_id
  FROM raw_matomo.log_action
  WHERE type = 5
),
names AS (
  SELECT idaction, TRY_CAST(nullif(regexp_extract(name, '^dataset_([0-9]+)$', 1), '') AS BIGINT) AS item_id
  FROM raw_matomo.log_action
  WHERE type = 12
),
click_categories AS (
  SELECT idaction FROM raw_matomo.log_action WHERE type = 10 AND name = {{event_category}}
),
click_actions AS (
  SELECT idaction FROM raw_matomo.log_action WHERE type = 11 AND name = {{event_action}}
),
robots AS (
  SELECT idvisitor, CAST(server_time AS DATE) AS day
  FROM raw_matomo.log_link_visit_action
  WHERE pmod(hash(idvisitor), {{slices}}) = {{slice}}
  GROUP BY idvisitor, CAST(server_time AS DATE)
  HAVING count(*) > {{robot_actions_per_day}}
),
repeats AS (
  SELECT hash(idvisit, idaction_url, idaction_name, idaction_event_category, idaction_event_action, idaction_product_sku) AS action_hash
  FROM raw_matomo.log_link_visit_action
  WHERE pmod(hash(idvisitor), {{slices}}) = {{slice}}
  GROUP BY hash(idvisit, idaction_url, idaction_name, idaction_event_category, idaction_event_action, idaction_product_sku)
  HAVING count(*) > 1
),
doubles AS (
  SELECT idlink_va
  FROM (
    SELECT
      a.idlink_va,
      a.server_time,
      lag(a.server_time) OVER (
        PARTITION BY a.idvisit, a.idaction_url, a.idaction_name, a.idaction_event_category, a.idaction_event_action, a.idaction_product_sku,
                     a.{{click_column}}
        ORDER BY a.server_time, a.idlink_va) AS before
    FROM raw_matomo.log_link_visit_action a
    JOIN repeats r
      ON r.action_hash
        = hash(a.idvisit, a.idaction_url, a.idaction_name, a.idaction_event_category, a.idaction_event_action, a.idaction_product_sku)
    WHERE pmod(hash(a.idvisitor), {{slices}}) = {{slice}}
  ) repeated
  WHERE unix_micros(server_time) - unix_micros(before) <= 1000000
),
visits AS (
  SELECT idvisit, TRY_CAST(trim(user_id) AS BIGINT) AS user_id
  FROM raw_matomo.log_visit
  WHERE TRY_CAST(trim(user_id) AS BIGINT) IS NOT NULL
    AND pmod(hash(idvisitor), {{slices}}) = {{slice}}
  UNION ALL
  SELECT idvisit, user_id
  FROM (
    SELECT
      v.idvisit,
      u.user_id,
      row_number() OVER (
        PARTITION BY v.idvisit
        ORDER BY greatest(0, unix_micros(u.first_seen) - unix_micros(v.visit_last_action_time),
                          unix_micros(v.visit_first_action_time) - unix_micros(u.last_seen)), u.user_id) AS place
    FROM raw_matomo.log_visit v
    JOIN visitor_users u ON u.visitor_id = lower(hex(v.idvisitor))
    WHERE TRY_CAST(trim(v.user_id) AS BIGINT) IS NULL
      AND pmod(hash(v.idvisitor), {{slices}}) = {{slice}}
      AND ({{stitch}} <> 'forward' OR u.first_seen <= v.visit_first_action_time)
      AND unix_micros(u.first_seen) - unix_micros(v.visit_last_action_time) <= {{stitch_days}} * 86400000000
      AND unix_micros(v.visit_first_action_time) - unix_micros(u.last_seen) <= {{stitch_days}} * 86400000000
  ) stitched
  WHERE place = 1
),
posted AS (
  SELECT
    s.event_id, s.kind, coalesce(s.user_id, s.stitched_user_id) AS user_id, s.visitor_id, s.session_id, s.item_id, s.at AS at, s.value,
    s.request_id, s.position, coalesce(CAST(s.user_id AS STRING), concat('v', s.visitor_id)) AS person
  FROM (
    SELECT
      e.event_id, e.kind, e.user_id, e.visitor_id, e.session_id, e.dataset_id AS item_id, e.at AS at, e.value, e.request_id, e.position,
      u.user_id AS stitched_user_id,
      row_number() OVER (
        PARTITION BY e.event_id
        ORDER BY greatest(0, unix_micros(u.first_seen) - unix_micros(e.at), unix_micros(e.at) - unix_micros(u.last_seen)), u.user_id) AS place
    FROM raw_events.posted_events e
    LEFT JOIN visitor_users u
      ON u.visitor_id = e.visitor_id
      AND e.user_id IS NULL
      AND ({{stitch}} <> 'forward' OR u.first_seen <= e.at)
      AND unix_micros(u.first_seen) - unix_micros(e.at) <= {{stitch_days}} * 86400000000
      AND unix_micros(e.at) - unix_micros(u.last_seen) <= {{stitch_days}} * 86400000000
    WHERE pmod(hash(e.event_id), {{slices}}) = {{slice}}
  ) s
  WHERE s.place = 1
),
posted_robots AS (
  SELECT coalesce(CAST(e.user_id AS STRING), concat('v', e.visitor_id)) AS person, CAST(e.at AS DATE) AS day
  FROM raw_events.posted_events e
  WHERE coalesce(CAST(e.user_id AS STRING), e.visitor_id) IS NOT NULL
  GROUP BY coalesce(CAST(e.user_id AS STRING), concat('v', e.visitor_id)), CAST(e.at AS DATE)
  HAVING count(*) > {{robot_actions_per_day}}
),
touches AS (
  SELECT
    'action' AS origin,
    a.idlink_va AS idlink_va,
    CAST(a.idlink_va AS STRING) AS origin_id,
    a.idvisit AS idvisit,
    a.idvisitor AS idvisitor,
    a.server_time AS server_time,
    a.idaction_url AS idaction_url,
    a.idaction_name AS idaction_name,
    a.idaction_product_sku AS idaction_product_sku,
    a.idaction_event_category AS idaction_event_category,
    a.idaction_event_action AS idaction_event_action,
    a.{{request_column}} AS dimension_request_id,
    a.{{click_column}} AS click_dimension,
    CAST(NULL AS BIGINT) AS conversion_item_id,
    CAST(a.custom_float AS BIGINT) AS event_value,
    CAST(NULL AS DOUBLE) AS revenue
  FROM raw_matomo.log_link_visit_action a
  WHERE pmod(hash(a.idvisitor), {{slices}}) = {{slice}}
  UNION ALL
  SELECT
    'cart' AS origin,
    CAST(NULL AS BIGINT) AS idlink_va,
    concat(c.idvisit, ':', c.buster) AS origin_id,
    c.idvisit,
    c.idvisitor,
    c.server_time,
    c.idaction_url,
    CAST(NULL AS BIGINT) AS idaction_name,
    CAST(NULL AS BIGINT) AS idaction_product_sku,
    CAST(NULL AS BIGINT) AS idaction_event_category,
    CAST(NULL AS BIGINT) AS idaction_event_action,
    c.{{request_column}} AS dimension_request_id,
    CAST(NULL AS STRING) AS click_dimension,
    TRY_CAST(coalesce(
      nullif(regexp_extract(c.url, {{url_pattern_1}}, 1), ''),
      nullif(regexp_extract(c.url, {{url_pattern_2}}, 1), ''),
      nullif(regexp_extract(c.url, {{url_pattern_3}}, 1), ''),
      nullif(regexp_extract(c.url, {{url_pattern_4}}, 1), ''),
      nullif(regexp_extract(c.url, {{url_pattern_5}}, 1), '')) AS BIGINT) AS conversion_item_id,
    CAST(NULL AS BIGINT) AS event_value,
    c.revenue AS revenue
  FROM raw_matomo.log_conversion c
  WHERE c.idgoal = -1
    AND pmod(hash(c.idvisitor), {{slices}}) = {{slice}}
),
named AS (
  SELECT
    a.origin_id,
    a.idlink_va,
    a.idvisit,
    a.idvisitor,
    a.server_time,
    a.dimension_request_id,
    u.request_id AS url_request_id,
    CASE WHEN a.origin = 'cart' THEN 'cart'
         WHEN c.idaction IS NOT NULL AND k.idaction IS NOT NULL THEN 'click'
         WHEN a.idaction_event_category IS NOT NULL OR coalesce(u.is_checkout, false) THEN CAST(NULL AS STRING)
         WHEN coalesce(s.item_id, u.item_id) IS NOT NULL THEN 'view'
         WHEN a.click_dimension LIKE 'click_%' AND regexp_extract(a.click_dimension, '^click_([0-9]+)_([0-9]+)$', 2) <> '' THEN 'click' END AS kind,
    CASE WHEN a.origin = 'cart' THEN coalesce(a.conversion_item_id, u.item_id)
         WHEN c.idaction IS NOT NULL AND k.idaction IS NOT NULL THEN n.item_id
         ELSE coalesce(s.item_id, u.item_id) END AS item_id,
    CASE WHEN a.click_dimension LIKE 'click_%'
         THEN TRY_CAST(nullif(regexp_extract(a.click_dimension, '^click_([0-9]+)_([0-9]+)$', 2), '') AS BIGINT) END AS dimension_item_id,
    CASE WHEN a.click_dimension LIKE 'click_%'
         THEN TRY_CAST(nullif(regexp_extract(a.click_dimension, '^click_([0-9]+)_([0-9]+)$', 1), '') AS BIGINT) END AS dimension_position,
    u.position AS url_position,
    a.event_value,
    a.revenue
  FROM touches a
  LEFT JOIN urls u ON u.idaction = a.idaction_url
  LEFT JOIN skus s ON s.idaction = a.idaction_product_sku
  LEFT JOIN names n ON n.idaction = a.idaction_name
  LEFT JOIN click_categories c ON c.idaction = a.idaction_event_category
  LEFT JOIN click_actions k ON k.idaction = a.idaction_event_action
),
tracked AS (
  SELECT
    concat(kind, ':', origin_id) AS event_id,
    kind,
    idlink_va,
    idvisit,
    idvisitor,
    coalesce(item_id, dimension_item_id) AS item_id,
    server_time AS at,
    revenue AS value,
    coalesce(dimension_request_id, CASE WHEN kind <> 'click' THEN url_request_id END) AS request_id,
    CASE WHEN kind = 'cart' THEN CAST(NULL AS BIGINT)
         WHEN kind = 'view' THEN url_position
         WHEN item_id IS NULL THEN dimension_position
         WHEN event_value > 0 THEN event_value END AS position
  FROM named
  WHERE kind IS NOT NULL
)
SELECT
  t.event_id AS event_id,
  t.kind AS kind,
  v.user_id AS user_id,
  lower(hex(t.idvisitor)) AS visitor_id,
  CAST(t.idvisit AS STRING) AS session_id,
  t.item_id AS item_id,
  t.at AS at,
  t.value AS value,
  t.request_id AS request_id,
  t.position AS position,
  'matomo' AS source,
  CASE WHEN r.idvisitor IS NOT NULL THEN 'robot'
       WHEN b.idlink_va IS NOT NULL THEN 'doubled'
       WHEN t.item_id IS NULL THEN 'no item'
       WHEN d.id IS NULL THEN 'unknown item' END AS dropped
FROM tracked t
LEFT JOIN visits v ON v.idvisit = t.idvisit
LEFT JOIN robots r ON r.idvisitor = t.idvisitor AND r.day = CAST(t.at AS DATE)
LEFT JOIN doubles b ON b.idlink_va = t.idlink_va
LEFT JOIN raw_business.dataset d ON d.id = t.item_id
UNION ALL
SELECT
  CAST(NULL AS STRING) AS event_id,
  CAST(NULL AS STRING) AS kind,
  CAST(NULL AS BIGINT) AS user_id,
  CAST(NULL AS STRING) AS visitor_id,
  CAST(NULL AS STRING) AS session_id,
  CAST(NULL AS BIGINT) AS item_id,
  CAST(NULL AS TIMESTAMP) AS at,
  CAST(NULL AS DOUBLE) AS value,
  CAST(NULL AS STRING) AS request_id,
  CAST(NULL AS BIGINT) AS position,
  CAST(NULL AS STRING) AS source,
  CASE WHEN m.idorder IS NULL THEN 'Matomo order without a number'
       WHEN m.place > 1 THEN 'Matomo order sent again'
       WHEN o.id IS NULL AND p.id IS NULL THEN 'Matomo order unknown to the shop'
       ELSE 'Matomo order of the shop' END AS dropped
FROM (
  SELECT
    idorder,
    TRY_CAST(nullif(regexp_extract(idorder, {{order_number}}, 1), '') AS BIGINT) AS order_id,
    TRY_CAST(nullif(regexp_extract(idorder, {{api_order_number}}, 1), '') AS BIGINT) AS api_order_id,
    row_number() OVER (PARTITION BY idorder ORDER BY server_time, idvisit, buster) AS place
  FROM raw_matomo.log_conversion
  WHERE idgoal = 0
    AND pmod(hash(idorder), {{slices}}) = {{slice}}
) m
LEFT JOIN raw_business.order_tab o ON o.id = m.order_id
LEFT JOIN raw_business.api_order p ON p.id = m.api_order_id
UNION ALL
SELECT
  p.event_id,
  p.kind,
  p.user_id,
  p.visitor_id,
  p.session_id,
  p.item_id,
  p.at AS at,
  p.value,
  p.request_id,
  p.position,
  'posted' AS source,
  CASE WHEN r.person IS NOT NULL THEN 'robot'
       WHEN p.kind IN ('order', 'api_order', 'refund') THEN 'posted order'
       WHEN a.idlink_va IS NOT NULL OR c.idvisit IS NOT NULL THEN 'posted and in Matomo'
       WHEN d.id IS NULL THEN 'unknown item' END AS dropped
FROM posted p
LEFT JOIN posted_robots r ON r.person = p.person AND r.day = CAST(p.at AS DATE)
LEFT JOIN raw_matomo.log_link_visit_action a
  ON a.idlink_va = TRY_CAST(nullif(regexp_extract(p.event_id, '^(view|click):([0-9]+)$', 2), '') AS BIGINT)
LEFT JOIN raw_matomo.log_conversion c
  ON c.idgoal = -1
  AND c.idvisit = TRY_CAST(nullif(regexp_extract(p.event_id, '^cart:([0-9]+):([0-9]+)$', 1), '') AS BIGINT)
  AND c.buster = TRY_CAST(nullif(regexp_extract(p.event_id, '^cart:([0-9]+):([0-9]+)$', 2), '') AS BIGINT)
LEFT JOIN raw_business.dataset d ON d.id = p.item_id
UNION ALL
SELECT
  o.event_id,
  o.kind,
  o.user_id,
  CAST(NULL AS STRING) AS visitor_id,
  CAST(NULL AS STRING) AS session_id,
  o.item_id,
  o.at,
  o.value,
  CAST(NULL AS STRING) AS request_id,
  CAST(NULL AS BIGINT) AS position,
  o.source,
  CASE WHEN d.id IS NULL THEN 'unknown item' WHEN o.at IS NULL THEN 'no time' END AS dropped
FROM (
  SELECT
    concat(CASE WHEN {{order_refunded}} LIKE concat('%,', pay_status, ',%') THEN 'refund:order:' ELSE 'order:' END, id) AS event_id,
    CASE WHEN {{order_refunded}} LIKE concat('%,', pay_status, ',%') THEN 'refund' ELSE 'order' END AS kind,
    create_user AS user_id,
    dataset_id AS item_id,
    to_utc_timestamp(CASE WHEN {{order_refunded}} LIKE concat('%,', pay_status, ',%') THEN coalesce(update_time, pay_time, create_time)
                          ELSE coalesce(pay_time, create_time) END, {{zone}}) AS at,
    CAST(price AS DOUBLE) AS value,
    'order_tab' AS source
  FROM raw_business.order_tab
  WHERE coalesce(is_delete, false) = false
    AND pmod(id, {{slices}}) = {{slice}}
    AND ({{order_paid}} LIKE concat('%,', pay_status, ',%') OR {{order_refunded}} LIKE concat('%,', pay_status, ',%'))
  UNION ALL
  SELECT
    concat(CASE WHEN {{api_order_refunded}} LIKE concat('%,', pay_status, ',%') THEN 'refund:api_order:' ELSE 'api_order:' END, id) AS event_id,
    CASE WHEN {{api_order_refunded}} LIKE concat('%,', pay_status, ',%') THEN 'refund' ELSE 'api_order' END AS kind,
    creator_id AS user_id,
    api_id AS item_id,
    to_utc_timestamp(CASE WHEN {{api_order_refunded}} LIKE concat('%,', pay_status, ',%') THEN coalesce(update_time, pay_time, create_time)
                          ELSE coalesce(pay_time, create_time) END, {{zone}}) AS at,
    CAST(price AS DOUBLE) AS value,
    'api_order' AS source
  FROM raw_business.api_order
  WHERE coalesce(is_delete, false) = false
    AND pmod(id, {{slices}}) = {{slice}}
    AND ({{api_order_paid}} LIKE concat('%,', pay_status, ',%') OR {{api_order_refunded}} LIKE concat('%,', pay_status, ',%'))
) o
LEFT JOIN raw_business.dataset d ON d.id = o.item_id
UNION ALL
SELECT
  concat('exposure:', x.log_file, ':', x.log_offset, ':', x.position) AS event_id,
  'exposure' AS kind,
  x.user_id,
  x.visitor_id,
  CAST(NULL AS STRING) AS session_id,
  x.item_id,
  x.at,
  CAST(NULL AS DOUBLE) AS value,
  x.request_id,
  x.position,
  'exposures' AS source,
  CASE WHEN x.device_type = 'bot' THEN 'robot' WHEN d.id IS NULL THEN 'unknown item' END AS dropped
FROM raw_exposures.exposures x
LEFT JOIN raw_business.dataset d ON d.id = x.item_id
WHERE pmod(hash(x.request_id), {{slices}}) = {{slice}}
