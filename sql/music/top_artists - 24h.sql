-- The ten artists with the most plays on each level.
-- unique: (level, place)
select
    level,                                                                                 -- free or paid
    row_number() over (partition by level order by count(*) desc, artist) as place,        -- 1 is the most played
    artist,                                                                                -- as printed on the record
    count(*) as plays,                                                                     -- over all time
    count(distinct user_id) as listeners,                                                  -- guests count as one
    round(sum(seconds) / 3600, 1) as hours                                                 -- played altogether
from music.wide_streams
where artist <> 'unknown'
group by level, artist
qualify place <= 10
