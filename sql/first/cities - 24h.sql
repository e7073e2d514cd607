-- The capital of every country.
select
    city,    -- its name in English
    country  -- the country's short name in English
from first.cities_raw
