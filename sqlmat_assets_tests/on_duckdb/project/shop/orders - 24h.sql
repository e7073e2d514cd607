-- Orders with their dates read, however they were written.
SELECT
  id,        -- of the order
  customer,
  COALESCE(SAFE.PARSE_DATE('%Y-%m-%d', ordered), SAFE.PARSE_DATE('%d/%m/%Y', ordered)) AS ordered_on,
  SAFE_CAST(amount AS FLOAT64) AS amount,  -- in euro, where it is a number
  sold_at,
  DATE(sold_at, 'Asia/Tokyo') AS sold_on_in_tokyo,
  DATE_ADD(DATE(sold_at), INTERVAL 1 MONTH) AS due_on
FROM `my-project.shop.orders_raw`
