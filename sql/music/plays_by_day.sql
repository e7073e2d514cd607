-- What was played on each day, for those who meet in New York in the morning.
-- schedule: 0 7 * * *
-- timezone: America/New_York
-- conditions: weekdays mon-fri | days 1
-- unique: (day, level)
-- not_null: day, level
select
    day,                                      -- UTC
    level,                                    -- free or paid
    count(*) as plays,                        -- of all songs
    count(distinct user_id) as listeners,     -- guests count as one
    round(sum(seconds) / 3600, 1) as hours    -- played altogether
from music.wide_streams
where day is not null
group by day, level
