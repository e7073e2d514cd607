"""PostgreSQL: tables that are built in parts."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.on_postgres import OnPostgres
from sqlmat_assets_tests.warehouses.parts_contract import PartsContract


class TestPostgres(OnPostgres, PartsContract):
    pass
