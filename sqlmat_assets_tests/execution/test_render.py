"""The statements of a materialization, word for word."""

from __future__ import annotations

import os
import re
import socket
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.execution.render import read_types, render
from sqlmat_assets.execution.state import RunState
from sqlmat_assets.project.model import ColumnDoc, Kind, Model, RuleKind
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table, parts_of

MODEL = a_table(
    "SELECT 1 -- one\n AS id;",
    a_check("SELECT TRUE AS filled", "filled"),
    rules=(a_rule(RuleKind.UNIQUE, "id"), a_rule(RuleKind.MIN_ROWS, limit=10)),
    description="the cities",
)


def a_fixed_context(path: Path):
    return a_context(path, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))


def test_every_statement_in_order(path: Path) -> None:
    statements = render(MODEL, a_fixed_context(path))
    first = next(number for number, sql in enumerate(statements) if "__sqlmat_" in sql)
    assert "\n".join(statements[first:-2]) == (
        'CREATE TABLE "first"."cities__sqlmat_r1_new" AS SELECT 1 -- one\n AS id\n'
        'SELECT COUNT(*) AS "rows", COUNT("checked"."filled") AS "known_0", '
        'COUNT(CASE WHEN "checked"."filled" THEN 1 END) AS "held_0", ANY_VALUE("checked"."filled") AS "value_0" '
        'FROM (SELECT TRUE AS filled\n) AS "checked"\n'
        'SELECT COUNT(*) AS "values", COALESCE(SUM("sqlmat_times"), 0) AS "rows" FROM ('
        'SELECT "id", COUNT(*) AS "sqlmat_times" FROM "first"."cities__sqlmat_r1_new" WHERE NOT "id" IS NULL '
        'GROUP BY "id" HAVING COUNT(*) > 1) AS "repeats"\n'
        "BEGIN\n"
        'COMMENT ON TABLE "first"."cities__sqlmat_r1_new" IS \'the cities\'\n'
        'ALTER TABLE "first"."cities__sqlmat_r1_new" RENAME TO "cities"'
    )
    assert statements[-2].startswith('INSERT INTO "_sqlmat"."tables" ("schema_name", ')
    assert statements[-1] == "COMMIT"
    assert not path.exists()


def test_they_are_what_a_first_build_sends(path: Path) -> None:
    """But for questions about columns and values, and the comment on a column that only the warehouse knows of."""
    model = replace(MODEL, rules=MODEL.rules[:1])
    rendered = render(model, a_fixed_context(path))
    warehouse = RecordingWarehouse(path)
    list(materialize(model, a_context(warehouse, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))))
    asked = re.compile(
        r'SELECT table_schema, table_name|SELECT \* FROM "\w+"."\w+" LIMIT 0|SELECT COUNT\(\*\), SUM\(HASH'
    )
    sent = [sql for sql in warehouse.sent if not asked.match(sql)]
    # The moment of the decision is the only one that is not the fixed one, and only the engine tells the data version.
    known_later = re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+'|'[0-9a-f-]*-[0-9a-f]{16}'")
    assert [known_later.sub("later", sql) for sql in sent] == [known_later.sub("later", sql) for sql in rendered]
    assert f"'{socket.gethostname()}', {os.getpid()}" in "".join(sent)


def test_a_data_file(path: Path, tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    (tmp_path / "first/cities.csv").write_text("id\n1\n")
    model = Model(Relation("first", "cities"), "first/cities.csv", Kind.DATA, "duckdb", "", columns=(ColumnDoc("id"),))
    statements = render(model, a_context(path, root=tmp_path))
    assert (
        'CREATE TABLE "first"."cities__sqlmat_r1_new" AS '
        f"SELECT * FROM READ_CSV('{tmp_path}/first/cities.csv', header = TRUE, sample_size = -1, "
        "delim = ',', quote = '\"', escape = '\"', comment = '', skip = 0, strict_mode = TRUE)"
    ) in statements


def test_what_cannot_be_built_cannot_be_rendered(path: Path, tmp_path: Path) -> None:
    (tmp_path / "cities.xlsx").write_text("")
    model = Model(Relation("first", "cities"), "cities.xlsx", Kind.DATA, "duckdb", "")
    with pytest.raises(TerminalWarehouseError, match="is no CSV"):
        render(model, a_context(path, root=tmp_path))


PARTS = a_table(
    "SELECT 1 AS id, DATE '2019-01-01' AS day",
    columns=(ColumnDoc("id"), ColumnDoc("day")),
    settings={"partition_by": parts_of("day(day) from 2019-01-01")},
)
JANUARY = TimeRange(datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 1, 2, tzinfo=UTC))


