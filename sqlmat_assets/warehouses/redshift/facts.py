"""What Redshift guarantees, and what it does not."""

from __future__ import annotations

from sqlmat_assets.warehouses.base import Capabilities, Fact

_VENDOR = "https://docs.aws.amazon.com/redshift/latest/dg/"
_NAMES = f"{_VENDOR}r_names.html"
_ISOLATION = f"{_VENDOR}c_serial_isolation.html"
_CONFLICTS = f"{_VENDOR}c_serial_isolation-serializable-isolation-troubleshooting.html"
_ALTER = f"{_VENDOR}r_ALTER_TABLE.html"
_DELETE = f"{_VENDOR}r_DELETE.html"
_VIEWS = f"{_VENDOR}r_CREATE_VIEW.html"

REDSHIFT = Capabilities(
    name="redshift",
    dialect="redshift",
    max_identifier_bytes=127,
    has_transactional_ddl=True,
    has_grants=True,
    has_comments=True,
    decimal_scale=0,
    finds_views_by_name=False,
    can_widen_columns=False,
    has_varying_lengths=True,
    has_distribution=True,
    reads_from=frozenset({"s3"}),
    tested_on="a double",
    facts=(
        Fact(
            "how it is tested",
            "All that holds for every engine (tables in parts, merges, snapshots, `undo`, environments, views, loads, "
            "scripts, faults and kills at any statement, several builds at once under both levels of isolation) is "
            "tested on a double of Redshift in front of a PostgreSQL server, and the statements stand in files beside "
            "the vendor's pages. Nothing was run on a cluster of Amazon. What the double does not emulate is untested; "
            "the `README.md` beside it says what that is.",
            ("test_every_refusal_stands_in_the_readme_with_the_page_of_the_vendor", "test_the_same_in_both"),
        ),
        Fact(
            "publish",
            "The table is built and checked outside of a transaction. In a short one the old table is locked, before "
            "anything else is looked at, and renamed, the new one renamed, and the record of it written: all of it "
            "happens, or nothing. The old table is dropped after the commit, so that a reader who still has it gets "
            "its rows; where he has it for longer than `?wait=`, a later build drops it.",
            (
                "test_the_old_table_is_dropped_after_the_commit",
                "test_who_reads_the_old_table_for_long_does_not_fail_the_publish",
                _ISOLATION,
            ),
        ),
        Fact(
            "readers",
            "They see the old rows or the new rows. Who comes while a table is locked waits; one who had to wait may "
            "be told `could not open relation with OID`, and finds the table when he asks again.",
            ("test_readers_never_see_a_range_half_replaced", "test_a_reader_has_the_old_rows_until_he_is_done"),
        ),
        Fact(
            "a table that somebody reads",
            "The publish waits for him, for a minute or `?wait=` seconds, and then fails with a message that names "
            "him, where this user may know. Whoever comes meanwhile waits behind it. There is no `lock_timeout`: the "
            "bound is a `statement_timeout` of that transaction.",
            (
                "test_who_holds_a_table_for_too_long_is_named",
                f"{_VENDOR}r_SVV_TRANSACTIONS.html",
                f"{_VENDOR}r_statement_timeout.html",
            ),
        ),
        Fact(
            "an answer to a COMMIT that is lost",
            "The record that the transaction has written is there, or it is not: the build goes on as it was, and no "
            "row is added twice. Where nobody answers, the error says that it is not known what the table holds.",
            (
                "test_rows_are_added_once",
                "test_what_was_published_is_told_as_published",
                "test_where_nobody_answers_it_is_not_claimed_what_the_table_holds",
            ),
        ),
        Fact(
            "conflicts",
            "Error 1023 (serializable isolation violation) and `could not open relation with OID` pass: a statement "
            "outside of a transaction is sent again at once, and a publish is tried again.",
            ("test_a_conflict_passes", "test_runs_of_one_table_and_of_a_view_on_it", _CONFLICTS),
        ),
        Fact(
            "two runs of one table",
            "Each writes a table of its own and swaps it in when its checks pass; the later swap wins. Of tables in "
            "parts the record is claimed first, so that they come one after the other. All publishes write the record "
            "of one table, `_sqlmat.tables`, which a cluster locks as a whole: their short transactions follow each "
            "other, also those of different tables.",
            (
                "test_first_builds_of_one_table_at_once",
                "test_runs_of_the_same_range_at_once",
                "test_merges_at_once_keep_each_key_once",
                f"{_VENDOR}c_write_readwrite.html",
            ),
        ),
        Fact(
            "the end of the process at any moment",
            "The published table is whole; the next run of its schema drops what was left over.",
            (
                "test_killed_at_random_moments_no_range_is_half_replaced",
                "test_killed_at_random_moments_there_is_a_table_or_a_view",
                "test_a_process_that_is_killed_leaves_one_version_or_the_other",
            ),
        ),
        Fact(
            "views on a table",
            "They hang on the table and not on its name, so they are pointed to the new one in the transaction. Where "
            "a column has another type or is gone they are made anew, with those that read them, their owners, grants "
            "and comments; where that cannot be, the publish is refused and names them. Late-binding views go by "
            "names and are left alone.",
            ("test_views_read_the_new_table", "test_late_binding_views_are_left_alone", _VIEWS),
        ),
        Fact(
            "what stays",
            "The owner, the grants on the live table and on its columns, and its comments where the file has none. Who "
            "builds has to see the grants of others: a superuser, or a user with `ACCESS SYSTEM TABLE`. **Row-level "
            "security and masking policies do not stay, nor do shares of the table**: a table that needs them is read "
            "through a view that has them, or is not replaced.",
            (
                "test_owner_grants_and_comments_stay",
                "test_grants_on_columns_stay_with_the_columns",
                f"{_VENDOR}r_SVV_RELATION_PRIVILEGES.html",
                f"{_VENDOR}r_SVV_COLUMN_PRIVILEGES.html",
                f"{_VENDOR}t_rls.html",
            ),
            "a double; what policies do, nowhere",
        ),
        Fact(
            "who may read a table",
            "`grant_select` names users, `group analysts` and `role reader`: they get SELECT on the table, the view or "
            "the history, and USAGE on a schema that belongs to the user who builds. Whoever is taken out loses SELECT "
            "at the beginning of the next build; who was let in by hand does not.",
            (
                "test_those_who_are_named_can_read_the_first_build",
                "test_users_groups_and_roles_are_named_as_such",
                f"{_VENDOR}r_GRANT.html",
            ),
        ),
        Fact(
            "how rows lie",
            "`diststyle`, `distkey`, `sortkey` (compound, `interleaved(…)`, `auto`) and `encode` of the settings stand "
            "in the CREATE TABLE of each build, of queries, loads, data files and scripts alike; copies of a table lie "
            "as it does. A query with encodings is inserted into a table that is made before, since CREATE TABLE AS "
            "knows none. A table that is changed in place gets another design with `--full-refresh`.",
            (
                "test_distribution_and_order_are_those_of_the_settings",
                "test_what_is_sent",
                f"{_VENDOR}r_CREATE_TABLE_AS.html",
                f"{_VENDOR}r_CREATE_TABLE_NEW.html",
            ),
        ),
        Fact(
            "lengths of texts",
            "A column that a query makes of texts is as long as these need, and so differs from build to build. That "
            "is no change of the columns: a column that is too short for a batch, or for a snapshot, grows before the "
            "transaction. One that a view reads may not; then the build fails if a value is too long, and "
            "`--full-refresh` makes it anew.",
            (
                "test_texts_may_grow_from_batch_to_batch",
                "test_a_column_that_a_view_reads_does_not_grow",
                _ALTER,
                "https://github.com/dbt-labs/dbt-redshift/issues/125",
            ),
        ),
        Fact(
            "files",
            "They get in and out by way of a folder in S3 that the URL names (`?staging=`), with the role of the "
            "cluster (`&iam_role=`) or the keys of the environment (`pip install 'sqlmat[redshift]'`). Their "
            "objects are deleted afterwards; the keys stand in no message.",
            ("test_rows_are_unloaded_with_their_types", f"{_VENDOR}r_COPY.html", f"{_VENDOR}r_UNLOAD.html"),
            "a double, and a double of S3",
        ),
        Fact(
            "signing in",
            "With a password in the URL or `$PGPASSWORD`, or by IAM: `?iam=auto` asks AWS for a user and a password "
            "for the cluster or the workgroup that the host names, `?iam=cluster/NAME` and `?iam=workgroup/NAME` for "
            "one behind another host. They are kept until a minute before they end, and stand in no message.",
            (
                "test_a_user_of_a_cluster",
                "test_the_user_that_a_role_has_there",
                "https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html",
                "https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html",
            ),
            "a double; clusters with a double of AWS, workgroups with one of our own",
        ),
        Fact(
            "TLS",
            "Asked for where the URL and `$PGSSLMODE` do not say otherwise; `?sslmode=verify-full&sslrootcert=` checks "
            "who answers.",
            ("test_what_is_sent_is_encrypted", "test_another_server_is_found_out"),
            "a double that ends it",
        ),
        Fact(
            "what a build takes",
            "How long its statements stood in line and how many bytes of tables they read stand with each "
            "materialization and in `build --json`, as far as the cluster has written it down by then. They have a "
            "label of their own, `query_group`. Who may not ask, builds all the same.",
            (
                "test_what_is_read_is_counted_for_each_build_by_itself",
                "test_who_may_not_know_publishes_all_the_same",
                f"{_VENDOR}SYS_QUERY_HISTORY.html",
                f"{_VENDOR}SYS_QUERY_DETAIL.html",
            ),
        ),
        Fact(
            "loads from S3",
            "The cluster reads the objects by itself: a COPY with a manifest for all that are alike, so that nothing "
            "passes through the machine of the build, and values are what COPY takes for them. Objects are fetched "
            "instead where a load has a `connection`, a `filename` for more than 20 objects, columns inside of values "
            "or `max_bad_rows` in Parquet.",
            ("test_csv_by_the_names_of_its_columns", f"{_VENDOR}loading-data-files-using-manifest.html"),
        ),
        Fact(
            "names",
            "Told apart without regard to A-Z case, also in quotes. A cluster with `enable_case_sensitive_identifier` "
            "is not supported.",
            (_NAMES,),
        ),
        Fact(
            "types of columns",
            "Only a VARCHAR can grow in place: a history whose column got another wider type goes on in a new column.",
            (_ALTER,),
        ),
        Fact(
            "rows that are replaced",
            "DELETE and INSERT in one transaction; never TRUNCATE, which commits.",
            ("test_what_is_sent", _DELETE, f"{_VENDOR}r_TRUNCATE.html"),
        ),
    ),
)
