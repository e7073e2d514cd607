-- What the double keeps of tables and queries, and the system views that tell it. All of it stands in pg_catalog, where Redshift has it.
-- The columns are those of the vendor's pages: https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_system-tables.html

create table pg_catalog.redshift_designs (
    relid oid primary key, diststyle text not null, distkey int, sortstyle text, sortkeys int[] not null default '{}',
    encodings jsonb not null default '{}', backup boolean not null default true, keys int[] not null default '{}',
    created timestamp not null default (now() at time zone 'utc'));
create table pg_catalog.redshift_late_views (relid oid primary key, query text not null, written text not null);
create table pg_catalog.redshift_long_names (short text primary key, long text not null);
grant select, insert, update, delete on pg_catalog.redshift_designs, pg_catalog.redshift_late_views, pg_catalog.redshift_long_names to public;

-- Who a connection is for: all of them are made by the same user of the server.
create table pg_catalog.redshift_sessions (pid int primary key, username text not null);
grant select on pg_catalog.redshift_sessions to public;
create sequence pg_catalog.redshift_query_ids;
create table pg_catalog.redshift_queries (
    query bigint primary key, userid int, username text, database text, pid int, xid bigint, label text, querytxt text, query_type text,
    starttime timestamp, endtime timestamp, queue_us bigint, lock_us bigint, rows bigint, bytes_sent bigint, scanned bigint, loaded bigint,
    aborted int, error text);
create table pg_catalog.redshift_scans (query bigint, tbl oid, bytes bigint, starttime timestamp);
create table pg_catalog.stl_load_errors (
    userid int, slice int, tbl int, starttime timestamp, session int, query bigint, filename char(256), line_number bigint, colname char(127),
    type char(10), col_length char(10), position int, raw_line char(1024), raw_field_value char(1024), err_code int, err_reason char(100),
    is_partial int, start_offset bigint, copy_job_id bigint);
create table pg_catalog.stl_load_commits (
    userid int, query bigint, slice int, name int, filename char(256), byte_offset int, lines_scanned int, errors int, curtime timestamp,
    status int, file_format char(16), is_partial char(1), start_offset bigint);
create table pg_catalog.stl_unload_log (
    userid int, query bigint, slice int, pid int, path char(1280), start_time timestamp, end_time timestamp, line_count bigint,
    transfer_size bigint, file_format char(10));
create table pg_catalog.stl_tr_conflict (xact_id bigint, process_id bigint, xact_start_ts timestamp, abort_time timestamp, table_id bigint);
grant select on pg_catalog.redshift_queries, pg_catalog.redshift_scans, pg_catalog.stl_load_errors, pg_catalog.stl_load_commits,
    pg_catalog.stl_unload_log, pg_catalog.stl_tr_conflict to public;

create function pg_catalog.redshift_database() returns text language sql stable as
$$ select coalesce(nullif(current_setting('redshift.database', true), ''), current_database()::text) $$;
create function pg_catalog.redshift_name(name text) returns text language sql stable as
$$ select coalesce((select long from pg_catalog.redshift_long_names where short = $1), $1) $$;

-- The number of rows, counted, unless somebody has locked the table.
create function pg_catalog.redshift_rows(relation oid) returns bigint language plpgsql security definer set lock_timeout = '50ms' as $$
declare counted bigint;
begin
    execute format('select count(*) from only %s', relation::regclass) into counted;
    return counted;
exception when lock_not_available or undefined_table or syntax_error then
    return (select greatest(reltuples, 0)::bigint from pg_class where oid = relation);
end $$;

create function pg_catalog.redshift_type(relation oid, type oid, typmod int) returns text language sql stable as $$
    select case
        when $2 = 'jsonb'::regtype then 'super'
        when $2 = 'text'::regtype then 'character varying(65535)'
        when $2 = 'bytea'::regtype then 'binary varying(64000)'
        when $2 = 'numeric'::regtype and $3 = -1 then 'numeric(38,10)'
        else format_type($2, $3) end
$$;

