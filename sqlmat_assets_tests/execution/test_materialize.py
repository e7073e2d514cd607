"""Write, audit, publish of one table, on a real DuckDB file."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlmat_assets.errors import CancelledError, CheckFailedError, MaterializeError, Problem, TerminalWarehouseError
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Checked, Column, Discarded, Event, Published, Written
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.model import ColumnDoc, Kind, Model, RuleKind
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.statements import create_table_as
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table, ask, kinds_of, tables_in

FILLED = a_check("SELECT count(*) > 0 AS filled FROM first.cities", "filled")
ENDLESS = "SELECT count(*) AS n FROM range(100000000) AS a, range(100000) AS b"


def publish(model: Model, context: Context) -> list[Event]:
    events = list(materialize(model, context))
    assert kinds_of(events) == ["Started", "Written", "Checked", "Published"], events[-1]
    return events


def discard(model: Model, context: Context) -> Discarded:
    last = list(materialize(model, context))[-1]
    assert isinstance(last, Discarded)
    return last


class TestPublishing:
    def test_events_tell_rows_columns_and_the_statement(self, path: Path) -> None:
        model = a_table(
            "SELECT 1 AS Id, 'Paris' AS name -- the end\n;",
            FILLED,
            columns=(ColumnDoc("id", "the number"), ColumnDoc("name")),
        )
        _, written, checked, published = publish(model, a_context(path))
        statement = 'CREATE TABLE "first"."cities__sqlmat_r1_new" AS SELECT 1 AS Id, \'Paris\' AS name'
        columns = (Column("Id", "INTEGER", "the number"), Column("name", "VARCHAR"))
        assert isinstance(written, Written)
        assert written.intermediate == Relation("first", "cities__sqlmat_r1_new")
        assert (written.rows, written.columns) == (1, columns)
        assert written.statement.startswith(statement)
        assert isinstance(checked, Checked)
        assert [(result.name, result.passed) for result in checked.results] == [("filled", True)]
        assert isinstance(published, Published)
        assert (published.rows, published.columns, published.statement) == (1, columns, written.statement)
        assert ask(path, "FROM first.cities") == [(1, "Paris")]

    def test_a_pivot_that_finds_its_columns_itself_tells_its_rows_too(self, path: Path) -> None:
        # DuckDB returns nothing for it, not even how many rows it wrote.
        pivot = "PIVOT (SELECT 'a' AS k, 1 AS v UNION ALL SELECT 'b', 2) ON k USING sum(v)"
        published = publish(a_table(pivot, FILLED), a_context(path))[-1]
        assert isinstance(published, Published)
        assert (published.rows, [column.name for column in published.columns]) == (1, ["a", "b"])
        assert ask(path, "FROM first.cities") == [(1, 2)]

    def test_the_next_build_replaces_the_rows_and_leaves_nothing(self, path: Path) -> None:
        for number in (1, 2, 3):
            publish(a_table(f"SELECT {number} AS n", FILLED), a_context(path, f"r{number}"))
            assert ask(path, "FROM first.cities") == [(number,)]
        assert tables_in(path) == ["cities"]

    def test_one_run_may_build_a_table_twice(self, path: Path) -> None:
        context = a_context(path)
        publish(a_table("SELECT 1 AS n"), context)
        publish(a_table("SELECT 2 AS n"), context)
        assert ask(path, "FROM first.cities") == [(2,)]

    def test_descriptions_reach_the_warehouse(self, path: Path) -> None:
        model = a_table("SELECT 1 AS id", description="it's all", columns=(ColumnDoc("ID", "the id"),))
        publish(model, a_context(path))
        assert ask(path, "SELECT comment FROM duckdb_tables() WHERE table_name = 'cities'") == [("it's all",)]
        assert ask(path, "SELECT comment FROM duckdb_columns() WHERE table_name = 'cities'") == [("the id",)]

    def test_views_on_the_table_read_the_new_rows(self, path: Path) -> None:
        publish(a_table("SELECT 1 AS n"), a_context(path))
        ask(path, "CREATE VIEW first.seen AS SELECT n FROM first.cities")
        publish(a_table("SELECT 2 AS n, 3 AS m"), a_context(path, "r2"))
        assert ask(path, "FROM first.seen") == [(2,)]

    def test_a_name_that_differs_in_case_is_the_same_table(self, path: Path) -> None:
        publish(a_table("SELECT 1 AS n", name="first.Cities"), a_context(path))
        publish(a_table("SELECT 2 AS n", name="FIRST.cities"), a_context(path, "r2"))
        assert tables_in(path) == ["cities"]
        assert ask(path, "SELECT schema_name, table_name, builds FROM _sqlmat.tables") == [("FIRST", "cities", 2)]

    def test_letters_beyond_ascii_keep_their_case(self, path: Path) -> None:
        context = a_context(path)
        publish(a_table("SELECT 1 AS n", name="Été.É"), context)
        publish(a_table("SELECT 2 AS n", name="été.é"), context)
        publish(a_table("SELECT 3 AS n", name="été.É"), context)
        assert ask(path, "SELECT * FROM Été.É, été.é, été.É AS other") == [(1, 2, 3)]
        assert ask(path, "SELECT builds FROM _sqlmat.tables") == [(1,), (1,), (1,)]

    def test_a_table_may_read_its_published_rows(self, path: Path) -> None:
        publish(a_table("SELECT 1 AS n"), a_context(path))
        publish(a_table("SELECT n + 1 AS n FROM first.cities"), a_context(path, "r2"))
        assert ask(path, "FROM first.cities") == [(2,)]

    def test_a_long_name_is_shortened_while_it_is_built(self, path: Path) -> None:
        name = "cities_" + "é" * 120
        written = publish(a_table("SELECT 1 AS n", name=f"first.{name}"), a_context(path))[1]
        assert isinstance(written, Written)
        assert len(written.intermediate.name.encode()) <= 255
        assert tables_in(path) == [name]

    def test_what_is_recorded(self, path: Path) -> None:
        moments = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(1000))
        context = a_context(path, now=lambda: next(moments))
        published = publish(a_table("SELECT 1 AS n;"), context)[-1]
        assert isinstance(published, Published)
        row = ask(path, "SELECT schema_name, table_name, run, started_at, row_count, code, builds FROM _sqlmat.tables")
        assert row == [("first", "cities", "r1", datetime(2026, 1, 1), 1, "SELECT 1 AS n;", 1)]  # noqa: DTZ001 - UTC, as kept
        assert published.started_at == datetime(2026, 1, 1, tzinfo=UTC)
        mean = ask(path, "SELECT mean_seconds FROM _sqlmat.tables")[0][0]
        # What is recorded is known before the rows are in place.
        assert 0 < mean < published.seconds


class TestRefusing:
    def test_a_failing_check_keeps_the_published_rows(self, path: Path) -> None:
        publish(a_table("SELECT 1 AS n", FILLED), a_context(path))
        discarded = discard(a_table("SELECT 1 AS n LIMIT 0", FILLED), a_context(path, "r2"))
        assert isinstance(discarded.error, CheckFailedError)
        assert str(discarded.error) == (
            "1 check of `first.cities` failed\n  `filled`: is false\n`first.cities` still holds its previous rows"
        )
        assert [result.passed for result in discarded.results] == [False]
        assert ask(path, "FROM first.cities") == [(1,)]
        assert tables_in(path) == ["cities"]

    def test_a_failing_check_on_a_first_build(self, path: Path) -> None:
        discarded = discard(a_table("SELECT 1 AS n LIMIT 0", FILLED), a_context(path))
        assert str(discarded.error).endswith("`first.cities` was never built")
        assert tables_in(path) == []
        assert ask(path, "SELECT count(*) FROM _sqlmat.tables") == [(0,)]

    def test_a_check_that_does_not_block(self, path: Path) -> None:
        warn = a_check("SELECT count(*) > 5 AS many FROM first.cities", "many", is_blocking=False)
        checked = publish(a_table("SELECT 1 AS n", warn), a_context(path))[2]
        assert isinstance(checked, Checked)
        assert [(result.passed, result.is_blocking) for result in checked.results] == [(False, False)]

    def test_a_check_that_does_not_block_may_even_be_wrong_sql(self, path: Path) -> None:
        publish(
            a_table("SELECT 1 AS n", a_check("SELECT x AS b FROM no.such", "b", is_blocking=False)), a_context(path)
        )

    def test_wrong_sql(self, path: Path) -> None:
        publish(a_table("SELECT 1 AS n"), a_context(path))
        discarded = discard(a_table("SELECT nothing AS n FROM first.cities"), a_context(path, "r2"))
        assert isinstance(discarded.error, TerminalWarehouseError)
        lines = str(discarded.error).splitlines()
        assert lines[0] == 'Binder Error: Referenced column "nothing" not found in FROM clause!'
        assert lines[-2:] == [
            "`first.cities` still holds its previous rows",
            'statement: CREATE TABLE "first"."cities__sqlmat_r2_new" AS SELECT nothing AS n FROM first.cities',
        ]
        assert ask(path, "FROM first.cities") == [(1,)]

    def test_a_first_build_that_reads_itself(self, path: Path) -> None:
        lines = str(discard(a_table("SELECT n + 1 AS n FROM First.Cities"), a_context(path)).error).splitlines()
        assert lines[0] == "Catalog Error: Table with name Cities does not exist!"
        assert lines[-3:-1] == [
            "  hint: `first.cities` reads itself and was never built; build it once from a query that does not",
            "`first.cities` was never built",
        ]

    def test_a_table_of_the_project_that_was_never_built(self, path: Path) -> None:
        publish(a_table("SELECT 1 AS n", name="first.a"), a_context(path))
        upstream = (Relation("first", "a"), Relation("first", "b"))
        model = a_table("SELECT * FROM first.a, first.b", upstream=upstream)
        lines = str(discard(model, a_context(path)).error).splitlines()
        assert "  hint: build `first.b` first, which was never built" in lines

    def test_no_hint_where_nothing_is_missing(self, path: Path) -> None:
        publish(a_table("SELECT 1 AS n"), a_context(path))
        assert "hint" not in str(discard(a_table("SELECT x FROM first.cities"), a_context(path, "r2")).error)

    def test_a_quarantined_table_is_not_even_tried(self, path: Path) -> None:
        problem = Problem("first/cities.sql", 1, 8, "`x` is no table", "write a table")
        events = list(materialize(a_table("SELECT 1", problems=(problem,)), a_context(path)))
        assert kinds_of(events) == ["Started", "Discarded"]
        assert isinstance(events[1], Discarded)
        assert str(events[1].error) == (
            "`first.cities` is not built while its files have problems\n"
            "first/cities.sql:1:8: `x` is no table\n"
            "  hint: write a table\n"
            "`first.cities` was not touched"
        )
        assert not path.exists()

    @pytest.mark.parametrize(
        "name", ["first.x__sqlmat_k3_new", "first.X__SQLMAT_k3_old", "_sqlmat.tables", "_SQLMAT.x"]
    )
    def test_names_that_sqlmat_uses_itself(self, path: Path, name: str) -> None:
        assert str(discard(a_table("SELECT 1 AS n", name=name), a_context(path)).error) == (
            f"`{name}` is a name that sqlmat uses itself\n"
            "  hint: choose another; the schema `_sqlmat` and names with `__sqlmat_` are taken\n"
            f"`{name}` was not touched"
        )
        assert not path.exists()

    def test_a_warehouse_that_cannot_be_opened(self, tmp_path: Path) -> None:
        discarded = discard(a_table("SELECT 1 AS n"), a_context(tmp_path / "no" / "where.duckdb"))
        assert isinstance(discarded.error, TerminalWarehouseError)
        assert str(discarded.error).endswith(f"create the folder `{tmp_path}/no`\n`first.cities` was not touched")

    @pytest.mark.parametrize("kind", [Kind.PROCESSED, Kind.LOAD, Kind.DELIVERY])
    def test_kinds_that_cannot_be_built_yet(self, path: Path, kind: Kind) -> None:
        discarded = discard(a_table("SELECT 1 AS n", kind=kind), a_context(path))
        assert str(discarded.error) == (
            f"`first/cities.sql`: tables of kind `{kind}` cannot be built yet\n`first.cities` was never built"
        )


class TestAdopting:
    @pytest.mark.parametrize("kind", ["table", "view"])
    def test_what_somebody_else_made_is_not_touched(self, path: Path, kind: str) -> None:
        ask(path, f"CREATE SCHEMA first; CREATE {kind} first.cities AS SELECT 'precious' AS n")
        discarded = discard(a_table("SELECT 1 AS n"), a_context(path))
        assert type(discarded.error) is MaterializeError
        assert str(discarded.error) == (
            f"`first.cities` is a {kind} that sqlmat did not make\n"
            "  hint: set `adopt = true` in its settings to replace it, or give the file another name\n"
            "`first.cities` still holds its previous rows"
        )
        assert ask(path, "FROM first.cities") == [("precious",)]

    @pytest.mark.parametrize("kind", ["table", "view"])
    def test_adopted_once_it_stays_ours(self, path: Path, kind: str) -> None:
        ask(path, f"CREATE SCHEMA first; CREATE {kind} first.cities AS SELECT 'old' AS n")
        publish(a_table("SELECT 1 AS n", settings={"adopt": True}), a_context(path))
        publish(a_table("SELECT 2 AS n"), a_context(path, "r2"))
        assert ask(path, "FROM first.cities") == [(2,)]

    def test_what_somebody_else_puts_there_meanwhile_is_not_touched(self, path: Path) -> None:
        context = a_context(path)
        with context.warehouse.open_session():
            events = materialize(a_table("SELECT 1 AS n"), context)
            assert kinds_of([next(events), next(events)]) == ["Started", "Written"]
            with a_context(path).warehouse.open_session() as other:
                other.execute(create_table_as(Relation("first", "cities"), "SELECT 'precious' AS n"))
            discarded = list(events)[-1]
        assert isinstance(discarded, Discarded)
        assert "is a table that sqlmat did not make" in str(discarded.error)
        assert ask(path, "FROM first.cities") == [("precious",)]
        assert tables_in(path) == ["cities"]

    def test_a_table_that_was_dropped_by_hand_meanwhile_is_built(self, path: Path) -> None:
        context = a_context(path)
        publish(a_table("SELECT 1 AS n"), context)
        ask(path, "DROP TABLE first.cities")
        publish(a_table("SELECT 2 AS n"), context)
        assert ask(path, "FROM first.cities") == [(2,)]


class TestDataFiles:
    def test_a_file_is_a_table_with_checks(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "first").mkdir()
        (tmp_path / "first/cities.csv").write_bytes(b"\xef\xbb\xbfid,name\n1,Paris\n2,Rome\n")
        unique = a_rule(RuleKind.UNIQUE, "id")
        model = Model(Relation("first", "cities"), "first/cities.csv", Kind.DATA, "duckdb", "", rules=(unique,))
        written = publish(model, a_context(path, root=tmp_path))[1]
        assert isinstance(written, Written)
        assert written.columns == (Column("id", "BIGINT"), Column("name", "VARCHAR"))
        assert ask(path, "FROM first.cities ORDER BY id") == [(1, "Paris"), (2, "Rome")]

    def test_a_file_that_is_gone(self, path: Path, tmp_path: Path) -> None:
        model = Model(Relation("first", "cities"), "first/cities.csv", Kind.DATA, "duckdb", "")
        assert str(discard(model, a_context(path, root=tmp_path)).error) == (
            "the data file `first/cities.csv` does not exist\n`first.cities` was never built"
        )

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("cities.csv", "a,b\n1,2\n1,2,3\n"),
            ("cities.csv", ""),
            ("cities.csv", "a,a\n1,2\n"),
            ("cities.ndjson", '[{"a": 1}]'),
        ],
    )
    def test_a_file_that_cannot_be_read_leaves_the_published_rows(
        self, path: Path, tmp_path: Path, name: str, content: str
    ) -> None:
        (tmp_path / "first").mkdir()
        good = "a,b\n1,2\n" if name.endswith(".csv") else '{"a": 1, "b": 2}\n'
        model = Model(Relation("first", "cities"), f"first/{name}", Kind.DATA, "duckdb", "")
        (tmp_path / "first" / name).write_text(good)
        publish(model, a_context(path, root=tmp_path))
        (tmp_path / "first" / name).write_text(content)
        discarded = discard(model, a_context(path, "r2", root=tmp_path))
        assert isinstance(discarded.error, TerminalWarehouseError)
        assert str(discarded.error).startswith(f"{tmp_path}/first/{name}:")
        assert str(discarded.error).endswith("`first.cities` still holds its previous rows")
        assert ask(path, "FROM first.cities") == [(1, 2)]
        assert tables_in(path) == ["cities"]


class TestEnding:
    def test_the_time_limit_cancels_the_query(self, path: Path) -> None:
        model = a_table(ENDLESS, settings={"time_limit": timedelta(seconds=0.3)})
        begun = time.monotonic()
        discarded = discard(model, a_context(path))
        assert time.monotonic() - begun < 10
        assert isinstance(discarded.error, CancelledError)
        assert str(discarded.error) == (
            "cancelled after its time limit of 0.3s\n"
            "  hint: set `time_limit` to allow more\n"
            "`first.cities` was never built"
        )

    def test_the_time_limit_covers_the_checks_too(self, path: Path) -> None:
        check = a_check(f"SELECT n > 0 AS positive FROM ({ENDLESS}) AS q", "positive", is_blocking=False)
        model = a_table("SELECT 1 AS n", check, settings={"time_limit": timedelta(seconds=0.5)})
        assert isinstance(discard(model, a_context(path)).error, CancelledError)
        assert tables_in(path) == []

    def test_another_thread_cancels(self, path: Path) -> None:
        context = a_context(path)
        timer = threading.Timer(0.3, context.cancellation.cancel)
        timer.start()
        discarded = discard(a_table(ENDLESS), context)
        timer.join()
        assert isinstance(discarded.error, CancelledError)
        assert str(discarded.error) == "cancelled\n`first.cities` was never built"

    def test_nothing_starts_after_that(self, path: Path) -> None:
        context = a_context(path)
        context.cancellation.cancel()
        assert kinds_of(materialize(a_table("SELECT 1 AS n"), context)) == ["Started", "Discarded"]
        assert not path.exists()

    def test_waiting_for_a_file_that_another_process_holds_ends_too(
        self, path: Path, hold: Callable[[Path], None]
    ) -> None:
        hold(path)
        context = a_context(path)
        timer = threading.Timer(0.3, context.cancellation.cancel)
        timer.start()
        begun = time.monotonic()
        discarded = discard(a_table("SELECT 1 AS n"), context)
        timer.join()
        assert time.monotonic() - begun < 5
        assert str(discarded.error) == "cancelled\n`first.cities` was not touched"

    @pytest.mark.parametrize("events", [1, 2, 3])
    def test_closing_the_generator_leaves_nothing(self, path: Path, events: int) -> None:
        publish(a_table("SELECT 1 AS n", FILLED), a_context(path))
        building = materialize(a_table("SELECT 2 AS n", FILLED), a_context(path, "r2"))
        for _ in range(events):
            next(building)
        building.close()
        assert tables_in(path) == ["cities"]
        assert ask(path, "FROM first.cities") == [(1,)]

    def test_an_exception_of_the_consumer_comes_back(self, path: Path) -> None:
        building = materialize(a_table("SELECT 2 AS n", FILLED), a_context(path))
        next(building)
        next(building)
        with pytest.raises(KeyboardInterrupt):
            building.throw(KeyboardInterrupt())
        assert tables_in(path) == []

    def test_the_limit_is_learned_from_five_builds(self, path: Path) -> None:
        publish(a_table("SELECT 1 AS n"), a_context(path))
        ask(path, "UPDATE _sqlmat.tables SET builds = 5, mean_seconds = -1")
        # A mean cannot be negative; the floor of a minute keeps even that from cancelling a healthy build.
        publish(a_table("SELECT 2 AS n"), a_context(path, "r2"))


def test_no_thread_outlives_a_build(path: Path) -> None:
    model = a_table("SELECT 1 AS id", settings={"time_limit": timedelta(hours=1)})
    assert kinds_of(materialize(model, a_context(path)))[-1] == "Published"
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("sqlmat-")] == []
