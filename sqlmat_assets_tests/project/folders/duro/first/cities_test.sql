select country = 'France' as correct_capital_of_france
from first.cities
where city = 'Paris';
