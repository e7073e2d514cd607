-- mode: merge
-- unique_key: id
-- on_match: update
SELECT id, CAST(amount AS STRING) AS amount, amount / 2 AS half, CAST(amount AS INT64) AS rounded
FROM shop.orders
WHERE amount IS NOT NULL AND sold_at > TIMESTAMP(@last_built)
