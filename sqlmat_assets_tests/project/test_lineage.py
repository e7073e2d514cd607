from __future__ import annotations

import pytest

from sqlmat_assets.project.lineage import column_lineage
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation

COLUMNS = {
    Relation("s", "t"): ("Id", "a", "Name"),
    Relation("s", "u"): ("id", "z"),
    Relation("ds", "T"): ("A", "arr"),
}


def traced(sql: str, dialect: str = "duckdb", catalog: str | None = None) -> dict[str, list[str]]:
    lineage = column_lineage(sql, Names(dialect, catalog), COLUMNS)
    return {column: [f"{relation}.{name}" for relation, name in origins] for column, origins in lineage.items()}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select * from S.T", {"Id": ["s.t.Id"], "a": ["s.t.a"], "Name": ["s.t.Name"]}),
        ("select ID as X, count(*) as n from s.t group by 1", {"X": ["s.t.Id"], "n": []}),
        ("with t as (select name as n from s.t) select upper(n) as m from t", {"m": ["s.t.Name"]}),
        ("select s.u.z || t.name as both from s.t join s.u using (id)", {"both": ["s.t.Name", "s.u.z"]}),
        ("select a from s.t union all select z from s.u", {"a": ["s.t.a", "s.u.z"]}),
        ("select x.a, y.a as b from s.t as x, s.t as y", {"a": ["s.t.a"], "b": ["s.t.a"]}),
        ("select (select max(z) from s.u where u.id = t.id) as m from s.t", {"m": ["s.u.z"]}),
        ("select q from other.x", {"q": ["other.x.q"]}),
    ],
)
def test_columns_are_traced(sql: str, expected: dict[str, list[str]]) -> None:
    assert traced(sql) == expected


@pytest.mark.parametrize(
    ("dialect", "sql", "expected"),
    [
        ("postgres", 'select t."Name", A from s.t', {"Name": ["s.t.Name"], "a": ["s.t.a"]}),
        ("redshift", "select NAME from S.t", {"name": ["s.t.Name"]}),
        ("bigquery", "select t.a, x.q from ds.T as t, unnest(t.arr) as x", {"a": ["ds.T.A"], "q": ["ds.T.arr"]}),
        ("bigquery", "select A from `p.ds.T`", {"A": ["ds.T.A"]}),
        ("bigquery", "from ds.T |> select A", {"A": ["ds.T.A"]}),
    ],
)
def test_each_dialect_keeps_its_names(dialect: str, sql: str, expected: dict[str, list[str]]) -> None:
    assert traced(sql, dialect, "p") == expected


@pytest.mark.parametrize("sql", ["select nope(", "", "select 1; select 2", "insert into s.t select 1", "call f()"])
def test_what_cannot_be_traced_is_empty(sql: str) -> None:
    assert traced(sql) == {}
