select
    filename = 'yellow_tripdata_' || strftime(file_month, '%Y-%m') || '.csv.gz' as month_is_that_of_the_file,
    tpep_dropoff_datetime >= tpep_pickup_datetime as ends_after_it_begins
from taxi.yellow_tripdata;

-- Two trips that were taken for one, or one for two.
with kept as (
    select file_month, count(*) as trips from taxi.yellow_tripdata group by file_month
),
sent as (
    select file_month, count(*) as trips
    from (
        select distinct
            file_month, VendorID, tpep_pickup_datetime, tpep_dropoff_datetime,
            PULocationID, DOLocationID, trip_distance, fare_amount
        from taxi.yellow_files
    )
    group by file_month
)
select kept.trips = sent.trips as no_trip_lost_or_doubled
from kept
left join sent using (file_month);

-- warn
select date_trunc('month', tpep_pickup_datetime) = file_month as began_in_the_month_of_the_file
from taxi.yellow_tripdata;
