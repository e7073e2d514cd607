select country, city as capital, population
from first.cities
join first.cities_raw using (city, country)
order by country
