-- One row per song of an artist, and one for plays that are not in the catalogue.
-- unique: song_key
-- not_null: song_key, artist_name, title
with songs as (
    select artist_name, title, song_id, year, duration, tempo
    from raw.songs
    -- Plays name artist and title only, so a song that came out again must not count twice: the first issue stays.
    qualify row_number() over (partition by artist_name, title order by year, song_id) = 1
)
select
    md5(concat_ws('|', artist_name, title)) as song_key,  -- surrogate key
    title,                                                -- as printed on the record
    artist_name,                                          -- who plays it
    song_id,                                              -- the catalogue's own number
    year,                                                 -- when it first came out
    duration as seconds,                                  -- how long it is
    tempo as beats_per_minute                             -- how fast it is
from songs
union all
select 'unknown', 'unknown', 'unknown', null, null, null, null
