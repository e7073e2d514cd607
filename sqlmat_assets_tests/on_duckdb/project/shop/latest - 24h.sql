-- The last order of each customer, with what was bought until then.
SELECT
  customer,
  id,
  SUM(IFNULL(amount, 0)) OVER (PARTITION BY customer ORDER BY sold_at) AS bought,
  DATE_DIFF(ordered_on, LAG(ordered_on) OVER (PARTITION BY customer ORDER BY sold_at), DAY) AS days_since
FROM shop.orders
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY customer ORDER BY sold_at DESC) = 1
