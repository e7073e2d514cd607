select count(*) = 1 as has_one_unknown_artist
from music.dim_artists
where artist_key = 'unknown';

select count(*) = 1 as one_row_per_name
from music.dim_artists
group by name;
