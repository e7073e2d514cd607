SELECT COUNTIF(ordered_on IS NULL) = 0 AS every_date_is_read, COUNT(*) = COUNT(DISTINCT id) AS ids_are_unique
FROM shop.orders;

SELECT due_on > sold_on_in_tokyo AS due_afterwards FROM `my-project.shop.orders`;
