"""PostgreSQL: the contract, and what is special about a server."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow import parquet
from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session, Warehouse
from sqlmat_assets.warehouses.source_files import Constant, Contents, SourceFile
from sqlmat_assets.warehouses.statements import create_schema, verbatim
from sqlmat_assets_tests.warehouses.contract import TARGET, WarehouseContract, values
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres


class TestPostgres(OnPostgres, WarehouseContract):
    endless_query = "SELECT count(*) FROM generate_series(1, 100000000) AS a, generate_series(1, 100000) AS b"

    def fetch_comments(self, session: Session, relation: Relation) -> tuple[str | None, dict[str, str | None]]:
        name = exp.Literal.string(f"{relation.schema}.{relation.name}").sql("postgres")
        of_table = session.fetch_rows(verbatim(f"SELECT obj_description({name}::regclass)")).rows[0][0]
        columns = "SELECT attname::text, col_description(attrelid, attnum) FROM pg_attribute WHERE attnum > 0"
        return of_table, dict(session.fetch_rows(verbatim(f"{columns} AND attrelid = {name}::regclass")).rows)

    def test_what_drivers_read_into_a_query_goes_out_as_it_was_written(self, warehouse: Warehouse) -> None:
        query = "SELECT '%s %(a)s $1 {b} \\' AS a, 7 % 4 AS b, E'\\'' AS c, $$ '; $$ AS d"
        with warehouse.open_session() as session:
            assert session.fetch_rows(verbatim(query)).rows == [("%s %(a)s $1 {b} \\", 3, "'", " '; ")]

    def test_names_in_a_header_are_folded(self, warehouse: Warehouse, tmp_path: Path) -> None:
        path = tmp_path / "cities.csv"
        path.write_text("cityName,ÉTÉ,zip code,Zip\nParis,1,75001,01\n")
        with warehouse.open_session() as session:
            session.execute(create_schema("first"))
            session.load_file(TARGET, path, [("Zip", "text")])
            assert [name for name, _ in session.fetch_columns(TARGET)] == ["cityname", "ÉtÉ", "zip code", "zip"]
            assert session.fetch_rows(verbatim("SELECT CityName, Zip FROM first.cities")).rows == [("Paris", "01")]

    def test_every_type_comes_out_as_it_went_in(self, warehouse: Warehouse, tmp_path: Path) -> None:
        query = """
            SELECT true AS b, 1::smallint AS s, 2::bigint AS l, 1.5::real AS r, 0.1::double precision AS d,
                1.50::numeric AS n, 12.5::numeric(10, 3) AS p, '' AS e, E'a"b,\\nc' AS t, DATE '2024-02-29' AS day,
                TIME '10:00:00.5' AS h, TIMESTAMP '2024-01-01 10:00:00.000001' AS m,
                TIMESTAMPTZ '2024-01-01 10:00:00+02' AS z, '{"a": [1, null]}'::jsonb AS j, ARRAY[1, 2] AS many,
                '00000000-0000-0000-0000-000000000001'::uuid AS id, INTERVAL '1 month 2 days' AS i, 'x'::bytea AS raw
            UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
                NULL, NULL, NULL
        """
        with warehouse.open_session() as session:
            assert session.unload(query, tmp_path / "rows.parquet") == 2
            session.execute(create_schema("first"))
            rows = sorted(parquet.read_table(tmp_path / "rows.parquet").to_pylist(), key=str, reverse=True)
            assert set(rows[1].values()) == {None}
            assert rows[0] == {
                "b": True,
                "s": 1,
                "l": 2,
                "r": 1.5,
                "d": 0.1,
                "n": Decimal("1.50"),
                "p": Decimal("12.500"),
                "e": "",
                "t": 'a"b,\nc',
                "day": date(2024, 2, 29),
                "h": time(10, 0, 0, 500000),
                "m": datetime(2024, 1, 1, 10, 0, 0, 1),  # noqa: DTZ001 - it has none
                "z": datetime(2024, 1, 1, 8, tzinfo=UTC),
                "j": '{"a": [1, null]}',
                "many": "{1,2}",
                "id": "00000000-0000-0000-0000-000000000001",
                "i": "1 mon 2 days",
                "raw": "\\x78",
            }
            declared = session.fetch_rows(verbatim(f"SELECT * FROM ({query}) AS q LIMIT 0")).columns
            contents = Contents.of([(each.name, each.type) for each in declared], ["part"])
            files = [SourceFile(tmp_path / "rows.parquet", (Constant("part", "date", "2024-01-01"),))]
            assert session.load_files(TARGET, files, contents).rows == 2
            assert [kind for _, kind in session.fetch_columns(TARGET)][-5:] == [
                "integer[]",
                "uuid",
                "interval",
                "bytea",
                "date",
            ]
            lost = f"SELECT q.*, DATE '2024-01-01' FROM ({query}) AS q EXCEPT SELECT * FROM first.cities"
            assert session.fetch_rows(verbatim(lost)).rows == []
            assert len(values(session, TARGET)) == 2

    @pytest.mark.parametrize("ending", [".ndjson", ".parquet"])
    def test_documents_become_jsonb(self, warehouse: Warehouse, tmp_path: Path, ending: str) -> None:
        import duckdb

        path = tmp_path / f"trips{ending}"
        rows = "SELECT 1 AS id, {'a': [1, 2], 'b': 'x\"y'} AS told, ['p', NULL] AS many, 1.5 AS n"
        form = "(FORMAT json)" if ending == ".ndjson" else ""
        duckdb.sql(f"COPY ({rows}) TO '{path}' {form}")
        with warehouse.open_session() as session:
            session.execute(create_schema("first"))
            assert session.load_file(TARGET, path, ()) == 1
            kinds = dict(session.fetch_columns(TARGET))
            assert (kinds["told"], kinds["many"]) == ("jsonb", "jsonb")
            found = "SELECT told->'a'->>1, told->>'b', many->>0, many->>1, n::text FROM first.cities"
            assert session.fetch_rows(verbatim(found)).rows == [("2", 'x"y', "p", None, "1.5")]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("4294967296::bigint", "1::bigint"),
            ("1.0::numeric", "1.00::numeric"),
            ("'{\"a\":1}'::json", "'{\"a\": 1}'::json"),
            ("ARRAY['a,b']", "ARRAY['a','b']"),
            ("ARRAY[NULL]::text[]", "ARRAY['NULL']"),
            ("ROW(NULL, 1)::text", "ROW(1, NULL)::text"),
            ("'(1,2)'::point", "'(2,1)'::point"),
            ("'a'::bytea", "'b'::bytea"),
            ("TIMESTAMPTZ 'infinity'", "TIMESTAMPTZ '-infinity'"),
            ("B'01'", "B'1'::bit varying"),
        ],
    )
    def test_what_the_server_takes_for_equal_has_two_fingerprints(
        self, warehouse: Warehouse, one: str, other: str
    ) -> None:
        with warehouse.open_session() as session:
            assert self.fingerprint(session, f"SELECT {one} AS x") != self.fingerprint(session, f"SELECT {other} AS x")
            assert self.fingerprint(session, f"SELECT {one} AS x") == self.fingerprint(session, f"SELECT {one} AS x")

    def test_values_that_python_does_not_have_are_told_as_text(self, warehouse: Warehouse) -> None:
        moments = "TIMESTAMP 'infinity', DATE '0044-03-15 BC', TIMESTAMPTZ '-infinity', INTERVAL '1 month'"
        query = f"SELECT {moments}, '[1]'::jsonb"
        with warehouse.open_session() as session:
            (found,) = session.fetch_rows(verbatim(query)).rows
        assert found == ("infinity", "0044-03-15 BC", "-infinity", "1 mon", "[1]")
