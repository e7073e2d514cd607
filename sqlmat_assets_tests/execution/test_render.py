"""The statements of a materialization, word for word."""

from __future__ import annotations

import os
import re
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.render import render
from sqlmat_assets.project.model import ColumnDoc, Kind, Model, RuleKind
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.tables import a_check, a_context, a_rule, a_table

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
    from dataclasses import replace

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
