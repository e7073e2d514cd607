"""Redshift: the types of rows that come from a database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.connectors.sources import Source
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift

NUMBER = Decimal("1234567890123456789012345678.123456789")


def columns_of(types: dict[str, str]) -> str:
    return "columns:\n" + "".join(f"  {name}: {kind}\n" for name, kind in types.items())


class TestRows(OnRedshift):
    def test_types_of_postgresql(self, tmp_path: Path, postgres: Source, warehouse: Warehouse) -> None:
        postgres.send(
            """CREATE TABLE kinds (
                id smallint, b numeric(38, 9), c numeric, d real, e double precision, f boolean, g date,
                i timestamp, j timestamptz, k bytea, l jsonb, m uuid, n integer[], q bit(3), s text
            )""",
            f"""INSERT INTO kinds VALUES (
                -1, {NUMBER}, 1.12, 1.5, 0.1, true, '2026-03-29', '1969-12-31 23:59:59.999999',
                '2026-03-29 01:30:00.5+05:30', '\\x00ff', '{{"a": [1, "é"]}}',
                '00000000-0000-0000-0000-000000000001', '{{1,2}}', B'101', ''
            )""",
            "INSERT INTO kinds (id) VALUES (0)",
        )
        types = {
            "id": "smallint", "b": "decimal(38, 9)", "c": "decimal(9, 2)", "d": "real", "e": "double precision",
            "f": "boolean", "g": "date", "i": "timestamp", "j": "timestamptz", "k": "varbyte", "l": "super",
            "m": "varchar(36)", "n": "super", "q": "varchar(3)", "s": "varchar(9)",
        }  # fmt: skip
        project = postgres.project(tmp_path, f"table: kinds\n{columns_of(types)}", warehouse=warehouse)
        project.published()
        values, nulls = sorted(project.rows(), key=lambda row: row[0])
        assert values == (
            -1, NUMBER, Decimal("1.12"), 1.5, 0.1, True, date(2026, 3, 29),
            datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - it has no zone
            datetime(2026, 3, 28, 20, 0, 0, 500000, UTC), b"\x00\xff", '{"a": [1, "é"]}',
            "00000000-0000-0000-0000-000000000001", '["1", "2"]', "101", "",
        )  # fmt: skip
        assert nulls == (0, *[None] * (len(types) - 1))

    def test_types_of_mariadb(self, tmp_path: Path, mariadb: Source, warehouse: Warehouse) -> None:
        mariadb.send(
            """CREATE TABLE kinds (
                id tinyint, c bigint unsigned, f bool, i datetime(6), j timestamp(6) NULL, k varbinary(9), l json,
                m bit(1), n bit(64), s text
            )""",
            "SET time_zone = '+05:30'",
            """INSERT INTO kinds VALUES (
                -1, 18446744073709551615, true, '1969-12-31 23:59:59.999999', '2026-03-29 01:30:00.5', x'00ff',
                '{"a": [1, "é"]}', 1, ~0, ''
            )""",
            "INSERT INTO kinds (id) VALUES (0)",
        )
        types = {
            "id": "smallint", "c": "decimal(20)", "f": "boolean", "i": "timestamp", "j": "timestamptz",
            "k": "varbyte", "l": "super", "m": "boolean", "n": "decimal(20)", "s": "varchar(9)",
        }  # fmt: skip
        project = mariadb.project(tmp_path, f"table: kinds\n{columns_of(types)}", warehouse=warehouse)
        project.published()
        values, nulls = sorted(project.rows(), key=lambda row: row[0])
        assert values == (
            -1, 18446744073709551615, True,
            datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - it has no zone
            datetime(2026, 3, 28, 20, 0, 0, 500000, UTC), b"\x00\xff", '{"a": [1, "é"]}', True,
            18446744073709551615, "",
        )  # fmt: skip
        assert nulls == (0, *[None] * (len(types) - 1))

    @pytest.mark.parametrize("kind", ["decimal", "decimal(9)", "bigint"])
    def test_a_decimal_without_digits_behind_the_point(
        self, tmp_path: Path, postgres: Source, warehouse: Warehouse, kind: str
    ) -> None:
        """It would be rounded."""
        text = f'query: "select 1.5::numeric(9, 1) as x"\ncolumns:\n  x: {kind}\n'
        refused = postgres.project(tmp_path, text, warehouse=warehouse).refused()
        assert f"`x` is `numeric(9,1)` (decimal numbers), which does not go into `{kind}`" in refused
