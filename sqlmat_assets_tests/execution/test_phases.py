"""How the time that a table takes is told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlmat_assets.execution.events import Discarded, Event, Phase, Published, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.phases import Stopwatch
from sqlmat_assets.project.load import load_project
from sqlmat_assets_tests.execution.pair import READING, a_reader, a_source, due, published, unchanged
from sqlmat_assets_tests.recording import RecordingWarehouse, refuse
from sqlmat_assets_tests.tables import a_check, a_context, a_table

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Moves by as many seconds as it is told."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment

    def go_on(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def names(event: object) -> list[str]:
    assert isinstance(event, Published | Unchanged | Discarded)
    return [phase.name for phase in event.phases]


class TestStopwatch:
    def test_what_is_between_two_phases_is_in_none(self) -> None:
        clock = Clock()
        watch = Stopwatch(clock)
        clock.go_on(1)
        with watch.measure("prepare", START):
            clock.go_on(2)
        clock.go_on(4)
        with watch.measure("write"):
            clock.go_on(8)
        assert watch.phases == (Phase("prepare", 3), Phase("write", 8))

    def test_what_is_inside_of_a_phase_does_not_count_twice(self) -> None:
        clock = Clock()
        watch = Stopwatch(clock)
        with watch.measure("write"):
            clock.go_on(1)
            with watch.measure("script"):
                clock.go_on(2)
            clock.go_on(4)
        assert watch.phases == (Phase("write", 5), Phase("script", 2))

    def test_a_phase_that_comes_again_is_added_up(self) -> None:
        clock = Clock()
        watch = Stopwatch(clock)
        for _ in range(2):
            with watch.measure("prepare"):
                clock.go_on(3)
        assert watch.phases == (Phase("prepare", 6),)

    def test_a_phase_that_fails_counts_up_to_there(self) -> None:
        clock = Clock()
        watch = Stopwatch(clock)

        def fail() -> None:
            with watch.measure("write"):
                clock.go_on(5)
                raise ValueError("refused")

        with pytest.raises(ValueError, match="refused"):
            fail()
        assert watch.phases == (Phase("write", 5),)


class TestPhasesOfATable:
    def test_a_table_that_is_published(self, path: Path) -> None:
        check = a_check("WITH t AS (FROM first.cities) SELECT count(*) = 1 AS one FROM t", "one")
        model = a_table("SELECT 1 AS id", check)
        last = list(materialize(model, a_context(path)))[-1]
        assert isinstance(last, Published)
        assert names(last) == ["prepare", "write", "checks", "fingerprint", "publish"]

    def test_they_are_measured_where_the_work_is_done(self, path: Path) -> None:
        warehouse = RecordingWarehouse(path)

        def now() -> datetime:
            # Each statement takes a second.
            return START + timedelta(seconds=len(warehouse.sent))

        check = a_check("WITH t AS (FROM first.cities) SELECT count(*) = 1 AS one FROM t", "one")
        last = list(materialize(a_table("SELECT 1 AS id", check), a_context(warehouse, now=now)))[-1]
        assert isinstance(last, Published)
        write = next(number for number, sql in enumerate(warehouse.sent) if sql.startswith('CREATE TABLE "first"'))
        audit = next(number for number, sql in enumerate(warehouse.sent) if "count(*) = 1" in sql)
        compare = next(number for number, sql in enumerate(warehouse.sent) if "HASH(" in sql.upper())
        seconds = {phase.name: round(phase.seconds) for phase in last.phases}
        assert seconds["prepare"] == write
        assert seconds["prepare"] + seconds["write"] == audit
        assert seconds["prepare"] + seconds["write"] + seconds["checks"] == compare
        assert sum(seconds.values()) == len(warehouse.sent)
        assert seconds["publish"] >= 4

    def test_what_the_reader_of_the_events_does_is_no_phase(self, path: Path) -> None:
        clock = Clock()
        events: list[Event] = []
        for event in materialize(a_table("SELECT 1 AS id"), a_context(path, now=clock)):
            events.append(event)
            clock.go_on(100)
        last = events[-1]
        assert isinstance(last, Published)
        # The table is opened after the first event.
        assert {phase.name: phase.seconds for phase in last.phases} == {
            "prepare": 100,
            "write": 0,
            "checks": 0,
            "fingerprint": 0,
            "publish": 0,
        }

    def test_the_last_phase_is_the_one_that_failed(self, path: Path) -> None:
        check = a_check("SELECT count(*) = 2 AS two FROM first.cities", "two")
        model = a_table("SELECT 1 AS id", check)
        assert names(list(materialize(model, a_context(path)))[-1]) == ["prepare", "write", "checks"]
        broken = a_table("SELECT nothing AS id")
        assert names(list(materialize(broken, a_context(path, "r2")))[-1]) == ["prepare", "write"]

        def fails(_number: int, sql: str) -> None:
            if sql.startswith("ALTER"):
                refuse(sql)

        warehouse = RecordingWarehouse(path, fails)
        failing = list(materialize(a_table("SELECT 1 AS id"), a_context(warehouse, "r3")))[-1]
        assert isinstance(failing, Discarded)
        assert names(failing) == ["prepare", "write", "checks", "fingerprint", "publish"]

    def test_a_table_that_is_not_even_built(self, path: Path) -> None:
        source, reader = a_source(), a_reader(READING)
        published(source, a_context(path, "r1"))
        published(reader, a_context(path, "r1"))
        last = list(materialize(reader, due(path, "r2")))[-1]
        assert isinstance(last, Unchanged)
        assert last.statement is None
        assert names(last) == ["prepare"]

    def test_equal_rows_are_compared_while_they_would_be_published(self, path: Path) -> None:
        model = a_reader("SELECT 1 AS id", upstream=())
        published(model, a_context(path, "r1"))
        last = unchanged(model, a_context(path, "r2"))
        assert names(last) == [
            "prepare",
            "write",
            "checks",
            "fingerprint",
            "publish",
        ]

    def test_the_script_of_a_table_is_a_phase_apart_from_the_writing(self, tmp_path: Path) -> None:
        files = {
            "t - 1h.sql": "create table first.t (id bigint)",
            "t_select.sql": "select 1 as id",
            "t.py": "def process(df):\n    return df\n",
        }
        (tmp_path / "sql" / "first").mkdir(parents=True)
        for name, text in files.items():
            (tmp_path / "sql" / "first" / name).write_text(text)
        project = load_project(tmp_path / "sql")
        assert project.errors == ()
        (model,) = project
        last = list(materialize(model, a_context(tmp_path / "w", root=tmp_path / "sql")))[-1]
        assert isinstance(last, Published), last
        assert names(last) == ["prepare", "write", "script", "checks", "fingerprint", "publish"]
        assert sum(phase.seconds for phase in last.phases) <= last.seconds
        (tmp_path / "sql" / "first" / "t.py").write_text("def process(df):\n    raise ValueError('no')\n")
        (model,) = load_project(tmp_path / "sql")
        last = list(materialize(model, a_context(tmp_path / "w", "r2", root=tmp_path / "sql")))[-1]
        assert isinstance(last, Discarded)
        assert names(last) == ["prepare", "write", "script"]
