select country, continent, length(country) as letters
from first.countries
