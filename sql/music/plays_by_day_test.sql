select sum(plays) = (select count(*) from music.wide_streams where day is not null) as every_play_has_its_day
from music.plays_by_day;

select bool_and(listeners between 1 and plays) as someone_listens
from music.plays_by_day;
