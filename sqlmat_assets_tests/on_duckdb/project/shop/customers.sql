-- mode: view
SELECT INITCAP(customer) AS name, REGEXP_EXTRACT(customer, r'^(.)') AS initial, COUNT(*) AS orders
FROM shop.orders
GROUP BY 1, 2
