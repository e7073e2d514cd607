"""What PostgreSQL guarantees, and what it does not."""

from __future__ import annotations

from sqlmat_assets.warehouses.base import Capabilities, Fact

_IDENTIFIERS = "https://www.postgresql.org/docs/current/sql-syntax-lexical.html"
_MVCC = "https://www.postgresql.org/docs/current/mvcc-caveats.html"
_LOCKS = "https://www.postgresql.org/docs/current/explicit-locking.html"
_TRANSACTIONS = "https://www.postgresql.org/docs/current/tutorial-transactions.html"
_FUNCTIONS = "https://www.postgresql.org/docs/current/functions-info.html"

POSTGRES = Capabilities(
    name="postgresql",
    dialect="postgres",
    max_identifier_bytes=63,
    has_transactional_ddl=True,
    has_grants=True,
    has_comments=True,
    decimal_scale=None,
    # Outside of quotes it folds names; what stands in the catalog is told apart to the letter.
    is_case_sensitive=True,
    finds_views_by_name=False,
    tested_on="a real server",
    facts=(
        Fact(
            "versions",
            "14 and newer: before, a server does not notice a client that is gone. "
            "Tested on the version that is installed where the tests run.",
            ("https://www.postgresql.org/docs/release/14.0/",),
        ),
        Fact(
            "publish",
            "The old table is renamed, the new one renamed, the old one dropped and the record of it written in one "
            "transaction: all of it happens, or nothing. Where the answer to a COMMIT is lost with the connection, the "
            "server is asked what became of it.",
            (
                "test_a_fault_at_every_statement_of_a_publish",
                "test_an_answer_to_a_commit_that_is_lost",
                _TRANSACTIONS,
                _FUNCTIONS,
            ),
        ),
        Fact(
            "readers",
            "They see the old rows or the new rows, from any process, and no error, also through views. The new table "
            "is filled, checked and indexed before the lock; those who come while it is held wait.",
            ("test_readers_in_other_processes_see_whole_tables_over_200_swaps",),
        ),
        Fact(
            "readers in a long transaction",
            "A transaction in REPEATABLE READ or SERIALIZABLE that began before a table was filled, and reads it for "
            "the first time after the publish, finds it without rows: renaming is not a part of its snapshot.",
            (_MVCC,),
        ),
        Fact(
            "a table that somebody reads",
            "The publish waits for him, for a minute or `?wait=` seconds, and then fails with a message that names "
            "him. It stands in line for half a second at a time, so that nobody else waits behind it for longer.",
            (
                "test_who_holds_the_table_is_named_and_others_read_meanwhile",
                "test_a_table_that_is_held_for_a_moment_is_replaced_afterwards",
                _LOCKS,
            ),
        ),
        Fact(
            "what stays",
            "The owner, grants on the table and on its columns, indexes, constraints, row policies, triggers, storage "
            "parameters of the live table; its comments where the file has none. An index or a constraint that the new "
            "rows cannot have keeps them out. Defaults and NOT NULL of columns, rules, extended statistics and "
            "memberships in publications do not stay.",
            (
                "test_owner_and_grants_stay",
                "test_indexes_constraints_policies_triggers_and_comments_stay",
                "test_an_index_that_the_new_rows_cannot_have_keeps_them_out",
            ),
        ),
        Fact(
            "who may read a table",
            "`grant_select` names roles: they get SELECT on the table, the view or the history, and USAGE on a schema "
            "that belongs to the user who builds. Whoever is taken out loses SELECT at the beginning of the next "
            "build; who was let in by hand does not.",
            (
                "test_those_who_are_named_can_read_the_first_build",
                "test_what_was_granted_by_hand_stays",
                "test_rows_that_stay_are_read_by_others",
                "test_a_schema_of_somebody_else_stays_his",
            ),
        ),
        Fact(
            "views on a table",
            "They hang on the table and not on its name, so they are pointed to the new one in the transaction. Where "
            "a column has another type they are made anew, with those that read them, their grants, comments and "
            "indexes. A materialized view that reads the table itself is filled again; one that reads it by way of a "
            "view that stays is as old as it was. A publish that would take a column from a view is refused and names "
            "it; but a view of the project whose file was edited since is dropped, and made anew after the table.",
            (
                "test_a_view_of_people_reads_what_is_swapped_below_it",
                "test_views_that_get_other_types_are_made_anew_with_all_that_hangs_on_them",
                "test_a_publish_that_would_break_a_view_of_people_is_refused",
                "test_a_view_of_the_project_that_was_edited_makes_room_for_its_table",
            ),
        ),
        Fact(
            "the role",
            "Owns the tables that it replaces, or is a member of the role that does, and so for the views that read "
            "them; it may create schemas, or has `_sqlmat` and its own.",
            ("test_who_may_not_change_a_view_does_not_replace_what_it_reads",),
        ),
        Fact(
            "functions, foreign keys, heirs",
            "What else cannot be without the table, and cannot be pointed to another one, keeps it from being "
            "replaced, and is named: a function that returns its rows, a foreign key of another table, a table that "
            "inherits it.",
            ("test_what_cannot_be_moved_is_named",),
        ),
        Fact(
            "two runs of one table",
            "Each writes a table of its own and swaps it in when its checks pass; the later swap wins. A deadlock, a "
            "conflict or a table that was replaced meanwhile is tried again.",
            (
                "test_runs_of_one_table_and_of_a_view_on_it",
                "test_many_first_runs_at_once",
                "test_two_build_in_one_environment_at_once",
            ),
        ),
        Fact(
            "some partitions, or a batch",
            "Written and checked beside the table; then the old rows are deleted, the new ones inserted and the "
            "records written in one transaction. Readers see all of it or nothing.",
            (
                "test_a_fault_at_every_statement",
                "test_readers_never_see_a_range_half_replaced",
                "test_killed_at_random_moments_no_range_is_half_replaced",
            ),
        ),
        Fact(
            "two runs of some partitions of one table",
            "The record of the table is claimed first, so that they come one after the other; of the same one the "
            "later publish wins. Two merges leave each key once.",
            (
                "test_runs_of_different_ranges_at_once",
                "test_runs_of_the_same_range_at_once",
                "test_merges_at_once_keep_each_key_once",
            ),
        ),
        Fact(
            "the end of the process at any moment",
            "The published table is whole; the server ends the statement of a client that is gone within five seconds. "
            "The next run of its schema drops what was left over: at once where the process is known to be gone, else "
            "when its lease of 15 minutes has expired.",
            (
                "test_the_statement_of_a_process_that_was_killed_ends",
                "test_killed_at_random_moments_there_is_a_table_or_a_view",
                "test_killed_at_random_moments_no_range_is_half_replaced",
                "https://www.postgresql.org/docs/current/runtime-config-connection.html",
            ),
        ),
        Fact(
            "a server that ends the session, stops or starts",
            "What was running is tried again with a new connection, which is waited for as long as for a lock. The "
            "table keeps its rows.",
            (
                "test_a_session_that_an_administrator_ends_goes_on_with_the_next_try",
                "test_a_session_that_ends_in_a_transaction_has_changed_nothing",
                "test_a_server_that_stops_in_the_middle_and_comes_back",
            ),
        ),
        Fact(
            "versions that are kept, and undo",
            "As on any engine; views read the version that is put in place, and it has the indexes and grants. A "
            "version beside the table has no indexes.",
            ("test_versions_that_are_kept_and_put_back_are_read_by_views_and_indexed",),
        ),
        Fact(
            "rows that did not change",
            "Recognised to the last bit, in whatever order they lie, by the sum of 64-bit hashes of the rows as text, "
            "taken in one pass over the new table. It takes about as long as copying the table; "
            "`skip_unchanged = false` saves the pass.",
            (
                "test_the_same_rows_have_one_fingerprint",
                "test_other_rows_have_another_fingerprint",
                "test_what_the_server_takes_for_equal_has_two_fingerprints",
            ),
        ),
        Fact(
            "names",
            "Outside of quotes upper and lower case of A to Z are one, in SQL and in the headers of data files; the "
            'file `Cities.sql` is the table `"Cities"`. A name has at most 63 bytes.',
            (
                "test_names_in_a_header_are_folded",
                "test_names_that_are_too_long_for_the_server_stay_apart",
                _IDENTIFIERS,
            ),
        ),
        Fact(
            "data files",
            "Read by DuckDB in memory, as strictly and with the same types and messages as there, and sent by `COPY`. "
            "Documents become `jsonb`. Rows for scripts come by `COPY` as well and are written as Parquet.",
            (
                "test_loading_a_file_types_it_by_all_of_its_rows",
                "test_a_value_of_another_type_is_found_by_its_row",
                "test_rows_are_unloaded_with_their_types",
                "test_every_type_comes_out_as_it_went_in",
            ),
        ),
        Fact(
            "cancelling",
            "A time limit, Ctrl-C or a cancelled run ends the running query in the server.",
            (
                "test_a_statement_is_cancelled_from_another_thread",
                "test_a_time_limit_ends_the_statement_in_the_server",
                "test_a_request_that_comes_late_ends_nothing_else",
            ),
        ),
        Fact(
            "passwords",
            "In the URL, `$PGPASSWORD` or `~/.pgpass`, and in no message, label or record.",
            ("test_wrong_password", "test_what_people_see_of_a_url"),
        ),
    ),
)
