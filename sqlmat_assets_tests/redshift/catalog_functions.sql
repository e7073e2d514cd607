-- Functions that PostgreSQL lacks: https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions.html
-- LISTAGG, NVL, DECODE and others whose form PostgreSQL cannot have are rewritten instead.

create function pg_catalog.getdate() returns timestamp language sql stable as $$ select date_trunc('second', statement_timestamp() at time zone 'utc') $$;
create function pg_catalog.len(text) returns int language sql immutable strict as $$ select length($1) $$;
create function pg_catalog.charindex(text, text) returns int language sql immutable strict as $$ select strpos($2, $1) $$;
create function pg_catalog.trunc(timestamp) returns date language sql immutable strict as $$ select $1::date $$;
create function pg_catalog.date_part_year(date) returns int language sql immutable strict as $$ select extract(year from $1)::int $$;
create function pg_catalog.last_day(timestamp) returns date language sql immutable strict as
$$ select (date_trunc('month', $1) + interval '1 month - 1 day')::date $$;
create function pg_catalog.next_day(timestamp, text) returns date language sql immutable strict as
$$ select d::date from generate_series($1::date + 1, $1::date + 7, interval '1 day') d where lower(to_char(d, 'dy')) = lower(left($2, 3)) $$;
create function pg_catalog.add_months(timestamp, int) returns timestamp language sql immutable strict as $$
    select case when $1::date = pg_catalog.last_day($1) then pg_catalog.last_day($1 + make_interval(months => $2)) + $1::time
        else $1 + make_interval(months => $2) end
$$;
create function pg_catalog.months_between(timestamp, timestamp) returns double precision language sql immutable strict as $$
    select (extract(year from $1) - extract(year from $2)) * 12 + extract(month from $1) - extract(month from $2)
        + case when extract(day from $1) = extract(day from $2) or ($1::date = pg_catalog.last_day($1) and $2::date = pg_catalog.last_day($2)) then 0
            else (extract(day from $1) - extract(day from $2)) / 31.0 end::double precision
$$;
create function pg_catalog.redshift_unit(text) returns text language sql immutable strict as $$
    select case lower($1)
        when 'y' then 'year' when 'yr' then 'year' when 'yrs' then 'year' when 'years' then 'year'
        when 'mon' then 'month' when 'mons' then 'month' when 'months' then 'month' when 'qtr' then 'quarter' when 'qtrs' then 'quarter'
        when 'quarters' then 'quarter' when 'w' then 'week' when 'weeks' then 'week' when 'd' then 'day' when 'days' then 'day'
        when 'h' then 'hour' when 'hr' then 'hour' when 'hrs' then 'hour' when 'hours' then 'hour'
        when 'm' then 'minute' when 'min' then 'minute' when 'mins' then 'minute' when 'minutes' then 'minute'
        when 's' then 'second' when 'sec' then 'second' when 'secs' then 'second' when 'seconds' then 'second' else lower($1) end
$$;
create function pg_catalog.dateadd(text, bigint, timestamp) returns timestamp language sql immutable strict as $$
    select $3 + case pg_catalog.redshift_unit($1) when 'quarter' then make_interval(months => (3 * $2)::int)
        else ($2 || ' ' || pg_catalog.redshift_unit($1))::interval end
$$;
-- It counts the borders that are crossed: https://docs.aws.amazon.com/redshift/latest/dg/r_DATEDIFF_function.html
create function pg_catalog.datediff(text, timestamp, timestamp) returns bigint language sql immutable strict as $$
    select case pg_catalog.redshift_unit($1)
        when 'year' then extract(year from $3) - extract(year from $2)
        when 'quarter' then (extract(year from $3) - extract(year from $2)) * 4 + extract(quarter from $3) - extract(quarter from $2)
        when 'month' then (extract(year from $3) - extract(year from $2)) * 12 + extract(month from $3) - extract(month from $2)
        else round(extract(epoch from date_trunc(pg_catalog.redshift_unit($1), $3) - date_trunc(pg_catalog.redshift_unit($1), $2))
            / extract(epoch from ('1 ' || pg_catalog.redshift_unit($1))::interval)) end::bigint
$$;
create function pg_catalog.convert_timezone(text, timestamp) returns timestamp language sql immutable strict as $$ select $2 at time zone 'utc' at time zone $1 $$;
create function pg_catalog.convert_timezone(text, text, timestamp) returns timestamp language sql immutable strict as
$$ select $3 at time zone $1 at time zone $2 $$;
create function pg_catalog.nvl2(anyelement, anycompatible, anycompatible) returns anycompatible language sql immutable as
$$ select case when $1 is not null then $2 else $3 end $$;
create function pg_catalog.strtol(text, int) returns bigint language plpgsql immutable strict as $$
declare total bigint := 0; digit int;
begin
    for place in 1 .. length($1) loop
        digit := strpos('0123456789abcdefghijklmnopqrstuvwxyz', lower(substr($1, place, 1))) - 1;
        if digit < 0 or digit >= $2 then
            raise exception 'The input % is not valid to be converted to base %', $1, $2 using errcode = '22023';
        end if;
        total := total * $2 + digit;
    end loop;
    return total;
