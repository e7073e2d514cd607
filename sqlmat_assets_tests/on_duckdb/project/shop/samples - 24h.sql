SELECT id, FARM_FINGERPRINT(customer) AS bucket
FROM shop.orders
WHERE MOD(ABS(FARM_FINGERPRINT(customer)), 10) = 0
