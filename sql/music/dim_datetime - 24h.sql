-- One row per hour: from the month of the first play to the end of the month after the last, so that a day's delay does
-- no harm. One more row stands for plays without a time.
-- unique: date_key
-- not_null: date_key
with bounds as (
    select
        date_trunc('month', min(epoch_ms(ts))) as first_hour,
        date_trunc('month', max(epoch_ms(ts))) + interval 2 month - interval 1 hour as last_hour
    from raw.listen_events
),

hours as (
    select unnest(generate_series(first_hour, last_hour, interval 1 hour)) as hour
    from bounds
)

select
    cast(strftime(hour, '%Y%m%d%H') as bigint) as date_key,  -- 2026031420 is 20 h on 14 March 2026
    hour as starts_at,                                       -- UTC
    cast(hour as date) as day,                               -- UTC
    extract(hour from hour) as hour_of_day,                  -- 0 to 23
    isodow(hour) as day_of_week,                             -- 1 is Monday, 7 is Sunday
    isodow(hour) in (6, 7) as is_weekend                     -- Saturday and Sunday
from hours
union all
select 0, null, null, null, null, null
