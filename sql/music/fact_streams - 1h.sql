-- One row per play.
-- unique: (session_id, item_in_session)
-- max_row_change: 50%
with plays as (
    select *, epoch_ms(ts) as played_at
    from raw.listen_events
)

select
    coalesce(users.user_key, 'unknown') as user_key,              -- the listener, on the level of that moment
    coalesce(artists.artist_key, 'unknown') as artist_key,        -- who played
    coalesce(songs.song_key, 'unknown') as song_key,              -- what was played
    coalesce(hours.date_key, 0) as date_key,                      -- the hour in which the play began
    coalesce(locations.location_key, 'unknown') as location_key,  -- where the listener was
    plays.played_at,                                              -- UTC
    plays.sessionId as session_id,                                -- one visit of one listener
    plays.itemInSession as item_in_session,                       -- counts from 1 within the visit
    plays.duration as seconds                                     -- the length of what was played
from plays
left join music.dim_users as users
    on users.user_id = plays.userId
    and plays.played_at >= users.valid_from
    and plays.played_at < users.valid_to
left join music.dim_artists as artists
    on artists.name = plays.artist
left join music.dim_songs as songs
    on songs.artist_name = plays.artist
    and songs.title = plays.song
left join music.dim_datetime as hours
    on hours.starts_at = date_trunc('hour', plays.played_at)
left join music.dim_location as locations
    on locations.city = plays.city
    and locations.state_code = plays.state
    and locations.zip = plays.zip
