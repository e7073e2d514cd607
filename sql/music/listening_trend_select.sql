select cast(played_at as date) as day, count(*) as plays
from music.wide_streams
group by all
