-- on: result
select count(*) = count(distinct id) as each_order_once from shop.orders;