create view pg_catalog.redshift_columns as
select c.oid as relid, n.nspname::text as schema, c.relname::text as relation, c.relkind::text as relkind, a.attname::text as name, a.attnum::int as attnum,
    pg_catalog.redshift_type(c.oid, a.atttypid, a.atttypmod) as type, a.atttypid, a.atttypmod, a.attnotnull as required,
    pg_get_expr(d.adbin, d.adrelid) as default_value,
    coalesce(g.encodings ->> a.attnum::text,
        case when g.relid is null then 'none' when a.attnum = any (g.sortkeys) then 'none' when a.atttypid in (16, 700, 701) then 'none'
            when a.atttypid in (20, 21, 23, 1082, 1114, 1184, 1700) then 'az64' else 'lzo' end) as encoding,
    coalesce(g.distkey = a.attnum, false) as distkey,
    coalesce(array_position(g.sortkeys, a.attnum::int), 0)
        * case when g.sortstyle = 'interleaved' and array_position(g.sortkeys, a.attnum::int) % 2 = 0 then -1 else 1 end as sortkey,
    col_description(c.oid, a.attnum) as remarks
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
left join pg_catalog.redshift_designs g on g.relid = c.oid
where c.relkind in ('r', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast');

create view pg_catalog.pg_table_def as
select schema as schemaname, pg_catalog.redshift_name(relation) as tablename, pg_catalog.redshift_name(name) as "column", type, encoding,
    distkey, sortkey, required as "notnull"
from pg_catalog.redshift_columns where relkind = 'r' and schema = any (current_schemas(false)) order by relid, attnum;

create view pg_catalog.svv_redshift_columns as
select pg_catalog.redshift_database() as database_name, schema as schema_name, pg_catalog.redshift_name(relation) as table_name,
    pg_catalog.redshift_name(name) as column_name, attnum as ordinal_position, default_value as column_default,
    case when required then 'NO' else 'YES' end as is_nullable, regexp_replace(type, '\(.*\)', '') as data_type,
    case when atttypid = 25 then 65535 when atttypid in (1042, 1043) then atttypmod - 4 end as character_maximum_length,
    case when atttypid = 1700 and atttypmod = -1 then 38 else information_schema._pg_numeric_precision(atttypid, atttypmod) end as numeric_precision,
    information_schema._pg_numeric_scale(atttypid, atttypmod) as numeric_scale, remarks, encoding, distkey, sortkey,
    null::text as column_acl, null::text as column_acl_grantor
from pg_catalog.redshift_columns;
create view pg_catalog.svv_all_columns as
select database_name, schema_name, table_name, column_name, ordinal_position, column_default, is_nullable, data_type,
    character_maximum_length, numeric_precision, numeric_scale, remarks from pg_catalog.svv_redshift_columns;
create view pg_catalog.svv_columns as
select database_name as table_catalog, schema_name as table_schema, table_name, column_name, ordinal_position, column_default, is_nullable,
    data_type, character_maximum_length, numeric_precision, numeric_scale, remarks from pg_catalog.svv_redshift_columns;

create view pg_catalog.svv_redshift_tables as
select pg_catalog.redshift_database() as database_name, n.nspname::text as schema_name, pg_catalog.redshift_name(c.relname::text) as table_name,
    case when c.relkind = 'r' then 'TABLE' else 'VIEW' end as table_type, c.relacl::text as table_acl,
    obj_description(c.oid, 'pg_class') as remarks, pg_get_userbyid(c.relowner)::text as table_owner
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast');
create view pg_catalog.svv_all_tables as
select database_name, schema_name, table_name, table_type, table_acl, remarks from pg_catalog.svv_redshift_tables;
create view pg_catalog.svv_tables as
select database_name as table_catalog, schema_name as table_schema, table_name,
    case table_type when 'TABLE' then 'BASE TABLE' else table_type end as table_type, remarks from pg_catalog.svv_redshift_tables;

-- Empty tables are not in it: https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLE_INFO.html
create view pg_catalog.svv_table_info as
select pg_catalog.redshift_database() as database, schema, table_id, "table", encoded, diststyle, sortkey1, max_varchar, sortkey1_enc, sortkey_num,
    size, pct_used, 0::numeric(10, 0) as empty, unsorted, stats_off, tbl_rows::numeric(38, 0) as tbl_rows, null::numeric(19, 2) as skew_sortkey1,
    null::numeric(19, 2) as skew_rows, tbl_rows::numeric(38, 0) as estimated_visible_rows, null::text as risk_event,
    null::numeric(12, 2) as vacuum_sort_benefit, create_time
from (
    select n.nspname::text as schema, c.oid as table_id, pg_catalog.redshift_name(c.relname::text) as "table",
        case when exists (select from pg_catalog.redshift_columns e where e.relid = c.oid and e.encoding <> 'none') then 'Y' else 'N' end as encoded,
        case g.diststyle when 'key' then format('KEY(%s)', k.attname) when 'auto' then 'AUTO(ALL)' else upper(g.diststyle) end as diststyle,
        case when g.sortstyle = 'auto' then 'AUTO(SORTKEY)' when g.sortstyle = 'interleaved' then 'INTERLEAVED' else s.attname::text end as sortkey1,
        (select max(e.atttypmod - 4) from pg_attribute e where e.attrelid = c.oid and e.atttypid = 1043) as max_varchar,
        coalesce(g.encodings ->> g.sortkeys[1]::text, case when s.attname is not null then 'none' end) as sortkey1_enc,
        cardinality(g.sortkeys) as sortkey_num, greatest(pg_table_size(c.oid) / 1048576, 1) as size, 0.01::numeric(10, 4) as pct_used,
        case when cardinality(g.sortkeys) > 0 then 0::numeric(5, 2) end as unsorted, 0::numeric(5, 2) as stats_off,
        pg_catalog.redshift_rows(c.oid) as tbl_rows, g.created as create_time
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.redshift_designs g on g.relid = c.oid
    left join pg_attribute k on k.attrelid = c.oid and k.attnum = g.distkey
    left join pg_attribute s on s.attrelid = c.oid and s.attnum = g.sortkeys[1]
    where c.relkind = 'r'
) t where tbl_rows > 0;

create view pg_catalog.svv_relation_privileges as
select n.nspname::text as namespace_name, c.relname::text as relation_name, x.privilege_type, x.grantee as identity_id,
    case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end as identity_name,
    case when x.grantee = 0 then 'public' else 'user' end as identity_type, x.is_grantable as admin_option
from pg_class c join pg_namespace n on n.oid = c.relnamespace
cross join aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) x
where c.relkind in ('r', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast');

create view pg_catalog.svv_column_privileges as
select n.nspname::text as namespace_name, c.relname::text as relation_name, a.attname::text as column_name, x.privilege_type, x.grantee as identity_id,
    case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end as identity_name,
    case when x.grantee = 0 then 'public' else 'user' end as identity_type
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
cross join aclexplode(a.attacl) x
where c.relkind in ('r', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast');

create view pg_catalog.svv_roles as
select oid::int as role_id, rolname::text as role_name, 'superuser'::text as role_owner, null::text as external_id
from pg_roles where not rolcanlogin and rolname not like 'pg\_%';

create view pg_catalog.svv_transactions as
select coalesce((select s.username from pg_catalog.redshift_sessions s where s.pid = l.pid), a.usename::text) as txn_owner, a.datname::text as txn_db, a.backend_xid::text::bigint as xid, l.pid, a.xact_start as txn_start, l.mode as lock_mode,
    l.locktype as lockable_object_type, l.relation, l.granted
from pg_locks l join pg_stat_activity a on a.pid = l.pid where l.relation is null or l.relation >= 16384;
create view pg_catalog.stv_recents as
select usesysid as userid, case state when 'active' then 'Running' else 'Done' end as status, (query_start at time zone 'utc') as starttime,
    usename::text as user_name, datname::text as db_name, query, pid from pg_stat_activity where backend_type = 'client backend';
create view pg_catalog.stv_inflight as
select usesysid as userid, 0 as slice, 0::bigint as query, ''::text as label, backend_xid::text::bigint as xid, pid, (query_start at time zone 'utc') as starttime, query as text,
    0 as suspended from pg_stat_activity where backend_type = 'client backend' and state = 'active';

create view pg_catalog.stl_query as
select userid, query, label, xid, pid, database, querytxt, starttime, endtime, aborted, 0 as insert_pristine, 0 as concurrency_scaling_status
from pg_catalog.redshift_queries;
create view pg_catalog.svl_qlog as
select userid, query, xid, pid, starttime, endtime, extract(epoch from endtime - starttime)::bigint * 1000000 as elapsed, aborted, label,
    left(querytxt, 60) as substring, null::bigint as source_query, 'f'::text as concurrency_scaling_status_txt from pg_catalog.redshift_queries;
create view pg_catalog.stl_wlm_query as
select userid, xid, 1 as task, query, 6 as service_class, 1 as slot_count, starttime as service_class_start_time, starttime as queue_start_time,
    starttime + queue_us * interval '1 microsecond' as queue_end_time, queue_us as total_queue_time,
    starttime + queue_us * interval '1 microsecond' as exec_start_time, endtime as exec_end_time,
    greatest((extract(epoch from endtime - starttime) * 1000000)::bigint - queue_us, 0) as total_exec_time, endtime as service_class_end_time,
    'Completed'::text as final_state from pg_catalog.redshift_queries;
create view pg_catalog.stl_scan as
select q.userid, s.query, 0 as slice, 0 as segment, 0 as step, s.starttime, q.endtime, q.rows, s.bytes, s.tbl, 'T'::text as is_diskbased
from pg_catalog.redshift_scans s join pg_catalog.redshift_queries q using (query);
create view pg_catalog.sys_query_history as
select userid as user_id, query as query_id, label as query_label, xid as transaction_id, pid as session_id, database as database_name, query_type,
    case when aborted = 0 then 'success' when error like '%cancel%' then 'canceled' else 'failed' end as status, false as result_cache_hit,
    starttime as start_time, endtime as end_time, (extract(epoch from endtime - starttime) * 1000000)::bigint as elapsed_time,
    queue_us as queue_time, greatest((extract(epoch from endtime - starttime) * 1000000)::bigint - queue_us - lock_us, 0) as execution_time,
    error as error_message, rows as returned_rows, bytes_sent as returned_bytes, left(querytxt, 4000) as query_text,
    '1.0.12103'::text as redshift_version, 'main'::text as compute_type, 0::bigint as compile_time, 0::bigint as planning_time,
    lock_us as lock_wait_time, 6 as service_class_id, username from pg_catalog.redshift_queries;
create view pg_catalog.sys_query_detail as
select q.userid as user_id, s.query as query_id, 1 as child_query_sequence, 0 as stream_id, 0 as segment_id, 0 as step_id, 'scan'::text as step_name,
    s.tbl::bigint as table_id, (select c.relname::char(136) from pg_class c where c.oid = s.tbl) as table_name, 'f'::char as is_rrscan, s.starttime as start_time,
    q.endtime as end_time, (extract(epoch from q.endtime - s.starttime) * 1000000)::bigint as duration, s.bytes as input_bytes, q.rows as output_rows
from pg_catalog.redshift_scans s join pg_catalog.redshift_queries q using (query);
create view pg_catalog.sys_load_error_detail as
select userid as user_id, query as query_id, 0::bigint as transaction_id, session as session_id, pg_catalog.redshift_database() as database_name, tbl as table_id,
    starttime as start_time, rtrim(filename) as file_name, line_number, rtrim(colname) as column_name, rtrim(type) as column_type,
    rtrim(col_length) as column_length, position, err_code as error_code, rtrim(err_reason) as error_message from pg_catalog.stl_load_errors;
create view pg_catalog.stv_db_isolation_level as
select datname::text as db_name, current_setting('redshift.isolation', true) as isolation_level from pg_database;
grant select on all tables in schema pg_catalog to public;
revoke select on pg_catalog.pg_authid, pg_catalog.pg_subscription, pg_catalog.pg_user_mapping, pg_catalog.pg_largeobject, pg_catalog.pg_statistic from public;
