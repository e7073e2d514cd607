"""How two tables differ, on a real DuckDB."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
import sqlglot
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import ErrorLevel, exp

from sqlmat_assets.execution.diff import ChangedRow, ColumnChanges, Diff, LoneRow, RowChanges, TableRows, compare
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.diff_statements import Comparison, SharedColumn
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets.warehouses.duckdb.memory import open_memory

BEFORE, AFTER = Relation("s", "before"), Relation("s", "after")


@pytest.fixture(scope="module")
def session() -> Generator[Session]:
    with open_memory() as opened:
        yield opened


def make(session: Session, before: str, after: str) -> None:
    session.execute(statements.create_schema("s"))
    for relation, query in ((BEFORE, before), (AFTER, after)):
        session.execute(statements.drop_table(relation, if_exists=True))
        session.execute(statements.create_table_as(relation, query))


def differ(session: Session, *key: str, limit: int = 5) -> Diff:
    tables = [(relation, session.fetch_columns(relation)) for relation in (BEFORE, AFTER)]
    return compare(session, DUCKDB, tables[0], tables[1], key=key, limit=limit)


def values(*rows: str, names: str = "id, a, b") -> str:
    return f"SELECT * FROM (VALUES {', '.join(rows)}) AS t({names})"


ONE = values("(1, 'x', 10)", "(2, 'y', 20)", "(3, NULL, 30)", "(4, 'z', 40)")
OTHER = values("(4, 'z', 40)", "(5, 'w', 50)", "(3, 'v', NULL)", "(2, 'y', 21)")


def test_by_a_key(session: Session) -> None:
    make(session, ONE, OTHER)
    assert differ(session, "id") == Diff(
        TableRows(4),
        TableRows(4),
        ("id",),
        ColumnChanges(),
        ("id", "a", "b"),
        RowChanges(added=1, removed=1, changed=2, by_column=(("a", 1), ("b", 2))),
        changed=(
            ChangedRow(("2",), (("b", "20", "21"),)),
            ChangedRow(("3",), (("a", None, "v"), ("b", "30", None))),
        ),
        added=(LoneRow(("5", "w", "50")),),
        removed=(LoneRow(("1", "x", "10")),),
    )


def test_without_a_key_rows_are_counted_as_they_are(session: Session) -> None:
    one = values("(1, 'x')", "(1, 'x')", "(1, 'x')", "(NULL, NULL)", "(2, 'y')", names="id, a")
    other = values("(2, 'y')", "(1, 'x')", "(NULL, NULL)", "(NULL, NULL)", "(3, 'z')", names="id, a")
    make(session, one, other)
    found = differ(session)
    assert found.rows == RowChanges(added=2, removed=2)
    assert found.removed == (LoneRow(("1", "x"), 2),)
    assert set(found.added) == {LoneRow(("3", "z")), LoneRow((None, None))}
    assert found.changed == ()
    assert found.key == ()


def test_nothing_differs_whatever_the_order_of_rows_and_the_case_of_names(session: Session) -> None:
    make(session, ONE, f'SELECT b, a AS "A", id AS "Id" FROM ({ONE}) ORDER BY id DESC')
    for key in ((), ("ID",), ("id", "a")):
        found = differ(session, *key)
        assert found.is_equal
        assert found.columns == ColumnChanges(is_reordered=True)
        assert found.rows == RowChanges(by_column=found.rows.by_column)
        assert not any(count for _, count in found.rows.by_column)


def test_columns_that_are_added_dropped_and_retyped(session: Session) -> None:
    make(session, "SELECT 1 AS id, 2 AS gone, 3 AS kind", "SELECT 1 AS id, '3' AS KIND, 'n' AS fresh")
    found = differ(session, "id")
    assert found.columns == ColumnChanges(
        (("fresh", "VARCHAR"),), (("gone", "INTEGER"),), (("KIND", "INTEGER", "VARCHAR"),)
    )
    assert not found.rows.is_any
    assert not found.is_equal


def test_no_column_in_common(session: Session) -> None:
    make(session, "SELECT 1 AS a UNION ALL SELECT 2", "SELECT 1 AS b")
    found = differ(session)
    assert found.rows == RowChanges(added=1, removed=2)
    assert found.shared == ()


@pytest.mark.parametrize("key", [(), ("id",)])
def test_tables_without_rows(session: Session, key: Sequence[str]) -> None:
    make(session, f"{ONE} LIMIT 0", f"{ONE} LIMIT 0")
    assert differ(session, *key).is_equal
    make(session, f"{ONE} LIMIT 0", ONE)
    assert differ(session, *key).rows.added == 4
    make(session, ONE, f"{ONE} LIMIT 0")
    assert differ(session, *key).rows.removed == 4


def test_a_key_that_is_all_there_is(session: Session) -> None:
    make(session, "SELECT * FROM range(5) AS t(id)", "SELECT * FROM range(1, 7) AS t(id)")
    found = differ(session, "id")
    assert found.rows == RowChanges(added=2, removed=1)


def test_repeated_keys_are_told_and_rows_are_paired_only_where_there_is_one_way(session: Session) -> None:
    one = values("(1, 'a')", "(1, 'b')", "(2, 'a')", "(2, 'b')", "(3, 'a')", names="id, a")
    other = values("(1, 'a')", "(1, 'c')", "(2, 'c')", "(2, 'd')", "(3, 'b')", names="id, a")
    make(session, one, other)
    found = differ(session, "id")
    assert (found.before, found.after) == (TableRows(5, 2, 4), TableRows(5, 2, 4))
    assert found.rows == RowChanges(added=2, removed=2, changed=2, by_column=(("a", 2),))
    assert found.changed == (ChangedRow(("1",), (("a", "b", "c"),)), ChangedRow(("3",), (("a", "a", "b"),)))
    assert found.removed == (LoneRow(("2", "a")), LoneRow(("2", "b")))
    assert found.added == (LoneRow(("2", "c")), LoneRow(("2", "d")))


def test_null_in_a_key_is_a_value(session: Session) -> None:
    one = values("(NULL, 1, 'a')", "(1, NULL, 'a')", "(NULL, NULL, 'a')", names="k, l, a")
    other = values("(NULL, 1, 'a')", "(1, NULL, 'b')", "(2, NULL, 'a')", names="k, l, a")
    make(session, one, other)
    found = differ(session, "k", "l")
    assert (found.before.null_rows, found.after.null_rows) == (3, 3)
    assert found.rows == RowChanges(added=1, removed=1, changed=1, by_column=(("a", 1),))
    assert found.changed == (ChangedRow(("1", None), (("a", "a", "b"),)),)
    assert found.removed == (LoneRow((None, None, "a")),)
    make(session, one, one)
    assert differ(session, "k", "l").is_equal


SAME = [
    ("'nan'::DOUBLE", "'nan'::DOUBLE"),
    ("0.0::DOUBLE", "'-0.0'::DOUBLE"),
    ("NULL::INTEGER", "NULL::INTEGER"),
    ("1.10::DECIMAL(10, 2)", "1.1::DECIMAL(12, 4)"),
    ("7::TINYINT", "7::HUGEINT"),
    ("7", "7.0::DOUBLE"),
    ("TIMESTAMPTZ '2020-07-01 12:00:00+02'", "TIMESTAMPTZ '2020-07-01 10:00:00+00'"),
    ("TIMESTAMPTZ '2020-07-01 12:00:00+02'", "TIMESTAMP '2020-07-01 10:00:00'"),
    ("TIMESTAMP '2020-07-01 10:00:00'", "TIMESTAMPTZ '2020-07-01 12:00:00+02'"),
    ("DATE '2020-07-01'", "TIMESTAMP '2020-07-01 00:00:00'"),
    ("TIMESTAMP_S '2020-07-01 10:00:00'", "TIMESTAMP_MS '2020-07-01 10:00:00'"),
    ("1", "'1'"),
    ("true", "'true'"),
    ("'a'::ENUM('a', 'b')", "'a'"),
    ("[1, NULL]", "[1, NULL]"),
    ("{'a': [1, NULL], 'b': NULL}", "{'a': [1, NULL], 'b': NULL}"),
    ("MAP {'a': 1}", "MAP {'a': 1}"),
    ("'\\x00a'::BLOB", "'\\x00a'::BLOB"),
]
OTHERS = [
    ("'nan'::DOUBLE", "1.0::DOUBLE"),
    ("'nan'::DOUBLE", "NULL::DOUBLE"),
    ("0", "NULL"),
    ("''", "NULL"),
    ("'a'", "'A'"),
    ("'a'", "'a '"),
    ("1.10::DECIMAL(10, 2)", "1.11::DECIMAL(12, 4)"),
    ("0.1::FLOAT", "0.1::DOUBLE"),
    ("9007199254740993", "9007199254740992"),
    ("TIMESTAMPTZ '2020-07-01 12:00:00+02'", "TIMESTAMPTZ '2020-07-01 12:00:00+00'"),
    ("TIMESTAMPTZ '2020-07-01 12:00:00+02'", "TIMESTAMP '2020-07-01 12:00:00'"),
    ("TIMESTAMP '2020-07-01 12:00:00'", "TIMESTAMP '2020-07-01 12:00:00.000001'"),
    ("true", "1"),
    ("[1, NULL]", "[1]"),
    ("NULL::INTEGER[]", "[]::INTEGER[]"),
    ("['a, b']", "['a', 'b']"),
    ("{'a': 1}", "{'a': 2}"),
    ("{'a': 1}", "{'a': 1, 'b': 2}"),
    ("[[1], [2]]", "[[1, 2]]"),
]


@pytest.mark.parametrize("rest", ["", " UNION ALL SELECT 1, NULL"], ids=["plain keys", "repeated keys"])
@pytest.mark.parametrize(("one", "other"), SAME)
def test_values_that_are_the_same(session: Session, one: str, other: str, rest: str) -> None:
    make(session, f"SELECT 1 AS id, {one} AS v{rest}", f"SELECT 1 AS id, {other} AS v{rest}")
    assert not differ(session, "id").rows.is_any
    assert not differ(session).rows.is_any


@pytest.mark.parametrize("rest", ["", " UNION ALL SELECT 1, NULL"], ids=["plain keys", "repeated keys"])
@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_values_that_are_not_the_same(session: Session, one: str, other: str, rest: str) -> None:
    make(session, f"SELECT 1 AS id, {one} AS v{rest}", f"SELECT 1 AS id, {other} AS v{rest}")
    found = differ(session, "id")
    assert found.rows == RowChanges(changed=1, by_column=(("v", 1),))
    assert [name for name, *_ in found.changed[0].values] == ["v"]
    assert differ(session).rows == RowChanges(added=1, removed=1)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_keys_that_are_the_same(session: Session, one: str, other: str) -> None:
    make(session, f"SELECT {one} AS k, 1 AS v", f"SELECT {other} AS k, 2 AS v")
    assert differ(session, "k").rows == RowChanges(changed=1, by_column=(("v", 1),))


def test_names_that_the_statements_use_themselves(session: Session) -> None:
    names = 'id, "before", "after", "removed", "added", "surplus", "c0", "value_0", "select", "a""b"'
    make(
        session,
        values("(1, 2, 3, 4, 5, 6, 7, 8, 9, 0)", names=names),
        values("(1, 9, 3, 4, 5, 6, 7, 8, 9, 1)", names=names),
    )
    for key in (("id",), ("c0",), ("before",), ()):
        found = differ(session, *key)
        assert found.rows.is_any
    assert differ(session, "id").changed == (ChangedRow(("1",), (("before", "2", "9"), ('a"b', "0", "1"))),)


def test_rows_to_show_are_limited(session: Session) -> None:
    make(
        session, "SELECT i AS id, i AS a FROM range(100) AS t(i)", "SELECT i + 50 AS id, 0 AS a FROM range(100) AS t(i)"
    )
    found = differ(session, "id", limit=2)
    assert [row.key for row in found.changed] == [("50",), ("51",)]
    assert [row.values for row in found.added] == [("100", "0"), ("101", "0")]
    assert [row.values for row in found.removed] == [("0", "0"), ("1", "1")]
    none = differ(session, "id", limit=0)
    assert (none.changed, none.added, none.removed) == ((), (), ())
    assert none.rows == found.rows


@pytest.mark.reopens
def test_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "warehouse.duckdb"
    with DuckDBWarehouse(file).open_session() as session:
        make(session, ONE, OTHER)
    before = file.read_bytes()
    with DuckDBWarehouse(file).open_session() as session:
        assert differ(session, "id").rows.is_any
        assert differ(session).rows.is_any
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [file.name]


def test_a_view_is_compared_as_well(session: Session) -> None:
    make(session, ONE, ONE)
    session.execute(statements.drop_table(AFTER))
    view = exp.select("*").from_(statements.table(BEFORE)).where("id > 1")
    session.execute(row_statements.create_view(AFTER, view))
    assert differ(session, "id").rows.removed == 1
    session.execute(statements.drop_view(AFTER))


@pytest.mark.parametrize("dialect", ["postgres", "redshift", "bigquery"])
def test_the_statements_can_be_written_for_every_engine(dialect: str) -> None:
    columns = [SharedColumn((name, "timestamp"), (name, kind)) for name, kind in (("id", "timestamp"), ("a", "date"))]
    keyed = Comparison(BEFORE, AFTER, (columns[0],), (columns[1],), dialect)
    bare = Comparison(BEFORE, AFTER, (), tuple(columns), dialect)
    queries = [
        *(keyed.count_keys(), keyed.count_changes(), keyed.count_surplus(), bare.count_surplus()),
        *(keyed.sample_changes(5), keyed.sample_pairs(5), keyed.sample_only("after", 5)),
        *(keyed.sample_surplus("before", 5), bare.sample_surplus("after", 5)),
    ]
    for query in queries:
        text = query.sql(dialect, unsupported_level=ErrorLevel.RAISE)
        assert sqlglot.parse_one(text, dialect=dialect).sql(dialect) == text


rows = st.lists(
    st.tuples(st.sampled_from([None, 1, 2]), st.sampled_from([None, 0, 1]), st.sampled_from([None, 0, 1])), max_size=6
)


def written(found: list[tuple[int | None, ...]]) -> str:
    listed = ", ".join(f"({', '.join('NULL' if v is None else str(v) for v in row)})" for row in found)
    types = "SELECT k::INTEGER AS k, a::INTEGER AS a, b::INTEGER AS b FROM"
    return f"{types} (VALUES {listed}) AS t(k, a, b)" if found else f"{types} (SELECT 1 AS k, 2 AS a, 3 AS b) LIMIT 0"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=rows, other=rows)
def test_every_small_pair_of_tables_is_compared_as_by_hand(
    session: Session, one: list[tuple[int | None, ...]], other: list[tuple[int | None, ...]]
) -> None:
    make(session, written(one), written(other))
    removed, added = Counter(one) - Counter(other), Counter(other) - Counter(one)
    assert differ(session).rows == RowChanges(added.total(), removed.total())
    changed: list[tuple[tuple[int | None, ...], tuple[int | None, ...]]] = []
    for key in {row[0] for row in (*removed, *added)}:
        gone = [row for row in removed.elements() if row[0] == key]
        come = [row for row in added.elements() if row[0] == key]
        if len(gone) == len(come) == 1:
            changed.append((gone[0], come[0]))
    expected = RowChanges(
        added.total() - len(changed),
        removed.total() - len(changed),
        len(changed),
        tuple((name, sum(old[place] != new[place] for old, new in changed)) for place, name in ((1, "a"), (2, "b"))),
    )
    found = differ(session, "k", limit=20)
    assert found.rows == expected
    assert len(found.changed) == len(changed)
    assert sum(row.times for row in found.added) == expected.added
    assert sum(row.times for row in found.removed) == expected.removed
