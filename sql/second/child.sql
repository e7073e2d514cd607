-- Capitals by the first letter of their country.
select
    left(country, 1) as letter,  -- upper case
    count(*) as capitals         -- how many
from first.cities
group by letter