def test_a_range_of_a_table_that_is_there(path: Path) -> None:
    statements = render(PARTS, a_fixed_context(path), Piece((JANUARY,)))
    begin = len(statements) - statements[::-1].index("BEGIN") - 1
    published = statements[begin:]
    assert published[2:] == [
        'SELECT COUNT(*) AS "rows" FROM "first"."cities" WHERE NOT ('
        "\"day\" >= CAST('2019-01-01' AS DATE) AND \"day\" < CAST('2019-01-02' AS DATE)) IS TRUE",
        'DELETE FROM "first"."cities" WHERE '
        "\"day\" >= CAST('2019-01-01' AS DATE) AND \"day\" < CAST('2019-01-02' AS DATE)",
        'INSERT INTO "first"."cities" ("id", "day") SELECT "id", "day" FROM "first"."cities__sqlmat_r1_new"',
        'SELECT COUNT(*) AS "rows" FROM "first"."cities"',
        'DROP TABLE "first"."cities__sqlmat_r1_new"',
        *published[7:],
    ]
    assert published[1].startswith('UPDATE "_sqlmat"."tables" SET "run" = \'r1\' WHERE ')
    assert [sql[:31] for sql in published[7:]] == [
        'UPDATE "_sqlmat"."tables" SET "',
        'DELETE FROM "_sqlmat"."partitio',
        'INSERT INTO "_sqlmat"."partitio',
        "COMMIT",
    ]
    assert not path.exists()


def test_a_version_of_a_table_that_is_changed_in_place_is_a_copy(path: Path) -> None:
    kept = replace(PARTS, settings=replace(PARTS.settings, keep_versions=2))
    statements = render(kept, a_fixed_context(path), Piece((JANUARY,)))
    (rename,) = (place for place, sql in enumerate(statements) if sql.startswith('ALTER TABLE "first"."cities" RENAME'))
    name = statements[rename].split('"')[-2]
    assert name.startswith("cities__sqlmat_")
    assert statements[rename + 1] == f'CREATE TABLE "first"."cities" AS SELECT * FROM "first"."{name}"'
    assert statements[rename:].index("COMMIT") > 5


def test_a_first_build_in_parts(path: Path) -> None:
    statements = render(PARTS, a_fixed_context(path))
    assert 'ALTER TABLE "first"."cities__sqlmat_r1_new" RENAME TO "cities"' in statements


def test_columns_that_only_the_warehouse_knows(path: Path) -> None:
    with pytest.raises(MaterializeError, match=r"`first/cities\.sql` does not tell its columns"):
        render(replace(PARTS, columns=()), a_fixed_context(path))


def test_with_the_types_of_what_is_there_they_are_what_a_build_of_a_range_sends(path: Path) -> None:
    values = "(VALUES (1, TIMESTAMP '2019-01-01 10:00:00'), (2, TIMESTAMP '2019-01-05 10:00:00'))"
    source = a_table(f"SELECT * FROM {values} AS v(id, day)", name="first.raw")
    model = replace(PARTS, sql="SELECT id, day FROM first.raw", upstream=(source.relation,))
    context = a_fixed_context(path)
    for each in (source, model):
        list(materialize(each, replace(context, run=Run("r0", context.now()), state=RunState())))
    with context.warehouse.open_session() as session:
        types = read_types(session, model)
    assert types[source.relation] == (("id", "INTEGER"), ("day", "TIMESTAMP"))
    rendered = [sql for sql in render(model, context, Piece((JANUARY,)), types) if "_sqlmat" not in sql.split('"')]
    warehouse = RecordingWarehouse(path)
    list(materialize(model, replace(context, warehouse=warehouse, state=RunState()), Piece((JANUARY,))))
    asked = 'SELECT * FROM "first"."cities'
    about = ('"first"."cities__sqlmat_r1_new"', 'FROM "first"."cities"')
    sent = [sql for sql in warehouse.sent if any(name in sql for name in about) and not sql.startswith(asked)]
    assert sent[0].startswith('CREATE TABLE "first"."cities__sqlmat_r1_new" AS SELECT * FROM (SELECT id, day FROM (')
    assert sent == [sql for sql in rendered if sql in sent]
    assert len(sent) >= 5
