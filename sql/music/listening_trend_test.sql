select sum(plays) = (select count(*) from music.wide_streams) as no_play_is_lost_in_the_trend
from music.listening_trend;

select date_diff('day', min(day), max(day)) + 1 = count(*) as every_day_is_there
from music.listening_trend;
