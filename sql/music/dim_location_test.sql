select count(*) = 1 as has_one_unknown_place
from music.dim_location
where location_key = 'unknown';

select state is not null as every_state_has_its_name
from music.dim_location;

select state = 'District of Columbia' as dc_is_found
from music.dim_location
where city = 'Washington' and state_code = 'DC';

select length(zip) = 5 as zip_kept_its_leading_zero
from music.dim_location
where location_key <> 'unknown';
