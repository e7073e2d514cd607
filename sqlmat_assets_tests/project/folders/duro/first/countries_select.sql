select country, continent
from first.countries_raw
