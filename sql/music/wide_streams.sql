-- Every play with everything that is known of it, for dashboards.
-- mode: view
select
    streams.played_at,                        -- UTC
    hours.day,                                -- UTC
    hours.hour_of_day,                        -- 0 to 23
    hours.is_weekend,                         -- Saturday and Sunday
    users.user_id,                            -- 0 for guests
    users.level,                              -- free or paid, at that moment
    users.gender,                             -- as the listener states it
    songs.title,                              -- `unknown` when not in the catalogue
    artists.name as artist,                   -- `unknown` when not in the catalogue
    locations.city,                           -- where the listener was
    locations.state,                          -- the state's full name
    streams.seconds                           -- the length of what was played
from music.fact_streams as streams
inner join music.dim_datetime as hours using (date_key)
inner join music.dim_users as users using (user_key)
inner join music.dim_songs as songs using (song_key)
inner join music.dim_artists as artists using (artist_key)
inner join music.dim_location as locations using (location_key)
