-- Listeners, one row for as long as they stayed on one level; a row's end is the next one's start. One more row stands
-- for guests.
-- unique: user_key
-- not_null: user_key, user_id, valid_from, valid_to
with seen as (
    select userId as user_id, level, epoch_ms(ts) as seen_at from raw.listen_events
    union all
    select userId, level, epoch_ms(ts) from raw.page_view_events
    union all
    select userId, level, epoch_ms(ts) from raw.auth_events
),

levels as (
    select user_id, seen_at, max(level) as level  -- whoever has just paid counts as paid
    from seen
    where user_id is not null
    group by user_id, seen_at
),

changes as (
    select user_id, level, seen_at as valid_from
    from levels
    qualify level is distinct from lag(level) over (partition by user_id order by seen_at)
),

versions as (
    select *, lead(valid_from) over (partition by user_id order by valid_from) as next_from
    from changes
),

people as (
    select userId as user_id, firstName as first_name, lastName as last_name, gender, registration
    from raw.auth_events
    where userId is not null
    qualify row_number() over (partition by userId order by ts desc, sessionId desc) = 1
)

select
    md5(concat_ws('|', user_id, epoch_ms(versions.valid_from))) as user_key,  -- surrogate key
    user_id,                                                                  -- the account's number, 0 for guests
    people.first_name,                                                        -- as last seen
    people.last_name,                                                         -- as last seen
    people.gender,                                                            -- as the listener states it
    epoch_ms(people.registration) as registered_at,                           -- UTC
    versions.level,                                                           -- free or paid
    versions.valid_from,                                                      -- the level's first event, UTC
    coalesce(versions.next_from, timestamp '9999-12-31') as valid_to,         -- no longer valid at that moment, UTC
    versions.next_from is null as is_current                                  -- the listener's last row
from versions
left join people using (user_id)
union all
select 'unknown', 0, 'unknown', 'unknown', null, null, 'free', timestamp '1970-01-01', timestamp '9999-12-31', true
