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
    finds_views_by_name=False,
    can_widen_columns=False,
    has_varying_lengths=True,
    has_distribution=True,
    reads_from=frozenset({"s3"}),
    facts=(
        Fact(
            "how it is tested",
            "Against a double of Redshift in front of a PostgreSQL server, never against a cluster. What the double "
            "does not emulate is untested; the `README.md` beside it says what that is. What is promised for tables "
            "in parts, merges, snapshots, `undo`, environments and tables that read themselves is not tested here, nor "
            "are two builds at the same moment, one of which may fail.",
            ("test_every_refusal_stands_in_the_readme_with_the_page_of_the_vendor",),
        ),
        Fact(
            "publish",
            "The table is built and checked outside of a transaction. In a short one the old table is locked and "
            "renamed, the new one renamed, and the record of it written: all of it happens, or nothing. The old table "
            "is dropped after the commit, so that a reader who still has it gets its rows.",
            ("test_the_old_table_is_dropped_after_the_commit", _ISOLATION),
        ),
        Fact(
            "an answer to a COMMIT that is lost",
            "The server cannot be asked what became of it: the build is tried again, from the beginning.",
            ("test_a_connection_that_is_lost_at_the_commit_is_transient",),
        ),
        Fact(
            "conflicts",
            "Error 1023 (serializable isolation violation) and `could not open relation with OID` pass: a statement "
            "outside of a transaction is sent again at once, and a publish is tried again.",
            ("test_a_conflict_passes", _CONFLICTS),
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
            "The owner and the grants on the live table, and its comments where the file has none. Grants on columns, "
            "row-level security and masking policies, and shares of the table do not stay.",
            ("test_owner_grants_and_comments_stay",),
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
            "`diststyle`, `distkey` and `sortkey` (compound) of the settings stand in the CREATE TABLE of each build "
            "of a query. Encodings are left to the cluster; interleaved and automatic sort keys cannot be asked for.",
            ("test_distribution_and_order_are_those_of_the_settings", f"{_VENDOR}r_CREATE_TABLE_AS.html"),
        ),
        Fact(
            "files",
            "They get in and out by way of a folder in S3 that the URL names (`?staging=`), with the role of the "
            "cluster (`&iam_role=`) or the keys of the environment, for which `boto3` has to be installed. Their "
            "objects are deleted afterwards; the keys stand in no message. Signing in by IAM is not supported.",
            ("test_rows_are_unloaded_with_their_types", f"{_VENDOR}r_COPY.html", f"{_VENDOR}r_UNLOAD.html"),
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
            "Only a VARCHAR can grow in place: a history whose column got a wider type goes on in a new column.",
            (_ALTER,),
        ),
        Fact(
            "rows that are replaced",
            "DELETE and INSERT in one transaction; never TRUNCATE, which commits.",
            (_DELETE, f"{_VENDOR}r_TRUNCATE.html"),
        ),
    ),
)
