"""`sqlmat undo` and the views that could not be read afterwards."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from sqlmat_assets_tests.cli.running import Run

STATE = "SELECT schema_name, run, published_at FROM _sqlmat.tables ORDER BY ALL"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "sql" / "first"
    place.mkdir(parents=True)
    (tmp_path / "sql" / "global.conf").write_text("keep_versions = 3\n")
    return place


def ask(folder: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(folder.parents[1] / "sqlmat.duckdb") as connection:
        return connection.execute(query).fetchall()


def build(run: Run, *names: str) -> None:
    done = run("build", "--no-record", *(word for name in names for word in ("-s", name)))
    assert done.returncode == 0, done.stdout + done.stderr


def test_views_that_would_break_keep_it_from_happening(run: Run, folder: Path) -> None:
    (folder / "t - 24h.sql").write_text("select 1 as id\n")
    build(run)
    (folder / "t - 24h.sql").write_text("select 2 as id, 5 as price\n")
    (folder / "v.sql").write_text("-- mode: view\nselect id, price from first.t\n")
    build(run)
    for statement in (
        "CREATE SCHEMA people",
        "CREATE VIEW people.sound AS SELECT id FROM first.t",
        "CREATE VIEW people.far AS SELECT price FROM first.v",
    ):
        ask(folder, statement)
    before = ask(folder, STATE)
    done = run("undo", "first.t")
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "2 views would no longer work with that version of `first.t`; nothing is undone"
    assert lines[1].startswith('  `first.v`: Binder Error: Referenced column "price" not found')
    assert lines[2].startswith("  `people.far`: ")
    assert lines[3:] == [
        "  hint: change these views so that they can be read with both versions, or drop them, then undo"
    ]
    assert ask(folder, STATE) == before
    assert ask(folder, "SELECT * FROM people.far") == [(5,)]
    assert ask(folder, "SELECT count(*) FROM _sqlmat.versions") == [(1,)]
    ask(folder, "DROP VIEW people.far")
    ask(folder, "CREATE OR REPLACE VIEW first.v AS SELECT * FROM first.t")
    assert run("undo", "first.t").returncode == 0
    assert ask(folder, "SELECT * FROM people.sound") == [(1,)]


def test_a_kept_view_that_cannot_be_read_is_not_put_back(run: Run, folder: Path) -> None:
    (folder / "s - 24h.sql").write_text("select 1 as id, 2 as b\n")
    (folder / "t.sql").write_text("-- mode: view\nselect b from first.s\n")
    build(run)
    (folder / "t.sql").unlink()
    (folder / "t - 24h.sql").write_text("select id from first.s\n")
    build(run, "first.t")
    (folder / "s - 24h.sql").write_text("select 1 as id\n")
    build(run, "first.s")
    before = ask(folder, STATE)
    done = run("undo", "first.t")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "that version of `first.t` cannot be read any more; nothing is undone: "
        'Binder Error: Referenced column "b" not found in FROM clause!\n'
        "  hint: put back what it reads first; or `--list` shows other versions for `--to`\n"
    )
    assert ask(folder, STATE) == before
    assert ask(folder, "SELECT id FROM first.t") == [(1,)]
    # As the hint says: its table first, and it can be read.
    assert run("undo", "first.s").returncode == 0
    done = run("undo", "first.t")
    assert done.returncode == 0, done.stderr
    assert ask(folder, "SELECT b FROM first.t") == [(2,)]
