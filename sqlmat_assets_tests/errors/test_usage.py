"""Every message about the command line, word for word."""

from __future__ import annotations

import pytest

from sqlmat_assets.errors import usage

KNOWN = ["first.cities", "first.people", "second.parent"]

WORDED = [
    (
        usage.folder_missing("sql", is_default=True),
        "there is no folder `sql`\n  hint: name the project folder, or change to the folder that holds `sql/`",
    ),
    (usage.folder_missing("nope", is_default=False), "there is no folder `nope`\n  hint: check the path"),
    (usage.folder_is_file("a.sql"), "`a.sql` is a file\n  hint: name the folder that holds the SQL files"),
    (
        usage.unknown_table("first.citis", KNOWN),
        "there is no table `first.citis`\n  hint: did you mean `first.cities`?",
    ),
    (
        usage.unknown_table("zzz", KNOWN),
        "there is no table `zzz`\n  hint: `sqlmat ls` lists every table",
    ),
    (
        usage.selection_syntax("a.b annd c.d", 4, "`annd` is not expected here", "do"),
        "the selection cannot be read at column 5: `annd` is not expected here\n  a.b annd c.d\n      ^\n  hint: do",
    ),
    (
        usage.selection_syntax("a.b or", 6, "it ends too early", None),
        "the selection cannot be read at column 7: it ends too early\n  a.b or\n        ^",
    ),
    (
        usage.selection_unsupported("status:failed"),
        "the selection `status:failed` asks for what the project's files do not tell\n"
        "  hint: select by name, `group:`, `kind:`, `tag:` or `owner:`",
    ),
    (
        usage.selection_empty("first.citis", ["first.citis"], KNOWN),
        "the selection `first.citis` selects no table\n  hint: did you mean `first.cities`?",
    ),
    (
        usage.selection_empty("group:none", [], KNOWN),
        "the selection `group:none` selects no table\n  hint: `sqlmat ls` lists every table",
    ),
    (
        usage.nothing_to_build("sql"),
        "there is no table in `sql`\n  hint: write one, for example `first/cities - 24h.sql`",
    ),
    (
        usage.port_in_use("127.0.0.1", 3000, 3002),
        "port 3000 of 127.0.0.1 is in use\n"
        "  hint: stop what listens there, or take another port: `sqlmat dev --port 3002`",
    ),
    (
        usage.bad_host("192.0.2.1", "Cannot assign requested address"),
        "cannot listen at `192.0.2.1`: Cannot assign requested address\n"
        "  hint: leave `--host` out for this machine alone",
    ),
    (
        usage.bad_option("No such option: --foo.", "sqlmat build"),
        "no such option: --foo\n  hint: see `sqlmat build --help`",
    ),
    (
        usage.home_unusable("/x/.sqlmat", "Permission denied"),
        "the Dagster instance in `/x/.sqlmat` cannot be used: Permission denied\n"
        "  hint: set `DAGSTER_HOME` to a folder that can be written, or build with `--no-record`",
    ),
    (
        usage.not_recorded(1, "/x/.sqlmat", "database is locked"),
        "warning: 1 table is not recorded in the Dagster instance `/x/.sqlmat`: database is locked\n"
        "  hint: the tables themselves are built; the next build records again",
    ),
    (
        usage.not_recorded(3, "/x/.sqlmat", "database is locked"),
        "warning: 3 tables are not recorded in the Dagster instance `/x/.sqlmat`: database is locked\n"
        "  hint: the tables themselves are built; the next build records again",
    ),
    (
        usage.unexpected(TypeError("no\nmore"), "sqlmat build"),
        "sqlmat met a bug: TypeError: no\n"
        "  hint: please report it with what `SQLMAT_DEBUG=1 sqlmat build` prints, where you got sqlmat from",
    ),
    (
        usage.unexpected(KeyError(), "sqlmat ls"),
        "sqlmat met a bug: KeyError\n"
        "  hint: please report it with what `SQLMAT_DEBUG=1 sqlmat ls` prints, where you got sqlmat from",
    ),
    (
        usage.interrupted(),
        "interrupted: published tables hold their new rows, all others exactly what they held before\n"
        "  hint: run `sqlmat build` again to build the rest",
    ),
    (
        usage.interrupted(0),
        "interrupted: published tables hold their new rows, all others exactly what they held before\n"
        "  hint: the same command goes on where it stopped",
    ),
    (
        usage.interrupted(1),
        "interrupted: published tables and 1 partition hold their new rows, all others exactly what they held before\n"
        "  hint: the same command goes on where it stopped",
    ),
    (
        usage.waiting("duckdb:///w.duckdb"),
        "waiting for duckdb:///w.duckdb, which another process may hold",
    ),
    (
        usage.already_running("http://127.0.0.1:3000"),
        "`sqlmat dev` already runs on this project: http://127.0.0.1:3000\n  hint: open that page, or end it first",
    ),
    (
        usage.location_broken("boom\n"),
        "Dagster could not load the project: boom\n  hint: run `sqlmat check`, then reload in the UI",
    ),
    (
        usage.dagster_ended(3),
        "`dagster dev` ended by itself with exit code 3\n  hint: its last lines above say why",
    ),
    (usage.bad_period("`x` is no interval", "write `24h`"), "`x` is no interval\n  hint: write `24h`"),
    (
        usage.bad_stretch("3h"),
        "`3h` is no stretch of time\n  hint: write from when until when, counted from the start: `3h-4h`",
    ),
    (
        usage.bad_failure("first.cities"),
        "`first.cities` does not say what fails when\n"
        "  hint: write the table, and from when until when it fails: `first.cities@2h-5h`",
    ),
    (
        usage.bad_seconds("x"),
        "`x` is no number of seconds\n  hint: write `10` for every table, or `first.cities=120` for one",
    ),
]


@pytest.mark.parametrize(("said", "expected"), WORDED, ids=[expected[:40] for _, expected in WORDED])
def test_word_for_word(said: object, expected: str) -> None:
    assert str(said) == expected
