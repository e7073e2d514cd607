select city from first.cities
