"""Equal rows are not swapped, and a table is not even built where nothing that its rows come from has changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Published, Run, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import ColumnDoc, Kind, Model
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.execution.pair import (
    READING,
    SOURCE,
    TARGET,
    VERSION,
    a_reader,
    a_source,
    due,
    last_of,
    published,
    recorded,
    unchanged,
)
from sqlmat_assets_tests.recording import RecordingWarehouse, refuse
from sqlmat_assets_tests.tables import a_check, a_context, a_project, a_table, ask, kinds_of, tables_in


class TestEqualRows:
    def test_they_are_built_and_checked_and_not_swapped(self, path: Path) -> None:
        check = a_check("SELECT count(*) = 2 AS two FROM first.cities", "two")
        first = "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS v(id, name)"
        model = a_reader(first, check, upstream=(), columns=(ColumnDoc("id", "the number"),))
        before = published(model, a_context(path, "r1"))
        identity = recorded(path, "published_at, inputs, data_version")
        events = list(materialize(model, a_context(path, "r2")))
        assert kinds_of(events) == ["Started", "Written", "Checked", "Unchanged"]
        last = events[-1]
        assert isinstance(last, Unchanged)
        assert (last.rows, last.columns, last.data_version) == (2, before.columns, before.data_version)
        assert last.statement is not None
        assert last.saved_seconds is None
        assert tables_in(path) == ["cities"]
        assert recorded(path, "published_at, inputs, data_version") == identity
        assert recorded(path, "run, builds") == ("r2", 2)

    def test_nothing_of_a_swap_is_sent(self, path: Path) -> None:
        model = a_reader("SELECT 1 AS id", upstream=(), description="the cities")
        published(model, a_context(path, "r1"))
        warehouse = RecordingWarehouse(path)
        unchanged(model, a_context(warehouse, "r2"))
        begun = next(number for number, sql in enumerate(warehouse.sent) if "CREATE TABLE" in sql and "_new" in sql)
        assert [sql.split()[0] for sql in warehouse.sent[begun:]] == [
            "CREATE",
            "SELECT",
            "SELECT",
            "SELECT",
            "SELECT",
            "BEGIN",
            "UPDATE",
            "DROP",
            "COMMIT",
        ]

    @pytest.mark.parametrize(
        "change",
        [
            {"sql": "SELECT 1 AS id -- with a new comment"},
            {"sql": "SELECT 2 AS id"},
            {"sql": "SELECT 1::BIGINT AS id"},
            {"sql": "SELECT 1 AS number"},
            {"sql": "SELECT 1 AS id UNION ALL SELECT 1"},
            {"version": CodeVersion("other", "other", "30.0.0")},
            {"version": CodeVersion("meaning", "other", "31.0.0")},
            {"version": None},
            {"settings": replace(a_table("").settings, skip_unchanged=False)},
        ],
        ids=str,
    )
    def test_anything_new_is_swapped(self, path: Path, change: dict[str, Any]) -> None:
        model = a_reader("SELECT 1 AS id", upstream=())
        published(model, a_context(path, "r1"))
        published(replace(model, **change), a_context(path, "r2"))

    @pytest.mark.parametrize(
        "edit",
        [
            "INSERT INTO first.cities VALUES (2)",
            "DELETE FROM first.cities",
            "DROP TABLE first.cities",
            "ALTER TABLE first.cities ADD COLUMN name VARCHAR",
            "ALTER TABLE first.cities ALTER COLUMN id TYPE BIGINT",
            "ALTER TABLE first.cities RENAME COLUMN id TO number",
            "DROP TABLE first.cities; CREATE VIEW first.cities AS SELECT 1 AS id",
        ],
    )
    @pytest.mark.parametrize("is_due", [False, True])
    def test_what_somebody_did_to_the_published_table_is_mended(self, path: Path, edit: str, is_due: bool) -> None:
        model = a_reader("SELECT 1 AS id", upstream=())
        published(model, a_context(path, "r1"))
        ask(path, edit)
        # Other columns are found when the table is built; before that, only whether its rows are there.
        if is_due and "ALTER" in edit:
            unchanged(model, due(path, "r2"))
        else:
            published(model, due(path, "r2") if is_due else a_context(path, "r2"))
            assert ask(path, "FROM first.cities") == [(1,)]

    def test_a_failing_check_is_told_although_the_rows_are_the_same(self, path: Path) -> None:
        model = a_reader("SELECT 1 AS id", upstream=())
        published(model, a_context(path, "r1"))
        checked = replace(model, checks=(a_check("SELECT id = 2 AS two FROM first.cities", "two"),))
        assert kinds_of(materialize(checked, a_context(path, "r2")))[-1] == "Discarded"
        assert tables_in(path) == ["cities"]

    def test_without_the_setting_nothing_is_compared(self, path: Path) -> None:
        warehouse = RecordingWarehouse(path)
        last = published(a_reader("SELECT 1 AS id", settings={"skip_unchanged": False}), a_context(warehouse))
        assert last.data_version is None
        assert not [sql for sql in warehouse.sent if "BIT_XOR" in sql]

    def test_a_type_that_cannot_be_compared_is_published(self, path: Path) -> None:
        def fails(_: int, sql: str) -> None:
            if "BIT_XOR" in sql:
                refuse(sql)

        model = a_reader("SELECT 1 AS id", upstream=())
        assert published(model, a_context(RecordingWarehouse(path, fails), "r1")).data_version is None
        published(model, due(path, "r2"))


class TestNothingNew:
    def both(self, path: Path, reader: Model | None = None) -> Model:
        reader = reader or a_reader()
        published(a_source(), a_context(path, "r0"))
        published(reader, a_context(path, "r0"))
        return reader

    def test_a_due_table_is_not_built(self, path: Path) -> None:
        model = self.both(path)
        before = recorded(path, "published_at, data_version, inputs, mean_seconds, builds")
        context = due(path, "r1")
        events = list(materialize(model, context))
        assert kinds_of(events) == ["Started", "Unchanged"]
        last = events[-1]
        assert isinstance(last, Unchanged)
        assert (last.rows, last.statement, last.data_version) == (1, None, before[1])
        assert last.saved_seconds == before[3] > 0
        assert [(column.name, column.type) for column in last.columns] == [("id", "INTEGER"), ("name", "VARCHAR")]
        assert recorded(path, "published_at, data_version, inputs, mean_seconds, builds") == before
        decided_at = context.run.decided_at.replace(tzinfo=None)
        # The commit stays that of the rows.
        assert recorded(path, "run, commit_id, decided_at") == ("r1", None, decided_at)

    @pytest.mark.parametrize("reason", [Reason.NEW, Reason.CHANGED, Reason.RETRY])
    def test_for_another_reason_than_age_it_is_built(self, path: Path, reason: Reason) -> None:
        model = self.both(path)
        assert unchanged(model, due(path, "r1", reason)).statement is not None

    def test_a_person_always_builds(self, path: Path) -> None:
        model = self.both(path)
        assert unchanged(model, a_context(path, "r1")).statement is not None

    @pytest.mark.parametrize(
        "change",
        [
            {"varies": "`now()` in line 3"},
            {"sources": (Relation("raw", "events"),)},
            {"upstream": (SOURCE, Relation("first", "never_built"))},
            {"version": CodeVersion("other", "other", "30.0.0")},
            {"version": None},
            {"sql": READING + " -- another comment"},
            {"settings": replace(a_table("").settings, skip_unchanged=False)},
            {
                "checks": (
                    replace(
                        a_check("SELECT true AS holds FROM first.other", "holds"), reads=(Relation("first", "other"),)
                    ),
                )
            },
            {"checks": (replace(a_check("SELECT now() > '2020-01-01' AS late", "late"), varies=True),)},
        ],
        ids=lambda change: str(*change),
    )
    def test_what_may_have_changed_is_built(self, path: Path, change: dict[str, Any]) -> None:
        model = self.both(path)
        ask(path, "CREATE TABLE first.other AS SELECT 1 AS id")
        assert "Written" in kinds_of(materialize(replace(model, **change), due(path, "r1")))

    def test_checks_may_read_what_the_table_reads(self, path: Path) -> None:
        reads = (SOURCE, TARGET)
        check = a_check("SELECT count(*) = 1 AS one FROM first.cities JOIN first.source USING (id)", "one")
        model = self.both(path, a_reader(READING, replace(check, reads=reads)))
        assert unchanged(model, due(path, "r1")).statement is None

    def test_a_table_that_reads_outside_the_project_has_unknown_inputs(self, path: Path) -> None:
        ask(path, "CREATE SCHEMA raw; CREATE TABLE raw.events AS SELECT 1 AS id")
        model = a_reader("SELECT id FROM raw.events", upstream=(), sources=(Relation("raw", "events"),))
        published(model, a_context(path))
        assert recorded(path, "inputs") == (None,)

    def test_a_table_that_reads_itself_is_built(self, path: Path) -> None:
        published(a_reader("SELECT 1 AS n", upstream=()), a_context(path, "r0"))
        growing = a_reader("SELECT n + 1 AS n FROM first.cities", upstream=())
        for number in (2, 3):
            published(growing, due(path, f"r{number}"))
            assert ask(path, "FROM first.cities") == [(number,)]

    def test_new_rows_upstream_are_read(self, path: Path) -> None:
        model = self.both(path)
        published(a_source("SELECT 2 AS id, 'Rome' AS name"), a_context(path, "r1"))
        published(model, due(path, "r2"))
        assert ask(path, "FROM first.cities") == [(2, "Rome")]

    def test_an_upstream_with_equal_rows_lets_the_reader_be(self, path: Path) -> None:
        model = self.both(path)
        assert unchanged(a_source(), a_context(path, "r1")).statement is not None
        assert unchanged(model, due(path, "r2")).statement is None

    def test_rows_that_come_back_are_not_taken_for_those_that_never_went(self, path: Path) -> None:
        """The reader was built from B; that its source was A before and is A again says nothing of it."""
        model = self.both(path)
        first = recorded(path, "data_version", "source")
        published(a_source("SELECT 2 AS id, 'Rome' AS name"), a_context(path, "b"))
        published(model, due(path, "b1"))
        published(a_source(), a_context(path, "a"))
        assert recorded(path, "data_version", "source") == first
        published(model, due(path, "a1"))
        assert ask(path, "FROM first.cities") == [(1, "Paris")]

    def test_rows_that_came_back_between_two_builds_are_read_again(self, path: Path) -> None:
        model = self.both(path)
        published(a_source("SELECT 2 AS id, 'Rome' AS name"), a_context(path, "b"))
        published(a_source(), a_context(path, "a"))
        assert unchanged(model, due(path, "a1")).statement is not None
        assert unchanged(model, due(path, "a2")).statement is None

    def test_what_is_published_while_the_query_reads_is_read_next_time(self, path: Path) -> None:
        """The run looks at its source, then another one publishes, then the query reads."""
        self.both(path)
        other = a_source("SELECT 2 AS id, 'Rome' AS name")

        def interfere(_: int, sql: str) -> None:
            if sql.startswith('CREATE TABLE "first"."cities__sqlmat_slow_new"'):
                published(other, a_context(path, "quick"))

        published(a_reader(), a_context(RecordingWarehouse(path, interfere), "slow"))
        assert ask(path, "FROM first.cities") == [(2, "Rome")]
        assert "Written" in kinds_of(materialize(a_reader(), due(path, "r2")))

    def test_what_is_published_after_the_query_has_read_is_read_next_time(self, path: Path) -> None:
        self.both(path)
        context = a_context(path, "slow")
        with context.warehouse.open_session():
            events = materialize(a_reader(), context)
            assert kinds_of([next(events), next(events)]) == ["Started", "Written"]
            published(a_source("SELECT 2 AS id, 'Rome' AS name"), a_context(path, "quick"))
            assert kinds_of(events)[-1] == "Unchanged"
        assert ask(path, "FROM first.cities") == [(1, "Paris")]
        published(a_reader(), due(path, "r2"))
        assert ask(path, "FROM first.cities") == [(2, "Rome")]

    def test_what_another_run_has_published_since_this_one_began_is_read(self, path: Path) -> None:
        model = self.both(path)
        context = due(path, "slow")
        assert unchanged(a_source(), context).statement is None
        published(a_source("SELECT 2 AS id, 'Rome' AS name"), a_context(path, "quick"))
        published(model, context)
        assert ask(path, "FROM first.cities") == [(2, "Rome")]

    def test_another_run_that_publishes_meanwhile_is_not_confirmed(self, path: Path) -> None:
        """Equal to what was published when the run began, and no longer to what is."""
        self.both(path)
        context = a_context(path, "slow")
        with context.warehouse.open_session():
            events = materialize(a_reader(), context)
            assert kinds_of([next(events), next(events), next(events)]) == ["Started", "Written", "Checked"]
            published(a_reader("SELECT 9 AS id, 'Oslo' AS name"), a_context(path, "quick"))
            assert kinds_of(events)[-1] == "Published"
        assert ask(path, "FROM first.cities") == [(1, "Paris")]

    @pytest.mark.parametrize(
        "edit",
        [
            "DROP TABLE first.source",
            "INSERT INTO first.source VALUES (2, 'Rome')",
            "DROP TABLE first.source; CREATE TABLE first.source AS SELECT 2 AS id, 'Rome' AS name FROM range(3)",
            "DELETE FROM _sqlmat.tables WHERE table_name = 'source'",
        ],
    )
    def test_what_somebody_did_to_a_source_is_seen(self, path: Path, edit: str) -> None:
        model = self.both(path)
        ask(path, edit)
        last = last_of(model, due(path, "r1"))
        assert not isinstance(last, Unchanged) or last.statement is not None

    def test_a_whole_run_builds_what_is_new_and_what_reads_it(self, path: Path) -> None:
        far = a_table("SELECT positive FROM first.cities", name="first.far", upstream=(TARGET,), version=VERSION)
        signs = a_reader("SELECT id > 0 AS positive FROM first.source")

        def run(source: Model, run: str) -> dict[str, str]:
            models = source, signs, far
            reasons = Reasons.of(dict.fromkeys((model.relation for model in models), Reason.DUE))
            context = replace(a_context(path, run), run=Run(run, datetime.now(UTC), None, reasons))
            events = build(a_project(*models), [model.relation for model in models], context)
            ends = {e.relation.name: e for e in events if isinstance(e, Published | Unchanged)}
            return {
                name: "published" if isinstance(e, Published) else "equal" if e.statement else "left out"
                for name, e in ends.items()
            }

        assert run(a_source(), "r1") == {"source": "published", "cities": "published", "far": "published"}
        assert run(a_source(), "r2") == {"source": "left out", "cities": "left out", "far": "left out"}
        changed = a_source("SELECT 2 AS id, 'Rome' AS name")
        assert run(changed, "r3") == {"source": "published", "cities": "equal", "far": "left out"}

    def test_a_data_file_is_loaded_again_when_its_version_is_another(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "cities.csv").write_text("id\n1\n")
        model = Model(TARGET, "cities.csv", Kind.DATA, "duckdb", "", version=VERSION)
        published(model, a_context(path, "r1", root=tmp_path))
        assert unchanged(model, due(path, "r2", root=tmp_path)).statement is None
        (tmp_path / "cities.csv").write_text("id\n2\n")
        other = replace(model, version=CodeVersion("other", "other", "30.0.0"))
        published(other, due(path, "r3", root=tmp_path))
        assert ask(path, "FROM first.cities") == [(2,)]

    def test_names_are_compared_as_the_engine_does(self, path: Path) -> None:
        self.both(path)
        model = a_reader(name="FIRST.Cities", upstream=(Relation("First", "SOURCE"),))
        reasons = Reasons.of({model.relation: Reason.DUE})

        def again(run: str) -> Context:
            return replace(a_context(path, run), run=Run(run, datetime.now(UTC), None, reasons))

        assert unchanged(model, again("r1")).statement is not None
        assert unchanged(model, again("r2")).statement is None
        assert ask(path, "SELECT count(*) FROM _sqlmat.tables") == [(2,)]


class TestStateOfAnotherShape:
    def test_missing_columns_are_added(self, path: Path) -> None:
        model = a_reader("SELECT 1 AS id", upstream=())
        published(model, a_context(path, "r1"))
        for column in ("version", "data_version", "inputs"):
            ask(path, f"ALTER TABLE _sqlmat.tables DROP COLUMN {column}")
        published(model, due(path, "r2"))
        assert unchanged(model, due(path, "r3")).statement is None

    def test_a_table_of_somebody_else_is_extended_and_says_nothing(self, path: Path) -> None:
        ask(path, "CREATE SCHEMA _sqlmat; CREATE TABLE _sqlmat.tables AS SELECT 1 AS something")
        model = a_reader("SELECT 1 AS id", upstream=())
        published(model, a_context(path, "r1"))
        assert unchanged(model, due(path, "r2")).statement is None

    def test_a_version_that_cannot_be_read_is_none(self, path: Path) -> None:
        model = a_reader("SELECT 1 AS id", upstream=())
        published(model, a_context(path, "r1"))
        ask(path, "UPDATE _sqlmat.tables SET version = 'v1'")
        published(model, due(path, "r2"))


def test_the_file_is_a_whole_database_afterwards(path: Path) -> None:
    published(a_source(), a_context(path, "r0"))
    for number in range(3):
        unchanged(a_source(), a_context(path, f"r{number + 1}"))
    with duckdb.connect(path) as connection:
        connection.execute("CHECKPOINT")
        assert connection.execute("SELECT builds FROM _sqlmat.tables").fetchall() == [(4,)]
