-- Who buys where.
-- owner: shops@example.com
-- unique: person_id
-- max_row_change: 20%
select
    p.person_id,  -- the customer's number
    p.name,       -- first and last name
    s.kind,       -- the kind of shop; empty for those who have not told us
    s.country     -- where that shop stands
from first.people_raw as p
left join first.shops as s on s.shop_id = p.shop_id
