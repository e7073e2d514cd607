"""Functions by what their results depend on: nothing but their arguments, or more."""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What all four engines have, with one meaning.
_STANDARD = _words("""
    abs acos any_value array_agg ascii asin atan atan2 avg bit_and bit_or bool_and bool_or ceil ceiling char_length
    character_length chr coalesce concat corr cos cot count covar_pop covar_samp cume_dist date_trunc degrees
    dense_rank exp extract first_value floor greatest initcap lag last_value lead least left length ln log log10
    lower lpad ltrim max md5 min mod nth_value ntile nullif octet_length percent_rank percentile_cont
    percentile_disc pi power radians rank regexp_replace repeat replace reverse right round row_number rpad rtrim
    sign sin sqrt stddev stddev_pop stddev_samp string_agg strpos substr substring sum tan to_hex translate trim
    trunc upper var_pop var_samp variance
""")

# Those whose stability DuckDB says is CONSISTENT, without those that look at the session, the catalogue or a sample.
CONSISTENT = _words("""
    abs acos acosh add alias any_value apply approx_count_distinct approx_quantile arbitrary arg_max arg_max_null
    arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg array_aggr array_aggregate
    array_apply array_cat array_concat array_contains array_cosine_distance array_cosine_similarity
    array_cross_product array_distance array_distinct array_dot_product array_extract array_filter array_grade_up
    array_has array_has_all array_has_any array_indexof array_inner_product array_intersect array_length
    array_negative_dot_product array_negative_inner_product array_position array_reduce array_resize
    array_reverse_sort array_select array_slice array_sort array_to_json array_transform array_unique array_value
    array_where array_zip ascii asin asinh atan atan2 atanh avg bar base64 bin binom bit_and bit_count bit_length
    bit_or bit_position bit_xor bitstring bitstring_agg bool_and bool_or cardinality cbrt ceil ceiling century
    char_length character_length chr concat concat_ws constant_or_null contains corr cos cosh cot count count_if
    countif covar_pop covar_samp cume_dist damerau_levenshtein date_diff date_part date_sub date_trunc datediff
    datepart datesub datetrunc day dayname dayofmonth dayofweek dayofyear decade decode degrees dense_rank divide
    editdist3 element_at encode ends_with entropy enum_code enum_first enum_last enum_range enum_range_boundary
    epoch epoch_ms epoch_ns epoch_us equi_width_bins era even exp factorial favg fill filter first first_value
    flatten floor format format_bytes from_base64 from_binary from_hex from_json from_json_strict fsum gamma gcd
    generate_series get_bit grade_up greatest greatest_common_divisor group_concat hamming hash hex histogram
    histogram_exact hour ilike_escape instr isfinite isinf isnan isodow isoyear jaccard jaro_similarity
    jaro_winkler_similarity json_array json_array_length json_contains json_deep_merge json_exists json_extract
    json_extract_path json_extract_path_text json_extract_string json_insert json_keys json_merge_patch
    json_merge_patch_diff json_normalize json_object json_pretty json_quote json_remove json_replace json_set
    json_strip_nulls json_structure json_transform json_transform_strict json_type json_valid json_value julian
    kahan_sum kurtosis kurtosis_pop lag last last_day last_value lcase lcm lead least least_common_multiple left
    left_grapheme len length length_grapheme levenshtein lgamma like_escape list list_aggr list_aggregate list_apply
    list_cat list_concat list_contains list_cosine_distance list_cosine_similarity list_distance list_distinct
    list_dot_product list_element list_extract list_filter list_grade_up list_has list_has_all list_has_any
    list_indexof list_inner_product list_intersect list_negative_dot_product list_negative_inner_product list_pack
    list_position list_reduce list_resize list_reverse_sort list_select list_slice list_sort list_transform
    list_unique list_value list_where list_zip listagg ln log log10 log2 lower lpad ltrim lttb mad make_date
    make_time make_timestamp make_timestamp_ms make_timestamp_ns make_timestamptz map map_concat map_contains
    map_entries map_extract map_extract_value map_from_entries map_keys map_values max max_by md5 md5_number mean
    median microsecond millennium millisecond min min_by minute mismatches mod mode month monthname multiply
    nanosecond nextafter nfc_normalize normalized_interval not_ilike_escape not_like_escape nth_value ntile
    octet_length ord overlay parse_dirname parse_dirpath parse_filename parse_formatted_bytes parse_path path_join
    percent_rank pi position pow power prefix printf product quantile quantile_cont quantile_disc quarter radians
    range rank rank_dense reduce regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches
    regexp_replace regexp_split_to_array regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx
    regr_sxy regr_syy repeat replace reverse right right_grapheme round round_even roundbankers row row_number
    row_to_json rpad rtrim second sem set_bit sha1 sha256 sign signbit sin sinh skewness split sqrt st_asbinary
    st_asgeojson st_astext st_aswkb st_aswkt st_geomfromgeojson st_geomfromwkb st_intersects_extent starts_with
    stddev stddev_pop stddev_samp str_split str_split_regex strftime string_agg string_split string_split_regex
    string_to_array strip_accents strlen strpos strptime struct_concat struct_contains struct_extract
    struct_extract_at struct_has struct_indexof struct_insert struct_keys struct_pack struct_position struct_update
    struct_values substr substring substring_grapheme subtract suffix sum sumkahan switch tan tanh time_bucket
    timezone timezone_hour timezone_minute to_base to_base64 to_binary to_centuries to_days to_decades to_hex
    to_hours to_json to_microseconds to_millennia to_milliseconds to_minutes to_months to_quarters to_seconds
    to_timestamp to_weeks to_years translate trim trunc try_strptime typeof ucase unbin unhex unicode union_extract
    union_tag union_value unpivot_list upper url_decode url_encode uuid_extract_timestamp uuid_extract_version
    var_pop var_samp variance variant_array_length variant_contains variant_exists variant_extract
    variant_extract_string variant_group_object variant_keys variant_type variant_typeof week weekday weekofyear xor
    year yearweek
""")

