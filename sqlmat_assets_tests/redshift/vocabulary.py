"""Words that Redshift does not have, or that only Redshift has."""

from __future__ import annotations

from sqlmat_assets_tests.redshift.lexer import words_of

ABSENT_FUNCTIONS = words_of(
    """
    string_agg array_agg unnest json_agg jsonb_agg json_build_object jsonb_build_object to_json to_jsonb
    row_to_json jsonb_set json_object_agg jsonb_object_agg array_to_string string_to_array regexp_matches
    regexp_split_to_array format make_date make_timestamp make_interval pg_advisory_lock
    pg_advisory_xact_lock pg_try_advisory_lock pg_try_advisory_xact_lock pg_advisory_unlock to_tsvector
    to_tsquery gen_random_uuid xmlagg age_in_years
    """
)
LEADER_ONLY = frozenset({"generate_series", "now"})
ABSENT_TYPES = words_of(
    """
    jsonb json uuid bytea hstore xml inet cidr macaddr money point box line polygon path circle bit
    """
)
SERIAL = words_of(
    """
    serial bigserial smallserial serial4 serial8
    """
)
JSON_OPERATORS = ("->", "->>", "#>", "#>>", "@>", "<@")
AGGREGATES = words_of(
    """
    sum avg min max count stddev stddev_samp stddev_pop variance var_samp var_pop
    """
)
OBJECTS = words_of(
    """
    index trigger sequence domain type rule extension collation tablespace aggregate operator conversion cast
    server foreign event policy_ publication subscription statistics text access transform
    """
)
PARAMETERS = words_of(
    """
    analyze_threshold_percent application_name autocommit client_encoding datestyle default_geometry_encoding
    describe_field_name_in_uppercase downcase_delimited_identifier enable_case_sensitive_identifier
    enable_case_sensitive_super_attribute enable_numeric_rounding enable_result_cache_for_session
    enable_vacuum_boost error_on_nondeterministic_update extra_float_digits
    interval_forbid_composite_literals json_serialization_enable json_serialization_parse_nested_strings
    max_concurrency_scaling_clusters max_cursor_result_set_size mv_enable_aqmv_for_session
    navigate_super_null_on_error parse_super_null_on_error pg_federation_repeatable_read query_group
    search_path seed session_authorization spectrum_query_maxerror statement_timeout
    stored_proc_log_min_messages timezone use_fips_ssl wlm_query_slot_count local session transaction time
    characteristics
    """
)
