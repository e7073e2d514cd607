select count(*) = 1 as has_one_unknown_hour
from music.dim_datetime
where date_key = 0;

select hours.date_key is not null as every_play_has_its_hour
from raw.listen_events as plays
left join music.dim_datetime as hours on hours.starts_at = date_trunc('hour', epoch_ms(plays.ts));

select is_weekend = (dayname(day) in ('Saturday', 'Sunday')) as weekend_is_saturday_and_sunday
from music.dim_datetime
where date_key <> 0;

select count(*) = 24 as every_day_has_24_hours
from music.dim_datetime
where date_key <> 0
group by day;
