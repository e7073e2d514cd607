-- Trips of New York's green taxis, each once, by the file that they came in. A corrected file replaces its
-- month; a trip that stands in the files of two months is that of the later one.
-- schedule: 0 9 1 * *
-- tags: taxi=green
-- mode: merge
-- unique_key: unique_row_id
-- on_match: update
-- order_by: file_month desc, total_amount desc, tip_amount desc, congestion_surcharge desc, payment_type
-- unique: unique_row_id
-- not_null: filename, file_month
select
    -- What a trip is known by: its meter, its times, its zones, its length and its fare, so that a charge and the same
    -- charge taken back are two. A separator keeps zones 1 and 12 from 11 and 2, and a missing value keeps its place.
    to_hex(md5(concat(
        coalesce(cast(VendorID as string), ''), '|',
        coalesce(format_timestamp('%Y-%m-%d %H:%M:%S', lpep_pickup_datetime), ''), '|',
        coalesce(format_timestamp('%Y-%m-%d %H:%M:%S', lpep_dropoff_datetime), ''), '|',
        coalesce(cast(PULocationID as string), ''), '|',
        coalesce(cast(DOLocationID as string), ''), '|',
        coalesce(cast(trip_distance as string), ''), '|',
        coalesce(cast(fare_amount as string), '')
    ))) as unique_row_id, -- a hash of what a trip is known by
    filename, -- the file that the trip stands in
    VendorID, -- who made the record: 1 is Creative Mobile Technologies, 2 is VeriFone
    lpep_pickup_datetime, -- when the meter was switched on, in New York
    lpep_dropoff_datetime, -- when the meter was switched off
    store_and_fwd_flag, -- Y where the cab was out of reach and sent the trip later
    RatecodeID, -- 1 standard, 2 JFK, 3 Newark, 4 Nassau or Westchester, 5 negotiated, 6 group
    PULocationID, -- taxi zone where the trip began
    DOLocationID, -- taxi zone where it ended
    passenger_count, -- how many passengers, as the driver typed it in
    trip_distance, -- miles by the meter
    fare_amount, -- by the meter, in dollars; negative where it was taken back
    extra, -- for rush hour and night
    mta_tax, -- for the transport authority
    tip_amount, -- paid by card; tips in cash are not known
    tolls_amount, -- for bridges and tunnels
    ehail_fee, -- for a cab that was called by an app
    improvement_surcharge, -- at the beginning of each trip
    total_amount, -- what the passenger paid, without tips in cash
    payment_type, -- 1 card, 2 cash, 3 no charge, 4 dispute, 5 unknown, 6 voided
    trip_type, -- 1 hailed in the street, 2 sent by a dispatcher
    congestion_surcharge, -- for a trip through Manhattan south of 96th Street
    file_month -- the month that the file is of; some of its trips began in another
from taxi.green_files
