select
    filename = 'green_tripdata_' || format_date('%Y-%m', file_month) || '.csv.gz' as month_is_that_of_the_file,
    lpep_dropoff_datetime >= lpep_pickup_datetime as ends_after_it_begins
from taxi.green_tripdata;

-- The file of another month, under the name of this one, would take the other's trips.
select
    countif(date(timestamp_trunc(lpep_pickup_datetime, month)) <> file_month) < count(*) / 10
        as few_trips_of_other_months
from taxi.green_tripdata
group by file_month;

-- Two trips that were taken for one, or one for two.
select
    (select count(*) from taxi.green_tripdata) = count(*) as no_trip_lost_or_doubled
from (
    select distinct
        VendorID, lpep_pickup_datetime, lpep_dropoff_datetime,
        PULocationID, DOLocationID, trip_distance, fare_amount
    from taxi.green_files
    where file_month in (select file_month from taxi.green_tripdata)
);

-- warn
select date(timestamp_trunc(lpep_pickup_datetime, month)) = file_month as began_in_the_month_of_the_file
from taxi.green_tripdata;
