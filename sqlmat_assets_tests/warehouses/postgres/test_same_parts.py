"""PostgreSQL: parts of tables that come out as they are published."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres
from sqlmat_assets_tests.warehouses.same_parts_contract import SamePartsContract


class TestPostgres(OnPostgres, SamePartsContract):
    fingerprinting = "HASHTEXTEXTENDED"
