-- Cities of the registry.
-- owner: data-eng@example.com
select
    city, -- as its inhabitants write it
    country
from first.cities_raw
