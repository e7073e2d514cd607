select
    filename = 'green_tripdata_' || strftime(file_month, '%Y-%m') || '.csv.gz' as month_is_that_of_the_file,
    lpep_dropoff_datetime >= lpep_pickup_datetime as ends_after_it_begins
from taxi.green_tripdata;

-- Two trips that were taken for one, or one for two.
with kept as (
    select file_month, count(*) as trips from taxi.green_tripdata group by file_month
),
sent as (
    select file_month, count(*) as trips
    from (
        select distinct
            file_month, VendorID, lpep_pickup_datetime, lpep_dropoff_datetime,
            PULocationID, DOLocationID, trip_distance, fare_amount
        from taxi.green_files
    )
    group by file_month
)
select kept.trips = sent.trips as no_trip_lost_or_doubled
from kept
left join sent using (file_month);

-- warn
select date_trunc('month', lpep_pickup_datetime) = file_month as began_in_the_month_of_the_file
from taxi.green_tripdata;
