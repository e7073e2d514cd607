select
    filename = 'yellow_tripdata_' || format_date('%Y-%m', file_month) || '.csv.gz' as month_is_that_of_the_file,
    tpep_dropoff_datetime >= tpep_pickup_datetime as ends_after_it_begins
from taxi.yellow_tripdata;

-- The file of another month, under the name of this one, would take the other's trips.
select
    countif(date(timestamp_trunc(tpep_pickup_datetime, month)) <> file_month) < count(*) / 10
        as few_trips_of_other_months
from taxi.yellow_tripdata
group by file_month;

-- Two trips that were taken for one, or one for two.
select
    (select count(*) from taxi.yellow_tripdata) = count(*) as no_trip_lost_or_doubled
from (
    select distinct
        VendorID, tpep_pickup_datetime, tpep_dropoff_datetime,
        PULocationID, DOLocationID, trip_distance, fare_amount
    from taxi.yellow_files
    where file_month in (select file_month from taxi.yellow_tripdata)
);

-- warn
select date(timestamp_trunc(tpep_pickup_datetime, month)) = file_month as began_in_the_month_of_the_file
from taxi.yellow_tripdata;
