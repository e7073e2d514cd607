-- The list that we are sent has `DC ` with a space behind; music.dim_location trims it.
-- warn
select stateCode = trim(stateCode) as code_has_no_spaces_around_it
from raw.state_codes;
