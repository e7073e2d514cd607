"""What is known of functions: which may give another value each time, and which of the unknown ones do not."""

from __future__ import annotations

from sqlglot import exp

VOLATILE = (exp.Rand, exp.Randn, exp.Uuid, exp.NextValueFor, exp.TableSample, exp.Lock)
# Functions of DuckDB that the parser has no name for. Of all other names nothing is known: a macro may hide a window.
_PURE = """
    age array_aggregate array_apply array_cosine_distance array_distance array_extract array_has_any
    array_to_json array_transform base64 bin bit_count cardinality century damerau_levenshtein date_part
    date_sub datepart datesub decade divide element_at entropy epoch_ns epoch_us even format_bytes
    from_json_strict gamma gcd hash isfinite isoyear jaccard jaro_similarity json_array_length json_contains
    json_exists json_merge_patch json_value julian kahan_sum lcm lgamma list_aggregate list_apply list_cat
    list_element list_extract list_has_all list_indexof list_position list_reduce list_select list_slice
    list_transform list_unique list_where list_zip mad map_concat map_entries map_extract map_values mean
    microsecond millisecond mismatches multiply nfc_normalize octet_length ord parse_dirname parse_filename
    parse_path prefix printf product regexp_escape row_to_json strip_accents strlen struct_concat struct_insert
    struct_values subtract suffix to_base to_centuries to_hours to_json to_microseconds to_milliseconds
    to_minutes to_months to_seconds to_weeks to_years try_strptime union_extract union_tag url_decode url_encode
    weekday yearweek
"""
PURE = frozenset(_PURE.split())
