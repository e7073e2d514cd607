-- How many people live in the capitals of each continent.
-- unique: continent
select
    continent,                       -- its name in English
    count(*) as capitals,            -- how many we know of
    sum(population) as population    -- people in those cities proper
from first.cities_raw
group by continent
