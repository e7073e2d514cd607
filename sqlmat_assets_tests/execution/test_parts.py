"""Tables that are built in parts: what a part is, what it is checked on, and what is remembered of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Discarded, Published, Run, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.partitions import fetch_partitions
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import ColumnDoc, Kind, Model, RuleKind
from sqlmat_assets.project.partitions.spec import ListPartitioning
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.tables import a_check, a_context, a_project, a_rule, a_table, ask, parts_of, tables_in

SOURCE = Relation("src", "t")
FULL = Piece(is_full_refresh=True)
HOURS = "CREATE SCHEMA src; CREATE TABLE src.t AS SELECT i AS id, TIMESTAMP '2019-01-01' + INTERVAL (i) HOUR AS ts"


@pytest.fixture
def source(path: Path) -> Path:
    """Sixty days of hours."""
    ask(path, f"{HOURS} FROM range(60 * 24) AS r(i)")
    return path


def table(sql: str, *checks: Any, version: str = "1", **settings: Any) -> Model:
    code = CodeVersion(version, version, "30.0.0")
    return a_table(sql, *checks, settings=settings, sources=(SOURCE,), version=code)


def at(path: Path, run: str, decided_at: datetime) -> Context:
    return replace(a_context(path, run), run=Run(run, decided_at))


def asked(model: Model, text: str) -> Piece:
    partitioning = model.settings.partition_by
    assert partitioning is not None
    if isinstance(partitioning, ListPartitioning):
        return Piece((partitioning.parse_range(text),))
    return Piece((partitioning.parse_range(text, datetime(2026, 1, 1, tzinfo=UTC)),))


def publish(model: Model, context: Context, piece: Piece = WHOLE) -> Published:
    last = list(materialize(model, context, piece))[-1]
    assert isinstance(last, Published), last
    return last


def refused(model: Model, context: Context, piece: Piece = WHOLE) -> str:
    last = list(materialize(model, context, piece))[-1]
    assert isinstance(last, Discarded), last
    return str(last.error)


def days_of(path: Path) -> list[Any]:
    return [day for (day,) in ask(path, "SELECT DISTINCT strftime(ts, '%m-%d') FROM first.cities ORDER BY 1")]


class TestPartitions:
    daily = table("SELECT id, ts FROM src.t", partition_by=parts_of("day(ts) from 2019-01-02 to 2019-01-05"))

    def test_all_of_it_is_every_partition_that_has_ended(self, source: Path) -> None:
        model = table("SELECT id, ts FROM src.t", partition_by=parts_of("day(ts) from 2019-01-02"))
        published = publish(model, at(source, "r1", datetime(2019, 1, 4, 12, tzinfo=UTC)))
        assert [each.key for each in published.partitions] == ["2019-01-02", "2019-01-03"]
        assert days_of(source) == ["01-02", "01-03"]

    def test_what_is_there_besides_stays(self, source: Path) -> None:
        model = table("SELECT id, ts FROM src.t", partition_by=parts_of("day(ts) from 2019-01-02"))
        publish(model, a_context(source), asked(model, "2019-01-06"))
        publish(model, at(source, "r2", datetime(2019, 1, 4, tzinfo=UTC)))
        assert days_of(source) == ["01-02", "01-03", "01-06"]
        publish(model, at(source, "r3", datetime(2019, 1, 4, tzinfo=UTC)), FULL)
        assert days_of(source) == ["01-02", "01-03", "01-06"]

    def test_before_the_end_of_the_first(self, source: Path) -> None:
        model = table("SELECT id, ts FROM src.t", partition_by=parts_of("day(ts) from 2019-01-02"))
        assert refused(model, at(source, "r1", datetime(2019, 1, 2, 23, tzinfo=UTC))) == (
            "no partition of `first.cities` has ended yet\n  hint: name one to build it before its end\n"
            "`first.cities` was never built"
        )

    def test_rows_without_a_partition_are_left_out(self, source: Path) -> None:
        ask(source, "INSERT INTO src.t VALUES (9999, NULL), (9998, '2018-12-31')")
        assert publish(self.daily, a_context(source)).rows == 4 * 24

    def test_partitions_without_rows_are_told(self, source: Path) -> None:
        model = replace(self.daily, sql="SELECT id, ts FROM src.t WHERE ts >= '2019-01-03' AND hour(ts) < 7")
        found = publish(model, a_context(source)).partitions
        assert [(each.key[-2:], each.rows) for each in found] == [("02", 0), ("03", 7), ("04", 7), ("05", 7)]
        assert ask(source, "SELECT count(*), sum(row_count) FROM _sqlmat.partitions") == [(4, 21)]

    @pytest.mark.parametrize(
        ("written", "text", "keys", "rows"),
        [
            ("hour(ts) from 2019-01-01T00", "2019-01-01T22..2019-01-02T01", 4, 4),
            ("week(ts) from 2019-01-07", "2019-01-07..2019-01-14", 2, 14 * 24),
            ("month(ts) from 2019-01", "2019-01..2019-02", 2, 59 * 24),
            ("id in (3, 5, 4, 1)", "5..1", 3, 3),
        ],
    )
    @pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMPTZ"])
    def test_every_grain(self, source: Path, written: str, text: str, keys: int, rows: int, kind: str) -> None:
        ask(
            source, f"ALTER TABLE src.t ALTER ts TYPE {kind} USING ts AT TIME ZONE 'UTC'" if "Z" in kind else "SELECT 1"
        )
        model = table("SELECT id, ts FROM src.t", partition_by=parts_of(written), skip_unchanged=False)
        for run in ("r1", "r2"):
            published = publish(model, a_context(source, run), asked(model, text))
            assert (len(published.partitions), published.rows) == (keys, rows)
            assert sum(each.rows for each in published.partitions) == rows
            assert ask(source, "SELECT count(*), count(DISTINCT id) FROM first.cities") == [(rows, rows)]

    def test_days_are_those_of_utc_wherever_the_session_is(self, source: Path) -> None:
        ask(source, "ALTER TABLE src.t ALTER ts TYPE TIMESTAMPTZ USING ts AT TIME ZONE 'UTC'")
        model = replace(self.daily, settings=replace(self.daily.settings, skip_unchanged=False))
        with DuckDBWarehouse(source).open_session() as session:
            session.execute(verbatim("SET GLOBAL TimeZone = 'America/New_York'"))
            for run in ("r1", "r2"):
                publish(model, a_context(source, run), asked(self.daily, "2019-01-03"))
                count = "SELECT count(*), min(id), max(id), current_setting('TimeZone') FROM first.cities"
                assert session.fetch_rows(verbatim(count)).rows == [(24, 48, 71, "America/New_York")]

    def test_a_query_that_names_the_bounds(self, source: Path) -> None:
        model = replace(
            self.daily, sql="SELECT max(id) AS id, @partition_start AS ts FROM src.t WHERE ts < @partition_end"
        )
        publish(model, a_context(source), asked(model, "2019-01-03"))
        assert ask(source, "SELECT id, strftime(ts, '%d') FROM first.cities") == [(3 * 24 - 1, "03")]

    def test_a_column_of_another_type(self, source: Path) -> None:
        model = replace(self.daily, sql="SELECT id, ts::VARCHAR AS ts FROM src.t")
        assert refused(model, a_context(source)).startswith(
            "`partition_by` names `ts`, which is VARCHAR\n  hint: make it a DATE or a TIMESTAMP in the SELECT\n"
        )

    def test_partitions_of_a_table_that_has_none(self, source: Path) -> None:
        piece = asked(self.daily, "2019-01-03")
        assert "`first.cities` has no partitions\n" in refused(table("SELECT 1 AS id"), a_context(source), piece)

    def test_what_is_remembered_is_of_this_partitioning(self, source: Path) -> None:
        publish(self.daily, a_context(source))
        with DuckDBWarehouse(source).open_session() as session:
            partitioning = self.daily.settings.partition_by
            assert partitioning is not None
            found = fetch_partitions(session, self.daily.relation, partitioning)
            assert {(each.key, each.run, each.rows) for each in found} == {
                (f"2019-01-0{n}", "r1", 24) for n in range(2, 6)
            }
            assert {each.version for each in found} == {self.daily.version}
            other = parts_of("month(ts) from 2019-01")
            assert fetch_partitions(session, self.daily.relation, other) == []
        monthly = table("SELECT id, ts FROM src.t", partition_by=other)
        publish(monthly, a_context(source, "r2"), asked(monthly, "2019-01"))
        assert ask(source, "SELECT partition_key FROM _sqlmat.partitions") == [("2019-01-01",)]
        publish(table("SELECT id, ts FROM src.t"), a_context(source, "r3"))
        assert ask(source, "SELECT count(*) FROM _sqlmat.partitions") == [(0,)]

    def test_each_table_of_a_build_has_its_piece(self, source: Path) -> None:
        other = replace(self.daily, relation=Relation("first", "other"))
        pieces = {other.relation: asked(other, "2019-01-02")}
        events = build(
            a_project(self.daily, other), [self.daily.relation, other.relation], a_context(source), pieces=pieces
        )
        assert {event.relation.name: event.rows for event in events if isinstance(event, Published)} == {
            "cities": 4 * 24,
            "other": 24,
        }


class TestChecks:
    def test_unique_looks_at_the_whole_result(self, source: Path) -> None:
        partitioning = parts_of("day(ts) from 2019-01-01 to 2019-01-05")
        model = table("SELECT hour(ts) AS h, ts FROM src.t", partition_by=partitioning, skip_unchanged=False)
        model = replace(model, rules=(a_rule(RuleKind.UNIQUE, "h"),))
        publish(model, a_context(source, "r1"), asked(model, "2019-01-01"))
        publish(model, a_context(source, "r2"), asked(model, "2019-01-01"))
        assert "24 values of `h` repeat, in 48 rows" in refused(
            model, a_context(source, "r3"), asked(model, "2019-01-02")
        )
        assert tables_in(source) == ["cities"]

    @pytest.mark.parametrize(("on_result", "rows"), [(False, 24), (True, 48)])
    def test_a_check_says_what_it_looks_at(self, source: Path, on_result: bool, rows: int) -> None:
        partitioning = parts_of("day(ts) from 2019-01-01 to 2019-01-05")
        check = replace(a_check(f"SELECT count(*) = {rows} AS n FROM first.cities", "n"), on_result=on_result)
        model = table("SELECT id, ts FROM src.t", partition_by=partitioning)
        publish(model, a_context(source, "r1"), asked(model, "2019-01-01"))
        publish(replace(model, checks=(check,)), a_context(source, "r2"), asked(model, "2019-01-02"))

    def test_a_range_is_compared_with_its_own_rows(self, source: Path) -> None:
        partitioning = parts_of("day(ts) from 2019-01-01 to 2019-01-05")
        model = table("SELECT id, ts FROM src.t", partition_by=partitioning)
        model = replace(model, rules=(a_rule(RuleKind.MAX_ROW_CHANGE, limit=0.1),))
        publish(model, a_context(source, "r1"), asked(model, "2019-01-01"))
        publish(model, a_context(source, "r2"), asked(model, "2019-01-02..2019-01-05"))
        ask(source, "DELETE FROM src.t WHERE id = 30 OR id BETWEEN 50 AND 53")
        publish(model, a_context(source, "r3"), asked(model, "2019-01-02"))
        assert "a change of 16.7%" in refused(model, a_context(source, "r4"), asked(model, "2019-01-03"))


class TestBatches:
    def test_the_last_build_is_moved_on_by_a_publish_alone(self, source: Path) -> None:
        model = table("SELECT id, ts FROM src.t WHERE ts >= @last_built", mode="append")
        publish(model, at(source, "r1", datetime(2019, 2, 1, tzinfo=UTC)))
        ask(source, "DELETE FROM first.cities")
        failing = replace(model, checks=(a_check("SELECT FALSE AS no FROM first.cities", "no"),))
        assert "`no`: false in 696 of 696 rows" in refused(failing, at(source, "r2", datetime(2019, 2, 20, tzinfo=UTC)))
        published = publish(model, at(source, "r3", datetime(2019, 2, 20, tzinfo=UTC)))
        assert published.rows == ask(source, "SELECT count(*) FROM src.t WHERE ts >= '2019-02-01'")[0][0]
        assert "WHERE ts >= CAST('2019-02-01 00:00:00' AS TIMESTAMP)" in published.statement

    def test_a_batch_behind_which_another_run_has_published(self, source: Path) -> None:
        model = table("SELECT id, ts FROM src.t WHERE ts >= @last_built", mode="append")
        publish(model, at(source, "r1", datetime(2019, 2, 1, tzinfo=UTC)))
        late = materialize(model, at(source, "r2", datetime(2019, 2, 2, tzinfo=UTC)))
        assert [type(next(late)).__name__ for _ in range(2)] == ["Started", "Written"]
        publish(model, at(source, "r3", datetime(2019, 2, 2, tzinfo=UTC)))
        *_, last = late
        assert isinstance(last, Discarded)
        assert str(last.error).startswith("another run has published `first.cities` since this one read it")

    def test_a_first_build_reads_itself_as_empty(self, source: Path) -> None:
        sql = "SELECT id, ts FROM src.t WHERE ts > coalesce((SELECT max(ts) FROM first.cities), '1900-01-01')"
        model = replace(table(sql, mode="append"), columns=(ColumnDoc("id"), ColumnDoc("ts")))
        assert publish(model, a_context(source, "r1")).rows == 60 * 24
        assert isinstance(list(materialize(model, a_context(source, "r2")))[-1], Unchanged)
        ask(source, "INSERT INTO src.t VALUES (-1, '2020-01-01')")
        assert publish(model, a_context(source, "r3")).rows == 1
        assert publish(model, a_context(source, "r4"), FULL).rows == 60 * 24 + 1
        assert ask(source, "SELECT count(*) FROM first.cities") == [(60 * 24 + 1,)]
        assert tables_in(source) == ["cities"]

    def test_the_first_row_of_each_key_by_an_order(self, path: Path) -> None:
        sql = "SELECT * FROM (VALUES (1, 'a', 3), (1, 'b', NULL), (1, 'c', 9), (2, 'd', 1)) AS t(id, name, n)"
        model = table(sql, mode="merge", unique_key=("ID",), order_by=(("n", True),))
        assert publish(model, a_context(path)).rows == 2
        assert ask(path, "SELECT name FROM first.cities ORDER BY 1") == [("c",), ("d",)]

    @pytest.mark.parametrize("step", [1, -1, 3])
    def test_rows_that_are_equal_by_the_order_come_to_the_same_table_however_they_are_read(
        self, path: Path, step: int
    ) -> None:
        rows = [f"({key}, 'x', {n}, {n % 7})" for key in range(40) for n in range(60)]
        shuffled = [row for start in range(abs(step)) for row in (rows[::step] if step < 0 else rows[start::step])]
        values = f"SELECT * FROM (VALUES {', '.join(shuffled)}) AS t(id, name, n, rest)"
        model = table(values, mode="merge", unique_key=("id",), order_by=(("name", True), ("rest", True)))
        assert publish(model, a_context(path)).rows == 40
        assert ask(path, "SELECT DISTINCT n, rest FROM first.cities") == [(6, 6)]

    def test_without_an_order_only_equal_rows_are_one(self, path: Path) -> None:
        model = table("SELECT unnest([1, 1, 2]) AS id, 'a' AS name", mode="merge", unique_key=("id",))
        assert publish(model, a_context(path)).rows == 2
        model = replace(model, sql="SELECT unnest([7, 7, 2]) AS id, unnest([1, 2, 3])::VARCHAR AS name")
        assert refused(model, a_context(path, "r2")) == (
            "rows that differ have the same `unique_key` (`id`): 7\n"
            "  hint: set `order_by`, whose first row of each key is taken\n"
            "`first.cities` still holds its previous rows"
        )
        assert tables_in(path) == ["cities"]

    def test_a_key_that_is_null(self, path: Path) -> None:
        model = table("SELECT unnest([1, NULL]) AS id", mode="append", unique_key=("id",))
        assert refused(model, a_context(path)).startswith("`unique_key` (`id`) is NULL in 1 row\n")

    def test_a_range_is_merged(self, source: Path) -> None:
        settings: dict[str, Any] = {"mode": "merge", "unique_key": ("id",), "on_match": "update"}
        model = table(
            "SELECT id, ts, 1 AS n FROM src.t",
            partition_by=parts_of("day(ts) from 2019-01-01 to 2019-01-03"),
            **settings,
        )
        publish(model, a_context(source))
        ask(source, "DELETE FROM src.t WHERE id BETWEEN 24 AND 30")
        published = publish(
            replace(model, sql="SELECT id, ts, 2 AS n FROM src.t"), a_context(source, "r2"), asked(model, "2019-01-02")
        )
        assert (published.rows, published.partitions[0].rows) == (17, 17)
        assert ask(source, "SELECT n, count(*) FROM first.cities GROUP BY 1 ORDER BY 1") == [(1, 48), (2, 17)]


class TestChanges:
    @pytest.mark.parametrize(("on_change", "expected"), [("next", [(1, 24), (2, 24)]), ("rebuild", [(2, 72)])])
    def test_of_the_code(self, source: Path, on_change: str, expected: list[Any]) -> None:
        partitioning = parts_of("day(ts) from 2019-01-01 to 2019-01-03")
        one = table("SELECT id, ts, 1 AS n FROM src.t", partition_by=partitioning, on_change=on_change)
        two = table("SELECT id, ts, 2 AS n FROM src.t", version="2", partition_by=partitioning, on_change=on_change)
        publish(one, a_context(source, "r1"), asked(one, "2019-01-01..2019-01-02"))
        publish(two, a_context(source, "r2"), asked(one, "2019-01-02"))
        assert ask(source, "SELECT n, count(*) FROM first.cities GROUP BY 1 ORDER BY 1") == expected

    @pytest.mark.parametrize(
        ("sql", "change"),
        [
            ("SELECT 2 AS id, 'x' AS name", "`name` is new"),
            ("SELECT 2::BIGINT AS id", "`id` was INTEGER and is BIGINT"),
        ],
    )
    def test_of_the_columns(self, path: Path, sql: str, change: str) -> None:
        model = table("SELECT 1 AS id", mode="merge", unique_key=("id",))
        publish(model, a_context(path))
        assert change in refused(replace(model, sql=sql), a_context(path, "r2"))
        rebuilding = replace(model.settings, on_schema_change="rebuild")
        publish(replace(model, sql=sql, settings=rebuilding), a_context(path, "r3"))
        assert ask(path, "SELECT id FROM first.cities") == [(2,)]

    def test_modes_that_are_not_built(self, path: Path) -> None:
        assert "`mode = merge` needs to know" in refused(table("SELECT 1 AS id", mode="merge"), a_context(path))
        data = replace(table("", mode="append"), kind=Kind.DATA)
        assert "is no query, and `mode` needs one" in refused(data, a_context(path))
