select (select count(*) from first.countries) = (select count(*) from first.cities) as no_country_is_lost;

select regexp_full_match(slug, '[a-z0-9]+(-[a-z0-9]+)*') as slug_fits_into_an_address
from first.countries;
