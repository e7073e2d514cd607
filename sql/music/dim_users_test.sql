select count(*) = 1 as has_one_unknown_listener
from music.dim_users
where user_key = 'unknown';

select count(*) filter (where is_current) = 1 as one_row_is_current
from music.dim_users
group by user_id;

select valid_from < valid_to as starts_before_it_ends
from music.dim_users;

select not exists (
    select 1
    from music.dim_users as other
    where other.user_id = one.user_id
      and other.user_key <> one.user_key
      and other.valid_from < one.valid_to
      and one.valid_from < other.valid_to
) as rows_of_a_listener_do_not_overlap
from music.dim_users as one;

select is_current = (valid_to = timestamp '9999-12-31') as only_the_current_row_is_open
from music.dim_users;