# DuckDB's macros over those, of which it says nothing.
MACROS = _words("""
    array_append array_pop_back array_pop_front array_prepend array_push_back array_push_front array_reverse
    array_to_string date_add days_in_month fdiv fmod generate_subscripts geomean geometric_mean if json
    json_group_array json_group_object json_group_structure list_any_value list_append list_approx_count_distinct
    list_avg list_bit_and list_bit_or list_bit_xor list_bool_and list_bool_or list_count list_entropy list_first
    list_histogram list_kurtosis list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode
    list_prepend list_product list_reverse list_sem list_skewness list_stddev_pop list_stddev_samp list_string_agg
    list_sum list_var_pop list_var_samp map_contains_entry map_contains_value md5_number_lower md5_number_upper
    nullif pg_size_pretty pg_typeof regexp_split_to_table split_part variant_group_array wavg weighted_avg
""")

# Syntax of DuckDB that looks like a function and is in no list of its functions.
_DUCKDB_SYNTAX = _words("""
    coalesce columns extract grouping grouping_id ifnull map struct try unnest
""")

# https://www.postgresql.org/docs/current/functions.html, those that go by a setting such as the time zone among them.
_POSTGRES = _words("""
    array_append array_cat array_dims array_length array_lower array_ndims array_position array_positions
    array_prepend array_remove array_replace array_to_json array_to_string array_upper bit_length btrim cardinality
    cbrt concat_ws convert_from convert_to cosh date_bin date_part daterange decode div encode every factorial
    format gcd generate_series generate_subscripts get_bit get_byte grouping int4range int8range isempty isfinite
    json_agg json_array_elements json_array_elements_text json_array_length json_build_array json_build_object
    json_each json_each_text json_extract_path json_extract_path_text json_object json_object_agg json_object_keys
    json_strip_nulls json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length
    jsonb_build_array jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text
    jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys jsonb_path_exists jsonb_path_query
    jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_set jsonb_strip_nulls jsonb_typeof justify_days
    justify_hours justify_interval lcm lower_inc make_date make_interval make_time make_timestamp mode num_nonnulls
    num_nulls numrange overlay position quote_ident quote_literal quote_nullable regexp_count regexp_instr
    regexp_like regexp_match regexp_matches regexp_split_to_array regexp_split_to_table regexp_substr regr_avgx
    regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy row_to_json scale sha224
    sha256 sha384 sha512 sinh split_part starts_with string_to_array string_to_table tanh to_char to_date to_json
    to_jsonb to_number to_timestamp tsrange tstzrange unnest width_bucket xmlagg
""")

# https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions.html
_REDSHIFT = _words("""
    add_months any_value array array_concat array_flatten bpcharcmp btrim bttext_pattern_cmp cast_to_varbyte
    charindex checksum convert convert_timezone crc32 date_cmp date_diff date_part date_part_year dateadd datediff
    datepart decode dexp dlog1 dlog10 fnv_hash from_hex func_sha1 get_array_length greatest hll_cardinality
    interval_cmp is_array is_object is_valid_json is_valid_json_array isnull json_array_length
    json_extract_array_element_text json_extract_path_text json_parse json_serialize last_day len listagg median
    months_between next_day nvl nvl2 object_transform position quote_ident quote_literal ratio_to_report
    regexp_count regexp_instr regexp_substr replicate sha sha1 sha2 split_part split_to_array strtol subarray
    textlen timezone to_char to_date to_number to_timestamp to_varchar
""")

