-- One row per artist, and one for plays whose artist is not in the catalogue.
-- unique: artist_key
-- not_null: artist_key, name
with artists as (
    select artist_name, artist_id, artist_location
    from raw.songs
    -- An artist may stand under several numbers; the smallest is the oldest.
    qualify row_number() over (partition by artist_name order by artist_id, song_id) = 1
)
select
    md5(artist_name) as artist_key,                    -- surrogate key
    artist_name as name,                               -- as printed on the record
    artist_id,                                         -- the catalogue's own number
    coalesce(artist_location, 'unknown') as location   -- where the artist comes from
from artists
union all
select 'unknown', 'unknown', null, 'unknown'
