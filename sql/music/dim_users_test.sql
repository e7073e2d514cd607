select count(*) = 1 as has_one_unknown_listener
from music.dim_users
where user_key = 'unknown';

select count(*) filter (where is_current) = 1 as one_row_is_current
from music.dim_users
group by user_id;

select valid_from < valid_to as starts_before_it_ends
from music.dim_users;

select count(*) = 0 as rows_of_a_listener_do_not_overlap
from music.dim_users as earlier
inner join music.dim_users as later
    on later.user_id = earlier.user_id
    and later.valid_from > earlier.valid_from
    and later.valid_from < earlier.valid_to;

select is_current = (valid_to = timestamp '9999-12-31') as only_the_current_row_is_open
from music.dim_users;