# https://cloud.google.com/bigquery/docs/reference/standard-sql/functions-all
_BIGQUERY = _words("""
    approx_count_distinct array_concat array_concat_agg array_first array_last array_length array_reverse
    array_slice array_to_string bit_count bit_xor bool byte_length cbrt code_points_to_bytes code_points_to_string
    contains_substr countif date_add date_diff date_from_unix_date date_sub datetime_add datetime_diff datetime_sub
    datetime_trunc div edit_distance ends_with farm_fingerprint float64 format format_date format_datetime
    format_time format_timestamp from_base32 from_base64 from_hex generate_array generate_date_array
    generate_timestamp_array grouping ieee_divide ifnull instr int64 is_inf is_nan json_array json_array_append
    json_array_insert json_extract json_extract_array json_extract_scalar json_extract_string_array json_keys
    json_object json_query json_query_array json_remove json_set json_strip_nulls json_type json_value
    json_value_array justify_days justify_hours justify_interval last_day lax_bool lax_float64 lax_int64 lax_string
    logical_and logical_or make_interval max_by min_by normalize normalize_and_casefold offset ordinal
    parse_bignumeric parse_date parse_datetime parse_json parse_numeric parse_time parse_timestamp pow range
    range_bucket range_contains regexp_contains regexp_extract regexp_extract_all regexp_instr regexp_substr
    safe_add safe_convert_bytes_to_string safe_divide safe_multiply safe_negate safe_offset safe_ordinal
    safe_subtract sec sha1 sha256 sha512 soundex split st_area st_asgeojson st_astext st_centroid st_contains
    st_distance st_dwithin st_geogfromgeojson st_geogfromtext st_geogpoint st_intersects st_within st_x st_y
    starts_with string time_add time_diff time_sub time_trunc timestamp_add timestamp_diff timestamp_micros
    timestamp_millis timestamp_seconds timestamp_sub timestamp_trunc to_base32 to_base64 to_code_points to_json
    to_json_string unicode unix_date unix_micros unix_millis unix_seconds
""")

PURE: Mapping[str, frozenset[str]] = {
    "duckdb": CONSISTENT | MACROS | _DUCKDB_SYNTAX,
    "postgres": _STANDARD | _POSTGRES,
    "redshift": _STANDARD | _REDSHIFT,
    "bigquery": _STANDARD | _BIGQUERY,
}
"""Functions that give the same for the same arguments, by dialect. What is in no list may be anybody's."""

# The clock, chance, the session, sequences, files and other servers.
VARYING = _words("""
    age ago clock_timestamp current_catalog current_connection_id current_database current_date current_datetime
    current_localtime current_localtimestamp current_query current_query_id current_role current_schema
    current_schemas current_setting current_time current_timestamp current_transaction_id current_user currval
    delta_scan error external_query gen_random_bytes gen_random_uuid generate_uuid get_current_time
    get_current_timestamp getdate getvariable glob iceberg_scan in_search_path lastval localtime localtimestamp
    mysql_scan nextval now parquet_scan postgres_scan query query_table rand random random_normal read_blob read_csv
    read_csv_auto read_duckdb read_json read_json_auto read_json_objects read_json_objects_auto read_ndjson
    read_ndjson_auto read_ndjson_objects read_parquet read_text reservoir_quantile session_user setseed setval
    sleep_ms sniff_csv sqlite_scan statement_timestamp stats sysdate sysdatetime system_user timeofday today
    transaction_timestamp txid_current txid_current_snapshot user uuid uuid_generate_v1 uuid_generate_v4 uuidv4
    uuidv7 vector_type version write_log
""")

BARE_ANYWHERE = _words("""
    current_catalog current_date current_role current_schema current_time current_timestamp current_user localtime
    localtimestamp session_user system_user
""")
BARE: Mapping[str, frozenset[str]] = {
    "duckdb": BARE_ANYWHERE | {"user"},
    "postgres": BARE_ANYWHERE | {"user"},
    "redshift": BARE_ANYWHERE | {"user", "sysdate"},
    "bigquery": _words("current_date current_datetime current_time current_timestamp session_user"),
}
"""Those of them that need no parentheses, by dialect."""

# Words before a parenthesis that call nothing.
SYNTAX = _words("""
    all and any array as asc bernoulli between by case cast cross cube default desc distinct else end except exclude
    exists false fetch filter following for from full group having if ignore ilike in inner intersect interval into
    is join lambda lateral left like limit materialized natural not null nulls of offset on only or order ordinality
    outer over partition percent pivot preceding qualify range recursive rename repeatable replace reservoir respect
    returning right rollup row rows safe_cast select set sets similar some struct system tablesample then to top
    true try_cast union unnest unpivot using values when where window with within
""")

TYPES = _words("""
    array bigint bignumeric binary bit bool boolean bytea bytes char character date datetime dec decimal double enum
    float float4 float64 float8 geography geometry hugeint int int2 int4 int64 int8 integer interval json jsonb list
    map nchar numeric nvarchar real smallint string struct super text time timestamp timestamptz timetz tinyint
    ubigint uhugeint uinteger union varbinary varbyte varchar varying
""")
