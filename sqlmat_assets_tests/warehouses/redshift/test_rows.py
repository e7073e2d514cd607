"""Redshift: tables that are loaded from a database."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import psycopg

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift


class TestRows(OnRedshift):
    def test_a_table_of_postgresql(self, tmp_path: Path, postgres_url: str, warehouse: Warehouse) -> None:
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE orders AS SELECT 1 AS id, 1.10::numeric(9, 2) AS total, 'é' AS name")
        text = "connection: shop\ntable: orders\ncolumns:\n  id: bigint\n  total: decimal(9, 2)\n  name: varchar(9)\n"
        project = LoadProject(tmp_path, text, warehouse=warehouse, variables={"SQLMAT_CONNECTION_SHOP": postgres_url})
        assert project.published().rows == 1
        assert project.rows() == [(1, Decimal("1.10"), "é")]
