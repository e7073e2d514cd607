-- The letters with which more than one country begins.
select
    letter,   -- upper case
    capitals  -- how many, at least two
from second.child
where capitals > 1
