"""`mode = view`: written, checked and published like a table, and without an age."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Discarded, Event, Published, Run, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import ColumnDoc, Model, RuleKind
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.tables import a_check, a_context, a_project, a_rule, a_table, ask, kinds_of, tables_in

CITIES = Relation("first", "cities")
SEEN = Relation("first", "seen")
KINDS = "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'first' ORDER BY 1"


def version_of(text: str) -> CodeVersion:
    return CodeVersion(f"m{hash(text)}", f"t{hash(text)}", "30.0.0")


def cities(sql: str = "SELECT 1 AS id, 'Paris' AS name") -> Model:
    return a_table(sql, version=version_of(sql))


def seen(sql: str = "SELECT id FROM first.cities", **more: object) -> Model:
    settings = {"mode": "view", **dict(more.pop("settings", {}))}  # type: ignore[call-overload] - of many types
    given: dict[str, object] = {"upstream": (CITIES,), "version": version_of(sql), **more}
    checks = given.pop("checks", ())
    return a_table(sql, *checks, name="first.seen", settings=settings, **given)  # type: ignore[misc] - as above


def reader(sql: str = "SELECT count(*) AS n FROM first.seen") -> Model:
    return a_table(sql, name="first.counted", upstream=(SEEN,), version=version_of(sql))


def last(model: Model, context: Context) -> Event:
    return list(materialize(model, context))[-1]


def published(model: Model, context: Context) -> Published:
    event = last(model, context)
    assert isinstance(event, Published), event
    return event


def discarded(model: Model, context: Context) -> str:
    event = last(model, context)
    assert isinstance(event, Discarded), event
    return str(event.error)


def due(path: Path, run: str, *models: Model, reason: Reason = Reason.DUE) -> Context:
    reasons = Reasons.of({model.relation: reason for model in models})
    return replace(a_context(path), run=Run(run, datetime.now(UTC), None, reasons))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "warehouse.duckdb"
    published(cities(), a_context(found, "r0"))
    return found


class TestPublishing:
    def test_a_view_is_made(self, path: Path) -> None:
        check = a_check("SELECT id > 0 AS positive FROM first.seen", "positive")
        model = seen(
            "SELECT id -- the number\nFROM first.cities", checks=(check,), columns=(ColumnDoc("id", "number"),)
        )
        model = replace(model, description="What is seen.")
        events = list(materialize(model, a_context(path)))
        assert kinds_of(events) == ["Started", "Written", "Checked", "Published"]
        end = events[-1]
        assert isinstance(end, Published)
        assert (end.rows, end.data_version) == (None, None)
        assert [(column.name, column.type, column.description) for column in end.columns] == [
            ("id", "INTEGER", "number")
        ]
        assert ask(path, KINDS) == [("cities", "BASE TABLE"), ("seen", "VIEW")]
        assert ask(path, "SELECT row_count FROM _sqlmat.tables WHERE table_name = 'seen'") == [(None,)]
        assert ask(path, "SELECT comment FROM duckdb_views() WHERE view_name = 'seen'") == [("What is seen.",)]
        assert ask(path, "SELECT comment FROM duckdb_columns() WHERE table_name = 'seen'") == [("number",)]
        published(cities("SELECT * FROM range(3) AS r(id)"), a_context(path, "r2"))
        assert ask(path, "SELECT count(*) FROM first.seen") == [(3,)]

    @pytest.mark.parametrize(
        ("rule", "said"),
        [
            (a_rule(RuleKind.UNIQUE, "id"), "unique"),
            (a_rule(RuleKind.NOT_NULL, "id"), "not_null"),
            (a_rule(RuleKind.MIN_ROWS, limit=2), "min_rows"),
            (a_rule(RuleKind.MAX_ROW_CHANGE, limit=0.1), "max_row_change"),
        ],
    )
    def test_each_rule_keeps_what_was_there(self, path: Path, rule: object, said: str) -> None:
        published(seen("SELECT id FROM first.cities"), a_context(path))
        bad = {"unique": "SELECT 1 AS id UNION ALL SELECT 1", "not_null": "SELECT NULL::INT AS id"}
        more = {"min_rows": "SELECT 1 AS id", "max_row_change": "SELECT * FROM range(9) AS r(id)"}
        model = seen((bad | more)[said], rules=(rule,), upstream=())
        message = discarded(model, a_context(path, "r2"))
        assert f"`{said}`" in message
        assert message.endswith("`first.seen` still holds its previous rows")
        assert ask(path, "SELECT id FROM first.seen") == [(1,)]
        assert tables_in(path) == ["cities", "seen"]
        good = {"min_rows": "SELECT * FROM range(2) AS r(id)"}
        published(seen(good.get(said, "SELECT 7 AS id"), rules=(rule,), upstream=()), a_context(path, "r3"))

    def test_a_failing_check_keeps_a_table_that_was_to_become_a_view(self, path: Path) -> None:
        check = a_check("SELECT id > 5 AS big FROM first.seen", "big")
        published(replace(seen(), settings=cities().settings), a_context(path))
        assert "`big`" in discarded(seen(checks=(check,)), a_context(path, "r2"))
        assert ask(path, KINDS) == [("cities", "BASE TABLE"), ("seen", "BASE TABLE")]

    def test_the_query_is_refused(self, path: Path) -> None:
        assert "nothing" in discarded(seen("SELECT nothing FROM first.cities"), a_context(path))
        missing = seen("SELECT id FROM first.later", upstream=(Relation("first", "later"),))
        assert "hint: build `first.later` first, which was never built" in discarded(missing, a_context(path, "r2"))
        assert tables_in(path) == ["cities"]

    def test_the_same_view_stays(self, path: Path) -> None:
        before = published(seen(), a_context(path))
        warehouse = RecordingWarehouse(path)
        event = last(seen(), a_context(warehouse, "r2"))
        assert isinstance(event, Unchanged)
        assert (event.rows, event.columns) == (None, before.columns)
        assert event.statement is not None
        assert not [sql for sql in warehouse.sent if "RENAME" in sql]
        assert tables_in(path) == ["cities", "seen"]

    @pytest.mark.parametrize("mine", ["CREATE VIEW first.seen AS SELECT 5 AS id", "CREATE TABLE first.seen (id INT)"])
    def test_what_somebody_else_has_made_stays(self, path: Path, mine: str) -> None:
        ask(path, mine)
        assert "sqlmat did not make" in discarded(seen(), a_context(path))
        published(seen(settings={"adopt": True}), a_context(path, "r2"))
        assert ask(path, "SELECT id FROM first.seen") == [(1,)]

    def test_a_view_that_somebody_has_dropped_or_replaced_is_made_again(self, path: Path) -> None:
        published(seen(), a_context(path))
        for number, edit in enumerate(["", "CREATE TABLE first.seen AS SELECT 3 AS id"]):
            ask(path, f"DROP VIEW first.seen; {edit}")
            published(seen(), due(path, f"d{number}", seen(), reason=Reason.VIEW))
            assert ask(path, KINDS)[1] == ("seen", "VIEW")

    def test_a_view_reads_the_columns_that_are_there(self, path: Path) -> None:
        published(seen("SELECT * FROM first.cities"), a_context(path))
        published(cities("SELECT 'x' AS more, DATE '2026-01-01' AS id"), a_context(path, "r2"))
        assert ask(path, "SELECT column_name FROM (DESCRIBE first.seen)") == [("more",), ("id",)]
        assert ask(path, "SELECT more, year(id) FROM first.seen") == [("x", 2026)]


class TestKinds:
    def test_there_and_back(self, path: Path) -> None:
        table = replace(seen("SELECT 1 AS id", upstream=()), settings=cities().settings)
        view = seen("SELECT 2 AS id", upstream=())
        for number in range(3):
            published(table, a_context(path, f"t{number}"))
            assert ask(path, KINDS)[1] == ("seen", "BASE TABLE")
            assert ask(path, "SELECT row_count FROM _sqlmat.tables WHERE table_name = 'seen'") == [(1,)]
            published(view, a_context(path, f"v{number}"))
            assert ask(path, KINDS)[1] == ("seen", "VIEW")


class TestRuns:
    def test_two_runs_at_once(self, path: Path) -> None:
        ends: list[Event] = []

        def work(run: str) -> None:
            for number in range(8):
                model = seen(f"SELECT {number} AS id FROM first.cities")
                table = replace(model, settings=cities().settings)
                ends.append(last(model if run == "a" else table, a_context(path, f"{run}{number}")))

        threads = [threading.Thread(target=work, args=(run,)) for run in "ab"]
        with DuckDBWarehouse(path).open_session():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert [type(end).__name__ for end in ends if not isinstance(end, Published)] == []
        assert ask(path, "SELECT id FROM first.seen") == [(7,)]
        assert tables_in(path) == ["cities", "seen"]


class TestCutOff:
    """A table that reads a view reads what the view reads."""

    def both(self, path: Path, view: Model | None = None) -> None:
        published(view or seen(), a_context(path, "r1"))
        published(reader(), a_context(path, "r1"))

    def again(self, path: Path, run: str, *extra: Model) -> Event:
        return last(reader(), due(path, run, reader(), *extra))

    def test_nothing_new_is_not_built(self, path: Path) -> None:
        self.both(path)
        event = self.again(path, "r2")
        assert isinstance(event, Unchanged)
        assert event.statement is None

    def test_a_table_below_the_view_that_was_published(self, path: Path) -> None:
        self.both(path)
        published(cities("SELECT * FROM range(4) AS r(id)"), a_context(path, "r2"))
        assert isinstance(self.again(path, "r3"), Published)
        assert ask(path, "FROM first.counted") == [(4,)]
        assert isinstance(self.again(path, "r4"), Unchanged)

    def test_a_view_that_was_changed(self, path: Path) -> None:
        self.both(path)
        published(seen("SELECT id FROM first.cities WHERE false"), a_context(path, "r2"))
        assert isinstance(self.again(path, "r3"), Published)
        assert ask(path, "FROM first.counted") == [(0,)]

    def test_views_of_views(self, path: Path) -> None:
        published(seen(), a_context(path, "r1"))
        outer = a_table(
            "FROM first.seen", name="first.outer", upstream=(SEEN,), version=version_of("o"), settings={"mode": "view"}
        )
        published(outer, a_context(path, "r1"))
        counted = replace(reader("SELECT count(*) AS n FROM first.outer"), upstream=(outer.relation,))
        published(counted, a_context(path, "r1"))
        assert isinstance(last(counted, due(path, "r2", counted)), Unchanged)
        published(cities("SELECT 3 AS id UNION ALL SELECT 4"), a_context(path, "r3"))
        assert isinstance(last(counted, due(path, "r4", counted)), Published)
        assert ask(path, "FROM first.counted") == [(2,)]

    @pytest.mark.parametrize(
        "view",
        [
            seen("SELECT random() AS id FROM first.cities", varies="`random()` in line 1"),
            seen("SELECT id FROM other.rows", upstream=(), sources=(Relation("other", "rows"),)),
        ],
        ids=["varies", "source"],
    )
    def test_what_may_give_other_rows_at_any_time(self, path: Path, view: Model) -> None:
        ask(path, "CREATE SCHEMA other; CREATE TABLE other.rows AS SELECT 1 AS id")
        self.both(path, view)
        ask(path, "INSERT INTO other.rows VALUES (2)")
        event = self.again(path, "r2")
        assert isinstance(event, Published) or (isinstance(event, Unchanged) and event.statement is not None)

    def test_the_view_that_is_there_counts_and_not_the_file(self, path: Path) -> None:
        other = a_table("SELECT 1 AS id", name="first.other", version=version_of("other"))
        published(other, a_context(path, "r0"))
        self.both(path, seen("SELECT id FROM first.other", upstream=(other.relation,)))
        # The file now reads first.cities, and its view was never published.
        published(replace(other, sql="SELECT 1 AS id UNION ALL SELECT 2"), a_context(path, "r2"))
        assert isinstance(self.again(path, "r3"), Published)
        assert ask(path, "FROM first.counted") == [(2,)]

    def test_a_view_that_is_gone(self, path: Path) -> None:
        self.both(path)
        ask(path, "DROP VIEW first.seen")
        assert isinstance(self.again(path, "r2"), Discarded)

    def test_a_view_in_a_run_is_left_as_it_is(self, path: Path) -> None:
        published(seen(), a_context(path))
        for reason in (Reason.VIEW, Reason.READ):
            warehouse = RecordingWarehouse(path)
            run = replace(due(path, "r2", seen(), reason=reason), warehouse=warehouse)
            event = last(seen(), run)
            assert isinstance(event, Unchanged)
            assert event.statement is None
            assert not [sql for sql in warehouse.sent if "VIEW" in sql]

    def test_a_build_of_all(self, path: Path) -> None:
        project = a_project(cities("SELECT 1 AS id UNION ALL SELECT 2"), seen(), reader())
        events = list(build(project, list(project.models), a_context(path, "r1")))
        assert [str(e.relation) for e in events if isinstance(e, Published)] == [
            "first.cities", "first.seen", "first.counted"
        ]  # fmt: skip
        assert ask(path, "FROM first.counted") == [(2,)]

    def test_what_is_read_by_way_of_a_view_is_built_first(self, path: Path) -> None:
        published(seen(), a_context(path, "r0"))
        project = a_project(cities("SELECT 1 AS id UNION ALL SELECT 2"), seen(), reader())
        events = list(build(project, [CITIES, reader().relation], a_context(path, "r1")))
        assert [str(e.relation) for e in events if isinstance(e, Published)] == ["first.cities", "first.counted"]
        assert ask(path, "FROM first.counted") == [(2,)]


class TestDependents:
    """Views that people have made on tables of the project."""

    TWO = "SELECT 1 AS id, 'Paris' AS name"

    def test_they_read_the_new_rows(self, path: Path) -> None:
        ask(
            path, "CREATE VIEW first.mine AS SELECT name FROM first.cities; CREATE VIEW first.all_ AS FROM first.cities"
        )
        published(cities("SELECT 'x' AS more, 2 AS id, 'Rome' AS name"), a_context(path, "r2"))
        assert ask(path, "FROM first.mine") == [("Rome",)]
        assert ask(path, "FROM first.all_") == [("x", 2, "Rome")]

    @pytest.mark.parametrize("mode", ["replace", "view"])
    def test_a_column_that_they_use_and_that_would_be_gone(self, path: Path, mode: str) -> None:
        ask(
            path,
            "CREATE SCHEMA people; CREATE VIEW people.mine AS SELECT name FROM first.cities;"
            "CREATE VIEW people.far AS SELECT count(*) AS n FROM people.mine; CREATE VIEW people.ids AS SELECT id FROM "
            "first.cities; CREATE VIEW people.broken AS SELECT name FROM first.cities; CREATE TABLE people.t (a INT);"
            "CREATE VIEW people.old AS SELECT a FROM people.t, first.cities; ALTER TABLE people.t RENAME a TO b",
        )
        model = replace(cities("SELECT 1 AS id"), settings=replace(cities().settings, mode=mode))
        assert discarded(model, a_context(path, "r2")) == (
            "`first.cities` was not replaced: 3 views that read it would no longer work\n"
            + "".join(
                f'  `people.{view}`: Binder Error: Referenced column "name" not found in FROM clause!\n'
                for view in ("broken", "far", "mine")
            )
            + "  hint: change or drop what reads it first, or keep the columns\n"
            "`first.cities` still holds its previous rows"
        )
        assert ask(path, "FROM people.mine") == [("Paris",)]
        assert ask(path, "FROM people.far") == [(1,)]
        assert ask(path, KINDS) == [("cities", "BASE TABLE")]
        ask(path, "DROP VIEW people.far; DROP VIEW people.mine; DROP VIEW people.broken")
        published(model, a_context(path, "r3"))
        assert ask(path, "FROM people.ids") == [(1,)]

    def test_a_view_of_the_project_that_is_what_its_file_says(self, path: Path) -> None:
        """A file from outside lost a column: nobody has edited anything."""
        view = seen("SELECT name FROM first.cities")
        published(view, a_context(path, "r2"))
        ask(path, "CREATE SCHEMA people; CREATE VIEW people.far AS SELECT count(*) AS n FROM first.seen")
        context = a_context(path, "r3", views={SEEN: view.sql})
        assert discarded(cities("SELECT 1 AS id"), context).startswith(
            "`first.cities` was not replaced: 2 views that read it would no longer work\n  `first.seen`: "
        )
        assert ask(path, "FROM first.seen") == [("Paris",)]

    def test_a_view_of_the_project_whose_file_was_edited_since(self, path: Path) -> None:
        published(seen("SELECT name FROM first.cities"), a_context(path, "r2"))
        edited = seen()
        context = a_context(path, "r3", views={SEEN: edited.sql})
        published(cities("SELECT 2 AS id"), context)
        published(edited, context)
        assert ask(path, "FROM first.seen") == [(2,)]

    def test_a_column_that_is_added_in_place(self, path: Path) -> None:
        settings = replace(
            cities().settings, mode="merge", unique_key=("id",), on_match="update", on_schema_change="add"
        )
        ask(path, "CREATE TABLE first.prices AS SELECT 1 AS id, 9 AS price")
        ask(path, "CREATE VIEW first.mine AS SELECT name, price FROM first.cities JOIN first.prices USING (id)")
        merged = replace(cities("SELECT 1 AS id, 'Rome' AS name, 3 AS price"), settings=settings)
        said = discarded(merged, a_context(path, "r2"))
        # The quotes are other ones in DuckDB 1.5.
        assert said.replace('"cities.price" or "prices.price"', "'cities.price' or 'prices.price'") == (
            "`first.cities` was not replaced: a view that reads it would no longer work\n"
            '  `first.mine`: Binder Error: Ambiguous reference to column name "price" '
            "(use: 'cities.price' or 'prices.price')\n"
            "  hint: change or drop what reads it first, or keep the columns\n"
            "`first.cities` still holds its previous rows"
        )
        assert ask(path, "FROM first.mine") == [("Paris", 9)]
        other = replace(cities("SELECT 1 AS id, 'Rome' AS name, 3 AS other"), settings=settings)
        published(other, a_context(path, "r3"))
        assert ask(path, "FROM first.mine") == [("Rome", 9)]
        assert ask(path, "FROM first.cities") == [(1, "Rome", 3)]

    def test_a_type_that_they_cannot_use(self, path: Path) -> None:
        ask(path, "CREATE VIEW first.mine AS SELECT upper(name) AS n, name[1] AS first FROM first.cities")
        assert "`first.mine`: Binder Error" in discarded(cities("SELECT 1 AS id, 2 AS name"), a_context(path, "r2"))
        assert ask(path, "FROM first.mine") == [("PARIS", "P")]

    def test_views_of_the_project_that_were_edited_since_are_no_reason(self, path: Path) -> None:
        published(seen("SELECT name FROM first.cities"), a_context(path, "r1"))
        # It reads the table by way of a view whose file is to be changed.
        ask(path, "CREATE VIEW first.mine AS SELECT name FROM first.seen")
        published(cities("SELECT 1 AS id"), a_context(path, "r2"))
        assert "name" in discarded(seen("SELECT name FROM first.cities", upstream=(CITIES,)), a_context(path, "r3"))
        rule = a_rule(RuleKind.MAX_ROW_CHANGE, limit=0.1)
        published(seen("SELECT 'x' AS name FROM first.cities", rules=(rule,)), a_context(path, "r4"))
        assert ask(path, "FROM first.mine") == [("x",)]

    def test_a_view_of_the_project_is_not_taken_from_under_others(self, path: Path) -> None:
        published(seen("SELECT id, name FROM first.cities"), a_context(path, "r1"))
        ask(path, "CREATE VIEW first.mine AS SELECT name FROM first.seen")
        assert "`first.mine`" in discarded(seen("SELECT id FROM first.cities"), a_context(path, "r2"))
        assert ask(path, "FROM first.mine") == [("Paris",)]

    def test_without_such_views_it_costs_one_statement_in_a_run(self, path: Path) -> None:
        warehouse = RecordingWarehouse(path)
        context = a_context(warehouse, "r2")
        for number in range(5):
            published(cities(f"SELECT {number} AS number"), context)
        assert len([sql for sql in warehouse.sent if "VIEWS" in sql.upper()]) == 1

    def test_the_same_columns_are_not_tried(self, path: Path) -> None:
        ask(path, "CREATE VIEW first.mine AS SELECT name FROM first.cities")
        warehouse = RecordingWarehouse(path)
        published(cities("SELECT 2 AS id, 'Rome' AS name"), a_context(warehouse, "r2"))
        assert len([sql for sql in warehouse.sent if "RENAME" in sql]) == 1
