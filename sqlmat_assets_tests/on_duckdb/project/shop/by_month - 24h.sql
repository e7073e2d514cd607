SELECT customer, IFNULL(jan, 0) AS jan, IFNULL(feb, 0) AS feb, IFNULL(mar, 0) AS mar
FROM (
  SELECT customer, amount, FORMAT_DATE('%b', ordered_on) AS month FROM shop.orders
)
PIVOT(SUM(amount) FOR month IN ('Jan' AS jan, 'Feb' AS feb, 'Mar' AS mar))
