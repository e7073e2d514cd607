-- People of each city, at nine on the first of each month.
-- schedule: 0 9 1 * *
-- timezone: Europe/Berlin
select city_id, people from first.cities
