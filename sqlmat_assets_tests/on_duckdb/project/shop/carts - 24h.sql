SELECT
  c.cart,
  ARRAY_LENGTH(c.items) AS items,
  (SELECT SUM(i.price) FROM UNNEST(c.items) AS i) AS total,
  ARRAY(SELECT AS STRUCT i.sku, UPPER(i.sku) AS shown FROM UNNEST(c.items) AS i ORDER BY i.sku) AS skus,
  (SELECT STRING_AGG(DISTINCT tag, '|' ORDER BY tag) FROM UNNEST(c.items) AS i, UNNEST(SPLIT(i.tags)) AS tag) AS tags
FROM shop.carts_raw AS c
