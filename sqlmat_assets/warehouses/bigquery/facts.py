"""What BigQuery guarantees, and what it does not."""

from __future__ import annotations

from sqlmat_assets.warehouses.base import Capabilities, Fact

_DOCS = "https://cloud.google.com/bigquery/docs/"
_COPY = f"{_DOCS}managing-tables#copy-table"
_TRANSACTIONS = f"{_DOCS}transactions"
_RENAME = f"{_DOCS}managing-tables#renaming-table"

BIGQUERY = Capabilities(
    name="bigquery",
    dialect="bigquery",
    # https://cloud.google.com/bigquery/docs/tables#table_naming
    max_identifier_bytes=1024,
    has_transactional_ddl=False,
    has_grants=False,
    why_no_grants="on BigQuery who may read is settled in the project, by IAM",
    has_comments=True,
    decimal_scale=9,
    # It has 38; the DuckDB that reads the rows has place for no more.
    wide_decimal_scale=18,
    is_case_sensitive=True,
    has_case_sensitive_columns=False,
    sees_own_changes=False,
    has_storage_partitions=True,
    estimates_at_once=16,
    reads_from=frozenset({"gs"}),
    writes_to=frozenset({"gs"}),
    tested_on="a double of it",
    facts=(
        Fact(
            "how it is tested",
            "All that holds for every engine is tested by the real client over HTTP on a double of BigQuery, which "
            "answers as the vendor's pages say and refuses what DuckDB would take and BigQuery does not. Nothing was "
            "run in a project of Google. What the double does not emulate is untested; the `README.md` beside it says "
            "what that is.",
            ("test_it_stays", "test_objects_of_each_format"),
        ),
        Fact(
            "publish",
            "The table is built and checked under another name. A copy job that replaces the rows puts them in place, "
            "at once: a reader has the old rows or the new ones. Then the record of it is written. What is going to be "
            "done stands in a table in `_sqlmat` before it is begun; whoever comes after a run that is gone completes "
            "it, or takes it back.",
            ("test_killed_at_random_moments_no_range_is_half_replaced", _COPY),
        ),
        Fact(
            "other partitions or clusters",
            "A table that is to lie otherwise takes the name of the old one, which is renamed first: for a moment "
            "there is no table of that name, and a query that begins in it fails with `Not found`. The same between a "
            "table and a view.",
            ("test_readers_see_one_or_the_other_over_many_changes", _RENAME),
        ),
        Fact(
            "parts of a table",
            "One partition of time is replaced by a copy job, which costs nothing. A range, a batch and a merge are "
            "one transaction of several statements, which scans the table. Weeks are stored as days, lists of values "
            "as clusters.",
            ("test_a_year_in_bigquery_has_the_rows_that_it_has_on_duckdb", _TRANSACTIONS),
        ),
        Fact(
            "several runs at once",
            "One publishes a table at a time: the others wait, for a minute or `?wait=` seconds. Who is gone for five "
            "minutes on another machine, without a job that runs, is not waited for.",
            ("test_runs_of_the_same_range_at_once",),
        ),
        Fact(
            "a connection that is lost",
            "Each job has an id of its own, so that a request that is sent again finds what the first one did: no "
            "query is run twice. A publish that was not heard to its end is completed or taken back before it is "
            "repeated.",
            (
                "test_a_connection_that_comes_back_while_it_is_waited_for",
                "test_a_connection_that_is_given_up_and_tried_again",
            ),
        ),
        Fact(
            "what stays on a table",
            "Descriptions, labels, expiry, policy tags, row access policies and IAM policies of the table in place "
            "are put on the new one before it takes the place. Of those that guard rows or columns it is seen "
            "afterwards that they are there, or everything is taken back. Where there are row access policies, one of "
            "them has to let sqlmat see all rows.",
            (
                "test_it_stays",
                "test_where_it_cannot_be_put_on_nothing_is_replaced",
                f"{_DOCS}using-row-level-security-with-features",
            ),
        ),
        Fact(
            "variables, temporary tables and functions",
            "Stand before the SELECT of a file and are sent with it, in one request, which fills the table or leaves "
            "nothing. A dry run makes no temporary tables, so what such a file reads is told afterwards only.",
            (
                "test_the_last_statement_fills_the_table",
                "test_a_plan_says_what_a_dry_run_cannot_tell",
                f"{_DOCS}multi-statement-queries",
            ),
        ),
        Fact(
            "costs",
            "Told by dry runs before anything is built, held by `budget` and `daily_budget`, and told by the engine "
            "afterwards. A query is stopped that would read a quarter more than its dry run told.",
            (
                "test_a_plan_tells_what_each_table_costs_before_anything_is_built",
                "test_a_table_above_its_budget_is_not_built",
                f"{_DOCS}estimate-costs",
            ),
        ),
        Fact(
            "loads from Cloud Storage",
            "BigQuery reads the objects by itself: a load job, which costs nothing, where all are alike and their "
            "columns are those of the table; else a job for each kind and a query that puts them together. Values are "
            "what load jobs take for them: `1.5` is no INT64. Objects are fetched instead where a load has a "
            "`connection`, more than 20 kinds of objects (each `filename` is one), columns of BYTES in texts or of "
            "another type in Parquet, `max_bad_rows` in Parquet, or where BigQuery may not read the bucket.",
            (
                "test_the_rows_and_types_are_those_of_objects_that_are_fetched",
                "test_columns_of_the_table_are_one_job_that_costs_nothing",
                f"{_DOCS}loading-data-cloud-storage-csv",
            ),
            "a double, and a double of Cloud Storage",
        ),
        Fact(
            "deliveries to Cloud Storage",
            "An extract job, which costs nothing, writes the files of a table: CSV (with ` UTC` behind a TIMESTAMP), "
            "or Parquet; those of a view are in a table for as long, by a query. Rows pass through the machine of the "
            "delivery where it has `rows_per_file` or an `endpoint`, of nested columns and JSON, of a TIMESTAMP in "
            "Parquet (which would lose its zone), of BYTES in CSV, and of more than 1 GB in one file.",
            (
                "test_a_folder_is_written_by_a_job_that_reads_no_row_here",
                "test_one_file_is_there_as_a_whole",
                f"{_DOCS}exporting-data",
            ),
            "a double, and a double of Cloud Storage",
        ),
    ),
)
