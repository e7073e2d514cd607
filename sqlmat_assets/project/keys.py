"""The table of settings: which keys there are, and how the value of each is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlmat_assets.project import values
from sqlmat_assets.project.conditions import parse_conditions
from sqlmat_assets.project.intervals import parse_interval
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.schedules import parse_cron, parse_timezone
from sqlmat_assets.project.values import GrantEdit


@dataclass(frozen=True, slots=True)
class Key:
    """One setting as people write it."""

    name: str
    example: str
    meaning: str
    parse: Callable[[str], object]
    is_global: bool = False


def _no_sign(text: str) -> GrantEdit:
    return values.parse_grants(text, "")


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("owner", "data-eng@example.com, team:core", "Who answers for the table", values.parse_owners),
        Key("tags", "domain=finance, pii", "Tags in the catalogue", values.parse_tags),
        Key(
            "grant_select",
            "-metabase, +joan",
            "Who may read the table: a list, or what to add to and take from the inherited one; "
            "`grant_select += joan` and `grant_select -= metabase` say the same; [more](grants.md)",
            _no_sign,
        ),
        Key("distkey", "city_id", "Redshift: the column that rows are distributed by", values.parse_column),
        Key(
            "sortkey",
            "country, city_id",
            "Redshift: the columns that rows are sorted by, the first one first; by all alike with "
            "`interleaved(country, city_id)`, and with `auto` as the cluster finds best",
            values.parse_sortkey,
        ),
        Key(
            "diststyle",
            "all",
            "Redshift: how rows are distributed: `auto`, `even`, `key` or `all`",
            values.parse_choice("auto", "even", "key", "all"),
        ),
        Key("cluster_by", "country, city_id", "BigQuery: the columns that rows are clustered by", values.parse_columns),
        Key("partitions_stored_for", "400d", "BigQuery: how long the rows of a partition stay", parse_interval),
        Key("labels", "team=data, tier=gold", "BigQuery: the labels of the table", values.parse_labels),
        Key(
            "encode",
            "name:zstd, city_id:az64",
            "Redshift: how the values of columns are compressed; the others as the cluster finds best",
            values.parse_encodings,
        ),
        Key(
            "snapshots_interval",
            "24h",
            "How often the rows are kept in `<table>_history`; [more](snapshots.md)",
            parse_interval,
        ),
        Key("snapshots_stored_for", "90d", "How long rows stay in `<table>_history`", parse_interval),
        Key(
            "unique",
            "(country, city), id",
            "Checks: each column, or each group in parentheses, has no value twice",
            values.parse_column_groups,
        ),
        Key("not_null", "id, city", "Checks: each column is never NULL", values.parse_columns),
        Key("min_rows", "1", "Check: the table has at least so many rows", values.parse_count),
        Key(
            "max_row_change",
            "20%",
            "Check: the count of rows differs from the published table's by at most so much",
            values.parse_fraction,
        ),
        Key("adopt", "true", "Replace a table of this name that something else has made", values.parse_boolean),
        Key("time_limit", "30m", "How long the query may run before it is cancelled", parse_interval),
        Key(
            "grace",
            "2h",
            "How late the table may be; else a tenth of its interval, at least 10 minutes; with a schedule, an hour",
            parse_interval,
        ),
        Key(
            "schedule",
            "0 9 1 * *",
            "When the table is built, in place of an interval in its file's name: minute, hour, day, month and weekday "
            "as in cron; [more](#schedules)",
            parse_cron,
        ),
        Key(
            "timezone",
            "Europe/Berlin",
            "Where the times of `schedule` and `conditions` are meant; else UTC",
            parse_timezone,
        ),
        Key(
            "conditions",
            "weekdays mon-fri, hours 8-18 | days 1",
            "At which times the table is built at all; [more](#conditions)",
            parse_conditions,
        ),
        Key(
            "on_upstream_failure",
            "build",
            "What happens when the last build of a table that it reads has failed: `hold` (the default) waits for it, "
            "`build` goes on with the rows that it holds",
            values.parse_choice("hold", "build"),
        ),
        Key(
            "skip_unchanged",
            "false",
            "Whether a table is left as it is when nothing that it reads has changed; else `true`, on BigQuery `false`",
            values.parse_boolean,
        ),
        Key(
            "mode",
            "merge",
            "How new rows come into the table: `replace` (the default) puts the query's rows in place of all others, "
            "`append` adds them, `merge` adds those whose `unique_key` is new, and replaces the partitions it builds; "
            "[more](partitions.md#tables-that-grow). `view` makes a view of the query; [more](views.md)",
            values.parse_choice("replace", "append", "merge", "view"),
        ),
        Key(
            "partition_by",
            "month(pickup_datetime) from 2019-01",
            "Which parts of the table can be built by themselves: one for each `hour`, `day`, `week` or `month` of a "
            "column, or for each value of a list, `country in (FR, DE)`; [more](partitions.md)",
            parse_partition_by,
        ),
        Key(
            "partitions_per_run",
            "1",
            "With `partition_by`: how many partitions a run of a backfill in Dagster builds; else one run builds all",
            values.parse_count,
        ),
        Key(
            "unique_key",
            "country, city_id",
            "With `mode`: the columns by which a row is known to be there already",
            values.parse_columns,
        ),
        Key(
            "on_match",
            "update",
            "With `mode = merge`: what happens to a row that is there already: `keep` (the default) leaves it, "
            "`update` puts the new one in its place",
            values.parse_choice("keep", "update"),
        ),
        Key(
            "order_by",
            "updated_at desc, id",
            "With `mode = merge`: which of several new rows with one `unique_key` is taken: the first by this order",
            values.parse_order,
        ),
        Key(
            "on_change",
            "rebuild",
            "With `mode` or `partition_by`: what a change of the SQL comes to: `next` (the default) uses it from the "
            "next build on, `rebuild` builds the whole table with it",
            values.parse_choice("next", "rebuild"),
        ),
        Key(
            "on_schema_change",
            "add",
            "With `mode` or `partition_by`: what happens when the query gives other columns than the table has: `fail` "
            "(the default), `add` the new ones, or `rebuild` the whole table",
            values.parse_choice("fail", "add", "rebuild"),
        ),
        Key(
            "columns",
            "id bigint, price decimal(10, 2)",
            "Data files: types of columns, in place of those found in the file",
            values.parse_typed_columns,
        ),
        Key(
            "keep_versions",
            "3",
            "How many earlier versions of the table stay beside it, for `sqlmat undo`; else `0`; [more](undo.md)",
            values.parse_amount,
        ),
        Key(
            "budget",
            "0.50",
            "BigQuery: what the queries of one build of the table may cost at most, in US dollars, by their dry runs; "
            "[more](bigquery.md#costs)",
            values.parse_usd,
        ),
        Key(
            "daily_budget",
            "25",
            "BigQuery: what all queries of sqlmat in the warehouse may cost in a day (UTC), in US dollars",
            values.parse_usd,
            is_global=True,
        ),
        Key(
            "usd_per_tib",
            "6.25",
            "BigQuery: the price of reading a TiB, in US dollars; else `6.25`",
            values.parse_usd,
            is_global=True,
        ),
        Key("dialect", "duckdb", "The SQL that the files are written in", values.parse_word, is_global=True),
        Key(
            "catalog", "my-project", "The catalog (BigQuery: project) of the tables", values.parse_word, is_global=True
        ),
        Key(
            "catalog_aliases",
            "my-project-dev, legacy",
            "Other names of that catalog in the SQL",
            values.parse_words,
            is_global=True,
        ),
    )
}
# Where other tools say how often a table is built.
INTERVAL_KEYS = frozenset({"interval", "freshness", "refresh", "frequency", "every"})
SCHEDULE_KEYS = frozenset({"cron", "cron_schedule", "schedule_interval"})
# What a comment line with such a key can only have meant.
MEANT_KEYS = {
    **dict.fromkeys(SCHEDULE_KEYS, "schedule"),
    **dict.fromkeys(("incremental_strategy", "materialized"), "mode"),
    "partitioned_by": "partition_by",
}
_MODE = "write `mode`: `replace`, `append`, `merge` or `view`"
_PARTS = "write `partition_by = month(column) from 2019-01`"
# What other tools call what a table here has.
FOREIGN_KEYS = {
    "grants": "write `grant_select`",
    "grant": "write `grant_select`",
    "description": "write a comment on top of the SQL file",
    "dist": "write `distkey` or `diststyle`",
    "sort": "write `sortkey`",
    "depends_on": "leave it out: what a table reads is taken from its SQL",
    **dict.fromkeys(("incremental_strategy", "materialized", "materialization"), _MODE),
    **dict.fromkeys(
        ("partition", "partitions", "partitioned_by", "partition_key", "time_column", "event_time"), _PARTS
    ),
    **dict.fromkeys(("begin", "start"), "write it into `partition_by`, behind `from`"),
    **dict.fromkeys(("primary_key", "key", "keys"), "write `unique_key` with `mode = merge`; for a check, `unique`"),
    "merge_update_columns": "write `on_match = update`, which takes the whole new row",
    "lookback": "write it into the query: `where day >= @partition_start - interval 7 day`",
    **dict.fromkeys(
        ("batch_size", "max_partitions_per_run", "backfill_policy"),
        "write `partitions_per_run`, or `sqlmat build --batch N` for a long backfill",
    ),
    "full_refresh": "leave it out, and write `sqlmat build --full-refresh` when you want it",
    "clustered_by": "write `cluster_by` on BigQuery, and `sortkey` on Redshift",
    **dict.fromkeys(SCHEDULE_KEYS, "write `schedule`"),
    **dict.fromkeys(("tz", "time_zone"), "write `timezone`"),
    **{
        key: f"write `conditions = {key} {span}`"
        for key, span in (("months", "jan-mar"), ("weekdays", "mon-fri"), ("days", "1-5"), ("hours", "8-18"))
    },
}
