select (select count(*) from first.shops) = (select count(*) from first.shops_raw) as no_shop_lost_or_doubled;

-- warn
select country is not null as country_is_known
from first.shops;
