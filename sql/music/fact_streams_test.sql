select (select count(*) from music.fact_streams) = (select count(*) from raw.listen_events) as as_many_rows_as_plays;

select streams.session_id is not null as no_play_is_lost
from raw.listen_events as plays
left join music.fact_streams as streams
    on streams.session_id = plays.sessionId
    and streams.item_in_session = plays.itemInSession;

select
    users.user_key is not null as listener_is_found,
    artists.artist_key is not null as artist_is_found,
    songs.song_key is not null as song_is_found,
    hours.date_key is not null as hour_is_found,
    locations.location_key is not null as place_is_found
from music.fact_streams as streams
left join music.dim_users as users using (user_key)
left join music.dim_artists as artists using (artist_key)
left join music.dim_songs as songs using (song_key)
left join music.dim_datetime as hours using (date_key)
left join music.dim_location as locations using (location_key);

select
    (streams.user_key = 'unknown') = (plays.userId is null) as only_guests_are_unknown,
    users.level = plays.level as level_is_that_of_the_moment
from raw.listen_events as plays
left join music.fact_streams as streams
    on streams.session_id = plays.sessionId
    and streams.item_in_session = plays.itemInSession
left join music.dim_users as users using (user_key);

select date_key <> 0 as no_play_is_without_an_hour
from music.fact_streams;

-- warn
select count(*) filter (where song_key = 'unknown') <= 0.05 * count(*) as nearly_all_songs_are_in_the_catalogue
from music.fact_streams;
