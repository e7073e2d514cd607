-- partition_by: month(month) from 2024-01 to 2024-03
SELECT
  DATE_TRUNC(ordered_on, MONTH) AS month,
  COUNT(*) AS orders,
  COUNTIF(amount IS NULL) AS without_amount,
  SUM(amount) AS total,
  ROUND(SAFE_DIVIDE(SUM(amount), COUNTIF(amount > 5)), 2) AS per_big_one
FROM shop.orders
GROUP BY month
