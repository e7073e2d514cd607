-- Every shop with the country it stands in.
select
    s.shop_id,   -- the number on the shop's door
    s.kind,      -- what it sells
    s.city,      -- as the shop itself writes it
    c.country    -- empty where the city is no capital we know
from first.shops_raw as s
left join first.cities as c on c.city = s.city
