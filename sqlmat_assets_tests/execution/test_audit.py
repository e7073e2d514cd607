"""What checks say of rows that hold and of rows that do not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlmat_assets.errors import WarehouseError
from sqlmat_assets.execution.audit import audit_published
from sqlmat_assets.execution.events import Checked, CheckResult, Sample
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.project.model import CheckQuery, CheckRule, RuleKind
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table, ask

ROWS = "SELECT * FROM (VALUES (1, 'Paris', true), (2, NULL, false), (2, 'Rome', NULL)) AS t(id, name, flag)"


@pytest.fixture
def built(path: Path) -> Path:
    list(materialize(a_table(ROWS), a_context(path)))
    return path


def audit(path: Path, *checks: CheckQuery, rules: tuple[CheckRule, ...] = ()) -> tuple[CheckResult, ...]:
    return audit_published(a_table(ROWS, *checks, rules=rules), a_context(path, "r9")).results


def outcome(path: Path, sql: str, *names: str) -> list[tuple[bool, int, int, str]]:
    return [(r.passed, r.rows, r.failed_rows, r.message) for r in audit(path, a_check(sql, *names))]


class TestWrittenChecks:
    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            ("SELECT count(*) = 3 AS c FROM first.cities", (True, 1, 0, "")),
            ("SELECT count(*) > 3 AS c FROM first.cities", (False, 1, 1, "is false")),
            ("SELECT max(id) > NULL AS c FROM first.cities", (False, 1, 1, "is NULL")),
            ("SELECT id > 0 AS c FROM first.cities", (True, 3, 0, "")),
            ("SELECT id > 1 AS c FROM first.cities", (False, 3, 1, "false in 1 of 3 rows")),
            ("SELECT flag AS c FROM first.cities", (False, 3, 2, "false in 1 and NULL in 1 of 3 rows")),
            ("SELECT name > '' AS c FROM first.cities", (False, 3, 1, "NULL in 1 of 3 rows")),
            ("SELECT id > 0 AS c FROM first.cities WHERE id > 9", (False, 0, 0, "returned no rows")),
            ("SELECT true AS c FROM first.cities -- the end", (True, 3, 0, "")),
            ("WITH q AS (SELECT id FROM first.cities) SELECT id > 0 AS c FROM q", (True, 3, 0, "")),
            ("SELECT true AS c UNION ALL SELECT false", (False, 2, 1, "false in 1 of 2 rows")),
            ('SELECT true AS "c"', (True, 1, 0, "")),
            ("SELECT true AS C", (True, 1, 0, "")),
        ],
    )
    def test_every_value_of_every_row(self, built: Path, sql: str, expected: tuple[bool, int, int, str]) -> None:
        assert outcome(built, sql, "c") == [expected]

    @pytest.mark.parametrize(
        ("value", "type_name"), [("count(*)", "BIGINT"), ("'true'", "VARCHAR"), ("'soon'", "VARCHAR"), ("1", "INTEGER")]
    )
    def test_other_types_than_boolean_fail(self, built: Path, value: str, type_name: str) -> None:
        ((passed, _, _, message),) = outcome(built, f"SELECT {value} AS c FROM first.cities", "c")
        assert not passed
        assert message == f"is {type_name}, not boolean\n  hint: compare it with something, as in `count(*) = 0`"

    def test_one_bad_check_does_not_hide_the_others(self, built: Path) -> None:
        sql = "SELECT id > 0 AS good, 'soon' AS text, error('no ' || id)::BOOLEAN AS broken FROM first.cities"
        good, text, broken = audit(built, a_check(sql, "good", "text", "broken"))
        assert (good.passed, good.rows) == (True, 3)
        assert text.message.startswith("is VARCHAR, not boolean")
        assert not broken.passed
        assert "no 1" in broken.message

    def test_wrong_sql_has_failed_with_the_words_of_the_engine(self, built: Path) -> None:
        results = audit(built, a_check("SELECT no AS a, id > 0 AS b FROM first.cities", "a", "b"))
        assert [result.passed for result in results] == [False, False]
        assert results[0].message.startswith('Binder Error: Referenced column "no" not found in FROM clause!')

    def test_a_column_that_is_not_there(self, built: Path) -> None:
        ((passed, _, _, message),) = outcome(built, "SELECT true AS a, true AS b", "c")
        assert not passed
        assert message == "returned no column `c`"

    def test_a_sample_shows_the_rows_themselves(self, built: Path) -> None:
        (result,) = audit(built, a_check("SELECT id > 1 AS big FROM first.cities", "big"))
        assert result.sample == Sample(("id", "name", "flag", "big"), (("1", "Paris", "true", "false"),))

    def test_a_sample_of_groups_shows_the_groups(self, built: Path) -> None:
        sql = "SELECT id, count(*) = 1 AS single FROM first.cities GROUP BY id"
        (result,) = audit(built, a_check(sql, "id", "single"))[1:]
        assert result.sample == Sample(("id", "single"), (("2", "false"),))

    @pytest.mark.parametrize(
        ("sql", "columns", "rows"),
        [
            ("SELECT count(*) = 1 AS single FROM first.cities GROUP BY id, name", ("id", "name", "single"), 0),
            ("SELECT count(*) = 1 AS single FROM first.cities GROUP BY id", ("id", "single"), 1),
            ("SELECT count(*) = 1 AS single FROM first.cities GROUP BY id HAVING id > 0", ("id", "single"), 1),
            ("SELECT id % 2 AS odd, count(*) = 1 AS single FROM first.cities GROUP BY odd", ("odd", "single"), 1),
            ("SELECT count(*) = 1 AS single FROM first.cities GROUP BY id % 2", ("single",), 1),
            ("SELECT count(*) = 1 AS single FROM first.cities GROUP BY ALL", ("single",), 1),
            ("SELECT count(*) = 1 AS single FROM first.cities GROUP BY ROLLUP (id)", ("single",), 2),
        ],
    )
    def test_a_sample_of_groups_names_what_they_are_of(
        self, built: Path, sql: str, columns: tuple[str, ...], rows: int
    ) -> None:
        result = audit(built, a_check(sql, "single"))[-1]
        assert result.sample == (result.sample and Sample(columns, result.sample.rows))
        assert (len(result.sample.rows) if result.sample else 0) == rows == result.failed_rows

    def test_a_check_named_like_a_column_has_a_sample_too(self, built: Path) -> None:
        (result,) = audit(built, a_check("SELECT id > 1 AS flag FROM first.cities", "flag"))
        assert result.sample == Sample(("id", "name", "flag", "flag"), (("1", "Paris", "true", "false"),))

    def test_a_sample_is_short(self, path: Path) -> None:
        check = a_check("SELECT id < 0 AS negative FROM first.cities", "negative", is_blocking=False)
        *_, checked, _ = materialize(a_table("SELECT i AS id FROM range(1000) AS r(i)", check), a_context(path))
        assert isinstance(checked, Checked)
        assert checked.results[0].sample is not None
        assert len(checked.results[0].sample.rows) == 20
        assert checked.results[0].message == "false in 1,000 of 1,000 rows"

    def test_only_some(self, built: Path) -> None:
        model = a_table(ROWS, a_check("SELECT true AS a, true AS b", "a", "b"), rules=(a_rule(RuleKind.MIN_ROWS),))
        context = a_context(built)
        assert [r.name for r in audit_published(model, context, ["b"]).results] == ["b"]
        assert [r.name for r in audit_published(model, context, ["min_rows"]).results] == ["min_rows"]
        assert [r.name for r in audit_published(model, context).results] == ["a", "b", "min_rows"]

    def test_a_table_that_was_never_built(self, path: Path) -> None:
        (result,) = audit(path, a_check("SELECT id > 1 AS big FROM first.cities", "big"))
        assert "first" in result.message
        assert not result.passed

    def test_a_warehouse_that_cannot_be_opened(self, tmp_path: Path) -> None:
        with pytest.raises(WarehouseError):
            audit(tmp_path / "no" / "where.duckdb")


class TestTheGate:
    def test_checks_see_what_is_about_to_be_published(self, built: Path) -> None:
        sql = (
            "SELECT count(*) = 1 AS one FROM first.cities, (SELECT 'first.cities' AS name) WHERE name = 'first.cities'"
        )
        events = list(materialize(a_table("SELECT 7 AS id", a_check(sql, "one")), a_context(built, "r2")))
        assert type(events[-1]).__name__ == "Published"
        assert ask(built, "FROM first.cities") == [(7,)]

    def test_a_table_with_a_longer_name_is_left_alone(self, built: Path) -> None:
        ask(built, "CREATE TABLE first.cities_raw AS SELECT 1 AS id")
        sql = "SELECT count(*) = (SELECT count(*) FROM first.cities_raw) AS same FROM First.Cities"
        events = list(materialize(a_table("SELECT 7 AS id", a_check(sql, "same")), a_context(built, "r2")))
        assert type(events[-1]).__name__ == "Published"


class TestRules:
    def run(self, path: Path, rule: CheckRule) -> tuple[bool, int, int, str]:
        (result,) = audit(path, rules=(rule,))
        return result.passed, result.rows, result.failed_rows, result.message

    def test_unique(self, built: Path) -> None:
        assert self.run(built, a_rule(RuleKind.UNIQUE, "name")) == (True, 3, 0, "")
        assert self.run(built, a_rule(RuleKind.UNIQUE, "id", "name")) == (True, 3, 0, "")
        assert self.run(built, a_rule(RuleKind.UNIQUE, "id")) == (False, 3, 2, "1 value of `id` repeats, in 2 rows")
        (result,) = audit(built, rules=(a_rule(RuleKind.UNIQUE, "id"),))
        assert result.sample is not None
        assert result.sample.columns == ("id", "name", "flag")
        assert sorted(result.sample.rows, key=str) == [("2", "Rome", None), ("2", None, "false")]

    def test_unique_shows_rows_of_the_most_frequent_values_first(self, path: Path) -> None:
        rule = a_rule(RuleKind.UNIQUE, "a", "b")
        rows = "SELECT i % 3 AS a, i % 3 // 2 AS b, i FROM range(3, 35) AS r(i) WHERE i % 3 < 2 OR i < 9"
        list(materialize(a_table(rows), a_context(path)))
        (result,) = audit(path, rules=(rule,))
        assert result.message == "3 values of `a`, `b` repeat, in 24 rows"
        assert result.failed_rows == 24
        assert result.sample is not None
        assert [row[:2] for row in result.sample.rows] == [("0", "0")] * 11 + [("1", "0")] * 9

    def test_not_null(self, built: Path) -> None:
        assert self.run(built, a_rule(RuleKind.NOT_NULL, "id")) == (True, 3, 0, "")
        assert self.run(built, a_rule(RuleKind.NOT_NULL, "NAME")) == (False, 3, 1, "`NAME` is NULL in 1 of 3 rows")
        assert self.run(built, a_rule(RuleKind.NOT_NULL, "names")) == (
            *(False, 0, 0),
            "`names` is no column of the table\n  in first/cities_test.sql:1\n"
            "  hint: did you mean `name`? its columns are `id`, `name`, `flag`",
        )
        (result,) = audit(built, rules=(a_rule(RuleKind.NOT_NULL, "name"),))
        assert result.sample == Sample(("id", "name", "flag"), (("2", None, "false"),))

    def test_min_rows(self, built: Path) -> None:
        assert self.run(built, a_rule(RuleKind.MIN_ROWS, limit=3)) == (True, 3, 0, "")
        assert self.run(built, a_rule(RuleKind.MIN_ROWS, limit=4)) == (False, 3, 0, "3 rows, at least 4 expected")

    def test_a_column_that_is_not_there(self, built: Path) -> None:
        passed, _, _, message = self.run(built, a_rule(RuleKind.UNIQUE, "ID", "flags"))
        assert not passed
        assert message == (
            "`flags` is no column of the table\n  in first/cities_test.sql:1\n"
            "  hint: did you mean `flag`? its columns are `id`, `name`, `flag`"
        )

    @pytest.mark.parametrize(("rows", "passes"), [(80, True), (79, False), (120, True), (121, False), (100, True)])
    def test_max_row_change(self, path: Path, rows: int, passes: bool) -> None:
        rule = a_rule(RuleKind.MAX_ROW_CHANGE, limit=0.2)
        for run, count in (("r1", 100), ("r2", rows)):
            model = a_table(f"SELECT i AS id FROM range({count}) AS r(i)", rules=(rule,))
            events = list(materialize(model, a_context(path, run)))
        assert (type(events[-1]).__name__ == "Published") is passes
        checked = events[2]
        assert isinstance(checked, Checked)
        if not passes:
            message = f"{rows} rows, after 100 before: a change of {abs(rows - 100)}.0%, at most 20.0% allowed"
            assert checked.results[0].message == message

    def test_max_row_change_after_an_empty_table(self, path: Path) -> None:
        rule = a_rule(RuleKind.MAX_ROW_CHANGE, limit=0.2)
        list(materialize(a_table("SELECT 1 AS id LIMIT 0"), a_context(path)))
        events = list(materialize(a_table("SELECT 1 AS id", rules=(rule,)), a_context(path, "r2")))
        checked = events[2]
        assert isinstance(checked, Checked)
        assert checked.results[0].message == "1 row, none before: more than 20.0% of change"


@settings(max_examples=40)
@given(st.lists(st.tuples(st.none() | st.booleans(), st.none() | st.booleans()), max_size=8))
def test_a_check_holds_exactly_when_all_values_are_true(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[bool | None, bool | None]]
) -> None:
    path = tmp_path_factory.mktemp("audit") / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE SCHEMA first; CREATE TABLE first.cities (a BOOLEAN, b BOOLEAN)")
        if rows:
            connection.executemany("INSERT INTO first.cities VALUES (?, ?)", rows)
    results = audit(path, a_check("SELECT a, b FROM first.cities", "a", "b"))
    for result, values in zip(results, [[row[0] for row in rows], [row[1] for row in rows]], strict=True):
        assert result.passed == (bool(values) and all(values))
        assert result.failed_rows == sum(value is not True for value in values)
