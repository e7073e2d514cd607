SELECT
  cart,
  JSON_VALUE(payload, '$.device.os') AS os,
  CAST(JSON_VALUE(payload, '$.device.cores') AS INT64) AS cores,
  ARRAY_LENGTH(JSON_QUERY_ARRAY(payload, '$.steps')) AS steps,
  JSON_QUERY(payload, '$.device') AS device
FROM shop.carts_raw
