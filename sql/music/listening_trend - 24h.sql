-- How many songs were played on each day, with what that means in its week.
-- unique: day
create table music.listening_trend (
    day date not null,       -- UTC; days without a play are there too
    plays bigint not null,   -- of all songs
    week double not null,    -- plays in a day, on average of the seven days up to this one
    is_peak boolean          -- more than twice the average of its week
)