end $$;
create function pg_catalog.sha2(text, int) returns text language sql immutable strict as $$
    select encode(case $2 when 512 then sha512(convert_to($1, 'utf8')) when 384 then sha384(convert_to($1, 'utf8'))
        when 224 then sha224(convert_to($1, 'utf8')) else sha256(convert_to($1, 'utf8')) end, 'hex')
$$;
create function pg_catalog.json_parse(text) returns jsonb language sql immutable strict as $$ select $1::jsonb $$;
create function pg_catalog.json_serialize(jsonb) returns text language sql immutable strict as $$ select $1::text $$;
create function pg_catalog.is_valid_json(text) returns boolean language plpgsql immutable strict as $$
begin
    return jsonb_typeof($1::jsonb) = 'object';
exception when others then
    return false;
end $$;
create function pg_catalog.json_extract_path_text(text, variadic text[]) returns text language sql immutable strict as
$$ select coalesce($1::json #>> $2, '') $$;
create function pg_catalog.json_array_length(text) returns int language sql immutable strict as $$ select json_array_length($1::json) $$;
create function pg_catalog.json_extract_array_element_text(text, int) returns text language sql immutable strict as $$ select $1::json ->> $2 $$;

create function pg_catalog.redshift_median(double precision[]) returns double precision language sql immutable strict as
$$ select percentile_cont(0.5) within group (order by v) from unnest($1) v $$;
create aggregate pg_catalog.median(double precision) (
    sfunc = array_append, stype = double precision[], initcond = '{}', finalfunc = pg_catalog.redshift_median);
create function pg_catalog.redshift_first(anyelement, anyelement) returns anyelement language sql immutable strict as $$ select $1 $$;
create aggregate pg_catalog.any_value(anyelement) (sfunc = pg_catalog.redshift_first, stype = anyelement);

create function pg_catalog.pg_last_copy_id() returns int language sql stable as
$$ select coalesce(nullif(current_setting('redshift.last_copy_id', true), ''), '-1')::int $$;
create function pg_catalog.pg_last_copy_count() returns bigint language sql stable as
$$ select coalesce(nullif(current_setting('redshift.last_copy_count', true), ''), '0')::bigint $$;
create function pg_catalog.pg_last_unload_count() returns bigint language sql stable as
$$ select coalesce(nullif(current_setting('redshift.last_unload_count', true), ''), '0')::bigint $$;
create function pg_catalog.pg_last_query_id() returns bigint language sql stable as
$$ select coalesce(nullif(current_setting('redshift.last_query_id', true), ''), '-1')::bigint $$;

-- Called by the double when a table has been made or changed: lengths are counted in bytes, text has a length.
create function pg_catalog.redshift_finish(relation regclass) returns void language plpgsql as $$
declare found record; digits int;
begin
    for found in select attname from pg_attribute where attrelid = relation and atttypid = 25 and attnum > 0 and not attisdropped loop
        execute format('alter table %s alter column %I type varchar(65535)', relation, found.attname);
    end loop;
    -- The result of an expression has 38 digits, and the scale that its values have here.
    for found in
        select attname from pg_attribute where attrelid = relation and atttypid = 1700 and atttypmod = -1 and attnum > 0 and not attisdropped
    loop
        execute format('select max(scale(%I)) from %s', found.attname, relation) into digits;
        execute format('alter table %s alter column %I type numeric(38, %s)', relation, found.attname, coalesce(digits, 10));
    end loop;
    for found in select conname from pg_constraint where conrelid = relation and conname like 'redshift\_bytes\_%' loop
        execute format('alter table %s drop constraint %I', relation, found.conname);
    end loop;
    for found in
        select attname, attnum, atttypmod - 4 as length from pg_attribute
        where attrelid = relation and atttypid in (1042, 1043) and atttypmod > 4 and attnum > 0 and not attisdropped
    loop
        execute format('alter table %s add constraint redshift_bytes_%s_%s check (octet_length(%I) <= %s) not valid', relation, found.attnum, found.length,
            found.attname, found.length);
    end loop;
end $$;
create function pg_catalog.redshift_viewdef(view oid) returns text language sql stable as
$$ select coalesce((select written from pg_catalog.redshift_late_views where relid = $1), pg_catalog.pg_get_viewdef($1)) $$;
create function pg_catalog.redshift_viewdef(view text) returns text language sql stable as $$ select pg_catalog.redshift_viewdef($1::regclass::oid) $$;
create function pg_catalog.redshift_viewdef(view oid, pretty boolean) returns text language sql stable as $$ select pg_catalog.redshift_viewdef($1) $$;
create or replace view pg_catalog.pg_views as
select n.nspname as schemaname, c.relname as viewname, pg_get_userbyid(c.relowner) as viewowner, pg_catalog.redshift_viewdef(c.oid) as definition
from pg_class c left join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'v';
