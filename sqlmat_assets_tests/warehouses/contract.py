"""What every warehouse adapter has to do; an engine's tests inherit it and give it a fixture `warehouse`."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import date
from decimal import Decimal
from itertools import combinations_with_replacement, product
from pathlib import Path

import pytest
from pyarrow import parquet
from sqlglot import exp

from sqlmat_assets.errors import BadRowError, CancelledError, TerminalWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session, Warehouse
from sqlmat_assets.warehouses.check_statements import count_outcomes
from sqlmat_assets.warehouses.row_statements import insert_many
from sqlmat_assets.warehouses.source_files import Contents, SourceFile
from sqlmat_assets_tests.warehouses.literal_rows import select_rows

TARGET = Relation("first", "cities")
INTERMEDIATE = Relation("first", "cities__sqlmat_k3_new")
BACKUP = Relation("first", "cities__sqlmat_k3_old")
COLUMNS = ("id", "name")
ROWS = select_rows(COLUMNS, (1, "'a'"), (2, "'b'"), ("NULL", "NULL"))


def make(session: Session, relation: Relation, query: str) -> int:
    session.execute(statements.create_schema(relation.schema))
    return session.write_rows(statements.create_table_as(relation, query))


def values(session: Session, relation: Relation) -> list[tuple[object, ...]]:
    return sorted(session.fetch_rows(exp.select("*").from_(statements.table(relation))).rows, key=str)


class WarehouseContract:
    # A text with an apostrophe in it, as the engine writes it.
    apostrophe = "'it''s'"

    def test_creating_a_table_tells_its_rows(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            assert make(session, TARGET, "SELECT 1 AS a UNION ALL SELECT 2") == 2
            assert values(session, TARGET) == [(1,), (2,)]

    def test_the_query_goes_out_as_it_was_written(self, warehouse: Warehouse) -> None:
        query = f"SELECT 'a;b' AS a -- why\n  , {self.apostrophe} /* ; */ AS b -- the end"
        with warehouse.open_session() as session:
            make(session, TARGET, query)
            assert values(session, TARGET) == [("a;b", "it's")]

    def test_results_carry_names_and_types(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            found = session.fetch_rows(count_outcomes("SELECT 1 = 1 AS holds, 2 AS number", ["holds", "number"]))
        by_name = {column.name: column for column in found.columns}
        assert by_name["value_0"].is_boolean
        assert not by_name["value_1"].is_boolean
        assert not by_name["rows"].is_boolean

    def test_columns_of_a_table_of_a_view_and_of_nothing(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS a, 'x' AS b")
            view = Relation("first", "seen")
            session.execute(
                exp.Create(
                    this=statements.table(view), kind="VIEW", expression=exp.select("a").from_(statements.table(TARGET))
                )
            )
            assert [name for name, _ in session.fetch_columns(TARGET)] == ["a", "b"]
            assert [name for name, _ in session.fetch_columns(view)] == ["a"]
            assert session.fetch_columns(Relation("first", "nothing")) == ()
            assert session.fetch_kinds("first") == {"cities": "table", "seen": "view"}

    def test_a_schema_that_is_missing_holds_nothing(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            assert session.fetch_kinds("nowhere") == {}
            assert session.fetch_columns(Relation("nowhere", "nothing")) == ()

    def test_the_engine_refuses_with_its_own_words_and_the_statement(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            with pytest.raises(TerminalWarehouseError) as caught:
                session.execute(statements.drop_table(Relation("first", "nothing")))
        assert "nothing" in caught.value.message
        assert caught.value.statement is not None
        assert "DROP TABLE" in caught.value.statement

    def test_a_session_goes_on_after_an_error(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            with pytest.raises(TerminalWarehouseError), session.transaction():
                session.execute(statements.drop_table(Relation("first", "nothing")))
            assert make(session, TARGET, "SELECT 1 AS a") == 1

    def test_a_transaction_that_fails_leaves_everything_as_it_was(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            make(session, TARGET, "SELECT 1 AS a")
            with pytest.raises(TerminalWarehouseError), session.transaction():  # noqa: PT012 - the first has to succeed
                session.execute(statements.drop_table(TARGET))
                session.execute(statements.drop_table(TARGET))
            assert values(session, TARGET) == [(1,)]

    def test_a_transaction_goes_on_where_a_table_is_looked_for_that_is_not_there(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            with session.transaction():
                made = session.write_rows(statements.create_table_as(TARGET, "SELECT 1 AS a"))
                assert session.fetch_columns(Relation("first", "nothing")) == ()
                assert [name for name, _ in session.fetch_columns(TARGET)] == ["a"]
            assert (made, values(session, TARGET)) == (1, [(1,)])

    def test_what_is_refused_inside_ends_the_transaction_though_nobody_says_so(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            with pytest.raises(TerminalWarehouseError), session.transaction():  # noqa: PT012 - the error is caught inside
                session.execute(statements.create_table_as(TARGET, "SELECT 1 AS a"))
                with suppress(TerminalWarehouseError):
                    session.execute(statements.drop_table(Relation("first", "nothing")))
            assert session.fetch_columns(TARGET) == ()
            assert make(session, TARGET, "SELECT 2 AS a") == 1

    @pytest.mark.parametrize("in_place", ["table", "view", None])
    def test_swap_replaces_what_is_in_place(self, warehouse: Warehouse, in_place: str | None) -> None:
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            if in_place == "table":
                make(session, TARGET, "SELECT 1 AS a")
            elif in_place == "view":
                session.execute(exp.Create(this=statements.table(TARGET), kind="VIEW", expression=exp.select("1 AS a")))
            make(session, INTERMEDIATE, "SELECT 2 AS a, 'x' AS b")
            with session.transaction():
                session.swap(TARGET, INTERMEDIATE, BACKUP, in_place)  # type: ignore[arg-type] - one of its two words
            assert values(session, TARGET) == [(2, "x")]
            assert session.fetch_kinds("first") == {"cities": "table"}

    @pytest.mark.parametrize("in_place", ["table", "view"])
    def test_swap_on_a_wrong_belief_changes_nothing(self, warehouse: Warehouse, in_place: str) -> None:
        with warehouse.open_session() as session:
            other = "view" if in_place == "table" else "table"
            kind = exp.Create(this=statements.table(TARGET), kind=other.upper(), expression=exp.select("1 AS a"))
            session.execute(statements.create_schema("first"))
            session.execute(kind)
            make(session, INTERMEDIATE, "SELECT 2 AS a")
            for belief in (in_place, None):
                with pytest.raises(TerminalWarehouseError), session.transaction():
                    session.swap(TARGET, INTERMEDIATE, BACKUP, belief)  # type: ignore[arg-type] - one of its two words
            assert values(session, TARGET) == [(1,)]

    def test_comments_travel_with_the_swap(self, warehouse: Warehouse) -> None:
        if not warehouse.capabilities.has_comments:
            pytest.skip("the engine has no comments")
        with warehouse.open_session() as session:
            make(session, INTERMEDIATE, "SELECT 2 AS a")
            session.execute(statements.comment_on_table(INTERMEDIATE, "it's the table"))
            session.execute(statements.comment_on_column(INTERMEDIATE, "a", "the column"))
            with session.transaction():
                session.swap(TARGET, INTERMEDIATE, BACKUP, None)
            assert self.fetch_comments(session, TARGET) == ("it's the table", {"a": "the column"})

    def fetch_comments(self, session: Session, relation: Relation) -> tuple[str | None, dict[str, str | None]]:
        raise NotImplementedError

    def fingerprint(self, session: Session, query: str) -> str:
        session.execute(statements.drop_table(INTERMEDIATE, if_exists=True))
        make(session, INTERMEDIATE, query)
        return session.fetch_fingerprint(INTERMEDIATE, session.fetch_columns(INTERMEDIATE))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (ROWS, select_rows(COLUMNS, (2, "'b'"), ("NULL", "NULL"), (1, "'a'"))),
            (
                "SELECT 1 AS id UNION ALL SELECT 1 UNION ALL SELECT 2",
                "SELECT 2 AS id UNION ALL SELECT 1 UNION ALL SELECT 1",
            ),
            (f"SELECT * FROM ({ROWS}) AS t WHERE id > 5", f"SELECT * FROM ({ROWS}) AS t WHERE id < 0"),
            ("SELECT CAST('NaN' AS DOUBLE PRECISION) AS x", "SELECT CAST('nan' AS DOUBLE PRECISION) AS x"),
        ],
        ids=["another order", "duplicates in another order", "no rows", "no number"],
    )
    def test_the_same_rows_have_one_fingerprint(self, warehouse: Warehouse, one: str, other: str) -> None:
        with warehouse.open_session() as session:
            found = self.fingerprint(session, one)
            assert found == self.fingerprint(session, other)
            assert len(found) < 80
            assert found.isascii()
            assert not set(found) & set(" '/")

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (ROWS, f"SELECT id, CASE WHEN id = 2 THEN 'B' ELSE name END AS name FROM ({ROWS}) AS t"),
            (ROWS, f"SELECT id, COALESCE(name, '') AS name FROM ({ROWS}) AS t"),
            (ROWS, f"SELECT COALESCE(id, 0) AS id, name FROM ({ROWS}) AS t"),
            (ROWS, f"{ROWS} UNION ALL SELECT 1, 'a'"),
            (f"{ROWS} UNION ALL SELECT 1, 'a'", f"{ROWS} UNION ALL SELECT 1, 'a' UNION ALL SELECT 1, 'a'"),
            (f"{ROWS} UNION ALL SELECT 1, 'a'", f"{ROWS} UNION ALL SELECT 2, 'b'"),
            (f"{ROWS} UNION ALL {ROWS}", f"SELECT * FROM ({ROWS}) AS t WHERE id > 5"),
            (ROWS, f"SELECT * FROM ({ROWS}) AS t WHERE id > 5"),
            (ROWS, select_rows(COLUMNS, (1, "'b'"), (2, "'a'"), ("NULL", "NULL"))),
            ("SELECT 1 AS a, 2 AS b", "SELECT 2 AS a, 1 AS b"),
            ("SELECT 1 AS a, NULL AS b", "SELECT NULL AS a, 1 AS b"),
            ("SELECT 'ab' AS a, 'c' AS b", "SELECT 'a' AS a, 'bc' AS b"),
            ("SELECT 'a' AS a", "SELECT 'a ' AS a"),
            ("SELECT CAST('0.0' AS DOUBLE PRECISION) AS x", "SELECT CAST('-0.0' AS DOUBLE PRECISION) AS x"),
            ("SELECT CAST('NaN' AS DOUBLE PRECISION) AS x", "SELECT CAST(NULL AS DOUBLE PRECISION) AS x"),
            ("SELECT CAST(1.10 AS DECIMAL(30, 2)) AS x", "SELECT CAST(1.11 AS DECIMAL(30, 2)) AS x"),
            ("SELECT INTERVAL '1' MONTH AS x", "SELECT INTERVAL '30' DAY AS x"),
            ("SELECT TIMESTAMP '2020-01-01 00:00:00.000001' AS x", "SELECT TIMESTAMP '2020-01-01 00:00:00' AS x"),
        ],
    )
    def test_other_rows_have_another_fingerprint(self, warehouse: Warehouse, one: str, other: str) -> None:
        with warehouse.open_session() as session:
            assert self.fingerprint(session, one) != self.fingerprint(session, other)

    def test_a_fingerprint_tells_any_two_small_tables_apart(self, warehouse: Warehouse) -> None:
        """Every table of two columns and up to three rows with values 0, 1 or NULL, 220 of them."""
        values = (None, 0, 1)
        rows = list(product(values, values))
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            session.execute(statements.create_table(INTERMEDIATE, [("a", "bigint"), ("b", "bigint")]))
            columns = session.fetch_columns(INTERMEDIATE)
            found: set[str] = set()
            tables = [chosen for count in range(4) for chosen in combinations_with_replacement(rows, count)]
            for chosen in tables:
                session.execute(statements.delete_rows(INTERMEDIATE, exp.true()))
                if chosen:
                    session.execute(insert_many(INTERMEDIATE, ("a", "b"), chosen))
                found.add(session.fetch_fingerprint(INTERMEDIATE, columns))
        assert len(found) == len(tables) == 220

    def test_a_statement_is_cancelled_from_another_thread(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            begun = time.monotonic()
            timer = threading.Timer(0.3, session.cancel)
            timer.start()
            with pytest.raises(CancelledError):
                session.fetch_rows(exp.maybe_parse(self.endless_query, dialect=warehouse.capabilities.dialect))
            timer.join()
            assert time.monotonic() - begun < 10
            assert make(session, TARGET, "SELECT 1 AS a") == 1

    endless_query = ""

    def test_cancelling_between_statements_does_nothing(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            session.cancel()
            assert make(session, TARGET, "SELECT 1 AS a") == 1

    @pytest.mark.parametrize("ending", [".csv", ".CSV", ".ndjson"])
    def test_loading_a_file_types_it_by_all_of_its_rows(
        self, warehouse: Warehouse, tmp_path: Path, ending: str
    ) -> None:
        path = tmp_path / f"cities{ending}"
        rows = [(str(i), f"n{i}") for i in range(30_000)] + [("x", "the last id is no number")]
        if ending == ".ndjson":
            lines = [f'{{"id": {i if i != "x" else chr(34) + "x" + chr(34)}, "name": "{name}"}}' for i, name in rows]
            path.write_text("\n".join(lines))
        else:
            path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(["id,name", *(f"{i},{name}" for i, name in rows)]).encode())
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            assert session.load_file(TARGET, path, ()) == 30_001
            assert [name for name, _ in session.fetch_columns(TARGET)] == ["id", "name"]
            assert "the last id is no number" in {name for _, name in values(session, TARGET)}

    def test_declared_columns_win_over_what_the_file_looks_like(self, warehouse: Warehouse, tmp_path: Path) -> None:
        path = tmp_path / "cities.csv"
        path.write_text("id,name,zip\n1,a,01234\n2,b,00007\n")
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            session.load_file(TARGET, path, [("zip", "VARCHAR")])
            assert values(session, TARGET) == [(1, "a", "01234"), (2, "b", "00007")]

    def test_a_declared_type_that_does_not_fit_is_refused(self, warehouse: Warehouse, tmp_path: Path) -> None:
        path = tmp_path / "cities.csv"
        path.write_text("id\n1\nseven\n")
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            with pytest.raises(TerminalWarehouseError, match="seven"):
                session.load_file(TARGET, path, [("id", "INTEGER")])
            assert session.fetch_kinds("first") == {}

    def test_rows_are_unloaded_with_their_types(self, warehouse: Warehouse, tmp_path: Path) -> None:
        query = (
            "SELECT 1 AS id, 'a' AS name, CAST(1.50 AS DECIMAL(10, 2)) AS price, DATE '2024-02-29' AS day "
            "UNION ALL SELECT NULL, NULL, NULL, NULL -- the end"
        )
        with warehouse.open_session() as session:
            assert session.unload(query, tmp_path / "rows.parquet") == 2
        rows = parquet.read_table(tmp_path / "rows.parquet").to_pylist()
        assert sorted(rows, key=str) == [
            {"id": 1, "name": "a", "price": Decimal("1.50"), "day": date(2024, 2, 29)},
            {"id": None, "name": None, "price": None, "day": None},
        ]

    def test_no_rows_are_unloaded_with_their_columns(self, warehouse: Warehouse, tmp_path: Path) -> None:
        with warehouse.open_session() as session:
            assert session.unload("SELECT 1 AS id LIMIT 0", tmp_path / "rows.parquet") == 0
        assert parquet.read_table(tmp_path / "rows.parquet").column_names == ["id"]

    def test_a_query_that_is_refused_unloads_nothing(self, warehouse: Warehouse, tmp_path: Path) -> None:
        with warehouse.open_session() as session:
            with pytest.raises(TerminalWarehouseError):
                session.unload("SELECT * FROM nowhere.at_all", tmp_path / "rows.parquet")
            assert session.unload("SELECT 1 AS id", tmp_path / "rows.parquet") == 1

    def test_required_columns_are_not_null_in_the_table(self, warehouse: Warehouse, tmp_path: Path) -> None:
        contents = Contents.of([("id", "BIGINT"), ("name", "VARCHAR")], ["id"])
        with warehouse.open_session() as session:
            session.execute(statements.create_schema(TARGET.schema))
            session.unload("SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, NULL", tmp_path / "rows.parquet")
            files = [SourceFile(tmp_path / "rows.parquet")]
            assert session.load_files(TARGET, files, contents).rows == 2
            assert values(session, TARGET) == [(1, "a"), (2, None)]
            with pytest.raises(TerminalWarehouseError):
                session.execute(statements.insert_values(TARGET, {"id": None, "name": "b"}))

    def test_a_null_in_a_required_column_leaves_no_table(self, warehouse: Warehouse, tmp_path: Path) -> None:
        with warehouse.open_session() as session:
            session.execute(statements.create_schema(TARGET.schema))
            session.unload("SELECT CAST(NULL AS INTEGER) AS id", tmp_path / "rows.parquet")
            with pytest.raises(TerminalWarehouseError):
                session.load_files(
                    TARGET, [SourceFile(tmp_path / "rows.parquet")], Contents.of([("id", "BIGINT")], ["id"])
                )
            assert session.fetch_columns(TARGET) == ()

    def test_a_value_of_another_type_is_found_by_its_row(self, warehouse: Warehouse, tmp_path: Path) -> None:
        with warehouse.open_session() as session:
            session.execute(statements.create_schema(TARGET.schema))
            session.unload("SELECT '1' AS id UNION ALL SELECT 'x'", tmp_path / "rows.parquet")
            row = parquet.read_table(tmp_path / "rows.parquet").column("id").to_pylist().index("x") + 1
            with pytest.raises(BadRowError) as error:
                session.load_files(TARGET, [SourceFile(tmp_path / "rows.parquet")], Contents.of([("id", "BIGINT")]))
            assert (error.value.row, error.value.column, error.value.value) == (row, "id", "x")
