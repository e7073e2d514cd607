"""What DuckDB guarantees, and what it does not."""

from __future__ import annotations

from sqlmat_assets.warehouses.base import Capabilities, Fact

_CONCURRENCY = "https://duckdb.org/docs/stable/connect/concurrency"
_TRANSACTIONS = "https://duckdb.org/docs/stable/sql/statements/transactions"
_TABLES = "https://duckdb.org/docs/stable/sql/meta/duckdb_table_functions"
_IDENTIFIERS = "https://duckdb.org/docs/stable/sql/dialect/keywords_and_identifiers"

DUCKDB = Capabilities(
    name="duckdb",
    dialect="duckdb",
    # DuckDB sets no limit; this is what stays readable in its shell and in file-based tools around it.
    max_identifier_bytes=255,
    has_transactional_ddl=True,
    has_grants=False,
    has_comments=True,
    loads_arrays=True,
    admits_many_writers=False,
    facts=(
        Fact(
            "publish",
            "The old table is dropped, the new one renamed and the record of it written in one transaction: all of "
            "it happens, or nothing.",
            (
                "test_the_engine_refuses_at_every_statement_of_a_rebuild",
                _TRANSACTIONS,
            ),
        ),
        Fact(
            "indexes on a table",
            "Made again on the table that takes its place, in the same transaction. One that the new rows cannot have "
            "keeps them out. A version beside the table has none.",
            (
                "test_a_table_that_is_swapped_has_its_indexes_afterwards_kept_or_not",
                "test_an_index_that_the_new_rows_cannot_have_keeps_them_out",
                "test_killed_at_random_moments_the_table_has_its_indexes",
            ),
        ),
        Fact(
            "readers in the same process",
            "They see the old rows or the new rows, at every moment, and no error.",
            ("test_readers_in_threads_see_whole_tables_during_swaps",),
        ),
        Fact(
            "another process",
            "While one process has the file open for writing, no other can open it, not even to read. sqlmat opens it "
            "with the first table of a build and closes it after the last; between builds it is free.",
            (
                "test_another_process_reads_between_builds",
                _CONCURRENCY,
            ),
        ),
        Fact(
            "a shell that somebody left open",
            "A build waits for it, a minute or `?wait=` seconds, and then fails with a message that names the "
            "program and its process; nothing is changed. A shell that reads only keeps a build out as well.",
            ("test_who_holds_the_file_is_named_when_the_wait_is_over",),
        ),
        Fact(
            "a shell opened during a build",
            "DuckDB answers `Could not set lock on file`, at once. Open it again after the build.",
            (_CONCURRENCY,),
        ),
        Fact(
            "two runs of one table",
            "Each writes a table of its own and swaps it in when its checks pass; the later swap wins. A conflict is "
            "tried again.",
            (
                "test_two_processes_build_one_table",
                "test_two_threads_build_one_table",
            ),
        ),
        Fact(
            "some partitions, or a batch",
            "Written and checked beside the table; then the old rows are deleted, the new ones inserted and the "
            "records written in one transaction. Readers see all of it or nothing. Where the new rows are all that the "
            "table would have, it is swapped instead.",
            (
                "test_a_fault_at_every_statement",
                "test_readers_never_see_a_range_half_replaced",
                "test_killed_at_random_moments_no_range_is_half_replaced",
            ),
        ),
        Fact(
            "two runs of some partitions of one table",
            "Different ones do not get into each other's way, and of the same one the later publish wins; a conflict "
            "is tried again. Two merges leave each key once.",
            (
                "test_runs_of_different_ranges_at_once",
                "test_runs_of_the_same_range_at_once",
                "test_merges_at_once_keep_each_key_once",
                "test_merges_of_different_ranges_at_once_keep_each_key_once",
            ),
        ),
        Fact(
            "the end of the process at any moment",
            "The published table is whole. The next run of its schema drops what was left over: at once where the "
            "process is known to be gone, else when its lease of 15 minutes has expired.",
            (
                "test_killed_at_random_moments_the_table_is_whole_and_the_next_run_heals",
                "test_left_overs_of_living_runs_stay_and_others_go",
            ),
        ),
        Fact(
            "the end of the process, or of the power, in the middle of a checkpoint",
            "Here the promise ends: DuckDB writes the block of the file that lists everything in it over itself, and a "
            "file with half of that block cannot be opened any more. It is one write of 256 KB with each checkpoint; "
            "`kill -9` was seen to meet it once, and not in 640 tries made for it. Keep a copy of a file that cannot "
            "be built again.",
            ("test_half_a_checkpoint_cannot_be_opened_and_says_what_to_do",),
        ),
        Fact(
            "a full disk",
            "The table keeps its rows, the others are built, and the next run goes on when there is room.",
            ("test_the_table_keeps_its_rows_and_others_are_built",),
        ),
        Fact(
            "rows that did not change",
            "Recognised to the last bit, in whatever order they lie, by two sums of 64 bits over hashes of the rows, "
            "taken in one pass over the new table; the published one stays. `skip_unchanged = false` saves the pass.",
            (
                "test_the_same_rows_have_one_fingerprint",
                "test_other_rows_have_another_fingerprint",
                "test_what_duckdb_takes_for_equal_has_two_fingerprints",
            ),
        ),
        Fact(
            "snapshots",
            "Taken and removed in the transaction of the publish, also where the columns of the history change in it. "
            "Of several runs at once one takes it.",
            (
                "test_a_fault_at_every_statement",
                "test_two_runs_at_once_take_one",
                "test_columns_come_and_go",
            ),
        ),
        Fact(
            "views on a table",
            "They find it by name, so they read the new rows; nothing is done to them. A publish that would take a "
            "column from one that people have made is refused and names it; that costs one statement in a run where "
            "there is none.",
            (
                "test_views_on_the_table_read_the_new_rows",
                "test_a_publish_that_would_break_a_view_of_people_is_refused",
            ),
        ),
        Fact(
            "`mode = view`",
            "The view is created under another name, checked, and renamed in the transaction that drops what was "
            "there, table or view; with `select *` it has the columns that the table below it has when it is read.",
            (
                "test_readers_see_one_or_the_other_over_many_changes",
                "test_a_view_reads_the_columns_that_are_there",
            ),
        ),
        Fact(
            "descriptions",
            "Those of a table and of its columns are comments in the database; they come with the new rows.",
            ("test_comments_travel_with_the_swap",),
        ),
        Fact(
            "names",
            "Upper and lower case of A to Z are one, quoted or not; other letters keep their case: `É` and `é` are two "
            "tables.",
            (
                "test_letters_beyond_ascii_keep_their_case",
                _IDENTIFIERS,
            ),
        ),
        Fact(
            "data files",
            "CSV is read strictly: a row with more or fewer values than the header, a doubled name, a broken quote is "
            "an error that names the line, and the published table stays.",
            ("test_csv_that_cannot_be_read",),
        ),
        Fact(
            "rows for scripts",
            "Written into a Parquet file by `COPY`, and loaded from one. What that has no type for is written as text: "
            "INTERVAL, UUID, JSON, BIT, times with zones; a HUGEINT, which `sum` of whole numbers is, as "
            "DECIMAL(38, 0).",
            ("test_rows_are_unloaded_with_their_types", "test_types_that_files_do_not_have"),
        ),
        Fact(
            "the size of a table",
            "Not told, since DuckDB has no figure for it: `estimated_size` counts rows, and a narrow table lies in as "
            "many blocks of the file as a wide one, until both are large. Then counting blocks takes the longer the "
            "more columns and rows there are.",
            ("test_no_figure_of_duckdb_is_the_size_of_a_table", _TABLES),
        ),
        Fact(
            "cancelling",
            "A time limit, Ctrl-C or a cancelled run ends the running query, and the wait for the file.",
            (
                "test_a_statement_is_cancelled_from_another_thread",
                "test_waiting_for_a_file_that_another_process_holds_ends_too",
            ),
        ),
    ),
)
