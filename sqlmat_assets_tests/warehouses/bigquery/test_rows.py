"""BigQuery: the types of rows that come from a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.connectors.sources import Source
from sqlmat_assets_tests.execution.loading import EVENTS
from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery

NUMBER = Decimal("1234567890123456789012345678.123456789")


def columns_of(types: dict[str, str]) -> str:
    return "columns:\n" + "".join(f"  {name}: {kind}\n" for name, kind in types.items())


class TestRows(OnBigQuery):
    def test_types_of_postgresql(self, tmp_path: Path, postgres: Source, warehouse: Warehouse) -> None:
        postgres.send(
            """CREATE TABLE kinds (
                id smallint, b numeric(38, 9), c numeric, d real, e double precision, f boolean, g date, h time,
                i timestamp, j timestamptz, k bytea, l jsonb, m uuid, n integer[], o text[], p numeric(6, 2)[],
                q bit(3), r interval, s numeric(30, 12), t inet, u json
            )""",
            f"""INSERT INTO kinds VALUES (
                -1, {NUMBER}, 1.123456789, 1.5, 0.1, true, '2026-03-29', '10:11:12.000001',
                '1969-12-31 23:59:59.999999', '2026-03-29 01:30:00.5+05:30', '\\x00ff', '{{"a": [1, "é"]}}',
                '00000000-0000-0000-0000-000000000001', '{{1,2}}', '{{"a,b","q\\"",null,""}}', '{{1.10}}', B'101',
                '1 day 2s', 123456789012345678.123456789012, '10.0.0.1/8', '{{"a" :1.00}}'
            )""",
            "INSERT INTO kinds (id) VALUES (0)",
        )
        types = {
            "id": "int64", "b": "numeric", "c": "numeric", "d": "float64", "e": "float64", "f": "bool", "g": "date",
            "h": "time", "i": "datetime", "j": "timestamp", "k": "bytes", "l": "json", "m": "string",
            "n": "json", "o": "json", "p": "json", "q": "string", "r": "string", "s": "bignumeric",
            "t": "string", "u": "json",
        }  # fmt: skip
        project = postgres.project(tmp_path, f"table: kinds\n{columns_of(types)}", warehouse=warehouse)
        project.published()
        values, nulls = sorted(project.rows(), key=lambda row: row[0])
        assert values == (
            -1, NUMBER, Decimal("1.123456789"), 1.5, 0.1, True, date(2026, 3, 29), time(10, 11, 12, 1),
            datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - it has no zone
            datetime(2026, 3, 28, 20, 0, 0, 500000, UTC), b"\x00\xff", {"a": [1, "é"]},
            "00000000-0000-0000-0000-000000000001", ["1", "2"], ["a,b", 'q"', None, ""], ["1.10"], "101",
            "1 day 00:00:02", Decimal("123456789012345678.123456789012"), "10.0.0.1/8", {"a": 1.0},
        )  # fmt: skip
        assert nulls == (0, *[None] * (len(types) - 1))
        with warehouse.open_session() as session:
            assert dict(session.fetch_columns(EVENTS)) == {name: kind.upper() for name, kind in types.items()}

    def test_types_of_mariadb(self, tmp_path: Path, mariadb: Source, warehouse: Warehouse) -> None:
        mariadb.send(
            """CREATE TABLE kinds (
                id tinyint, b decimal(38, 9), c bigint unsigned, d float, e double, f bool, g date, h time(6),
                i datetime(6), j timestamp(6) NULL, k varbinary(9), l json, m bit(1), n bit(64), o year,
                p enum('a', 'b'), q set('a', 'b'), r int unsigned, s text
            )""",
            "SET time_zone = '+05:30'",
            f"""INSERT INTO kinds VALUES (
                -1, {NUMBER}, 18446744073709551615, 1.5, 0.1, true, '2026-03-29', '10:11:12.000001',
                '1969-12-31 23:59:59.999999', '2026-03-29 01:30:00.5', x'00ff', '{{"a": [1, "é"]}}', 1, ~0, 2026,
                'b', 'a,b', 4294967295, ''
            )""",
            "INSERT INTO kinds (id) VALUES (0)",
        )
        types = {
            "id": "int64", "b": "numeric", "c": "numeric", "d": "float64", "e": "float64", "f": "bool", "g": "date",
            "h": "time", "i": "datetime", "j": "timestamp", "k": "bytes", "l": "json", "m": "bool", "n": "numeric",
            "o": "int64", "p": "string", "q": "string", "r": "int64", "s": "string",
        }  # fmt: skip
        project = mariadb.project(tmp_path, f"table: kinds\n{columns_of(types)}", warehouse=warehouse)
        project.published()
        values, nulls = sorted(project.rows(), key=lambda row: row[0])
        assert values == (
            -1, NUMBER, 18446744073709551615, 1.5, 0.1, True, date(2026, 3, 29), time(10, 11, 12, 1),
            datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - it has no zone
            datetime(2026, 3, 28, 20, 0, 0, 500000, UTC), b"\x00\xff", {"a": [1, "é"]}, True,
            18446744073709551615, 2026, "b", "a,b", 4294967295, "",
        )  # fmt: skip
        assert nulls == (0, *[None] * (len(types) - 1))

    @pytest.mark.parametrize(
        ("value", "kind", "said"),
        [
            ("1.0000000001::numeric", "numeric", "has more digits behind the point than `numeric`"),
            ("1.5::numeric(20, 10)", "numeric", "`x` is `numeric(20,10)` (decimal numbers), which does not go into"),
            ("1.5::numeric(30, 20)", "bignumeric", "`x` is `numeric(30,20)` (decimal numbers), which does not go into"),
            ("1e30::numeric", "numeric", "0` in the column `x` of row 1 is no `DECIMAL(38, 9)`"),
            ("now()", "datetime", "`x` is `timestamp with time zone` (moments with a zone)"),
            ("now()::timestamp", "timestamp", "`x` is `timestamp without time zone` (times without a zone), which"),
            ("1.5::float8", "int64", "`x` is `double precision` (floating numbers), which does not go into `int64`"),
            ("array[1]", "array<int64>", "hint: declare `json`, or take them apart in a `query`"),
            ("'{'", "json", "`{` in the column `x` of row 1 is no `JSON`"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_refused(
        self, tmp_path: Path, postgres: Source, warehouse: Warehouse, value: str, kind: str, said: str
    ) -> None:
        text = f'query: "select {value} as x"\ncolumns:\n  x: {kind}\n'
        assert said in postgres.project(tmp_path, text, warehouse=warehouse).refused()

    def test_whole_numbers_without_a_sign(self, tmp_path: Path, mariadb: Source, warehouse: Warehouse) -> None:
        text = 'query: "select 9223372036854775808 as x"\ncolumns:\n  x: int64\n'
        refused = mariadb.project(tmp_path, text, warehouse=warehouse).refused()
        assert "`9223372036854775808` in the column `x` of row 1 is no `BIGINT`" in refused

    def test_new_rows_by_a_moment(self, tmp_path: Path, source: Source, warehouse: Warehouse) -> None:
        kind = "timestamptz" if source.is_postgres else "timestamp(6)"
        source.send(
            f"CREATE TABLE orders (at {kind}, total decimal(12, 4))",
            "INSERT INTO orders VALUES ('2026-03-29 01:30:00.000001', 1.2345), ('2026-03-29 01:30:00.000002', NULL)",
        )
        text = "table: orders\nstrategy: incremental\nkey: at\ncolumns:\n  at: timestamp\n  total: numeric\n"
        project = source.project(tmp_path, text, warehouse=warehouse)
        assert project.published().rows == 2
        source.send("INSERT INTO orders VALUES ('2026-03-29 01:30:00.000003', 3)")
        assert project.published().rows == 1
        assert project.rows("total") == [(Decimal("1.2345"),), (Decimal(3),), (None,)]
        assert project.unchanged().statement is None
