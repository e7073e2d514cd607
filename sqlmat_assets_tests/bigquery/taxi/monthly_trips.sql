-- What New York's taxis did each month: a row for each month and colour. Built whole, as a month of trips may take one from
-- another: a trip that stands in two files is that of one of them.
-- schedule: 0 11 1 * *
-- partition_by: null
-- unique: (file_month, taxi)
select
    file_month, -- the month of the file
    'yellow' as taxi, -- the colour of the cabs
    count(*) as trips, -- trips of the file
    -- of these, those that began in another month
    countif(date(timestamp_trunc(tpep_pickup_datetime, month)) <> file_month) as trips_of_other_months,
    round(sum(trip_distance), 1) as miles, -- by the meters
    sum(total_amount) as revenue -- in dollars, what was taken back taken off
from taxi.yellow_tripdata
group by file_month

union all

select
    file_month,
    'green' as taxi,
    count(*) as trips,
    countif(date(timestamp_trunc(lpep_pickup_datetime, month)) <> file_month) as trips_of_other_months,
    round(sum(trip_distance), 1) as miles,
    sum(total_amount) as revenue
from taxi.green_tripdata
group by file_month
