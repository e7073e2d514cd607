-- warn
-- The file of the other colour may be late.
select count(distinct taxi) = 2 as both_colours from taxi.monthly_trips group by file_month;

select revenue > 0 as earns_something, trips_of_other_months < trips / 10 as few_trips_of_other_months
from taxi.monthly_trips;
