select count(*) = 1 as has_one_unknown_song
from music.dim_songs
where song_key = 'unknown';

select count(*) = 1 as one_row_per_artist_and_title
from music.dim_songs
group by artist_name, title;
