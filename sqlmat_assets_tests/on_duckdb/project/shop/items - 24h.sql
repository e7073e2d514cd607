SELECT cart, position + 1 AS position, sku, item.price, SPLIT(item.tags, ',')[SAFE_OFFSET(1)] AS second_tag
FROM shop.carts_raw AS c, UNNEST(c.items) AS item WITH OFFSET AS position
