-- One row per place that somebody listened from, and one for guests, who have none.
-- unique: location_key
-- not_null: location_key, city, state_code, state
with places as (
    select city, state as state_code, zip, min(lat) as latitude, min(lon) as longitude
    from raw.listen_events
    where city is not null
    group by city, state, zip
),

states as (
    -- The list has a space after DC.
    select trim(stateCode) as state_code, stateName as state
    from raw.state_codes
)

select
    md5(concat_ws('|', places.city, places.state_code, places.zip)) as location_key,  -- surrogate key
    places.city,                                                                      -- its name
    places.zip,                                                                       -- five digits, as text
    places.state_code,                                                                -- two letters
    states.state,                                                                     -- the state's full name
    places.latitude,                                                                  -- degrees north
    places.longitude                                                                  -- degrees east
from places
left join states on states.state_code = places.state_code
union all
select 'unknown', 'unknown', 'unknown', 'NA', 'unknown', null, null
