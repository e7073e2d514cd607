select count(*) > 0 as has_rows from first.countries
