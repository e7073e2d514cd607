"""PostgreSQL: tables that are built in an environment."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.environments_contract import EnvironmentsContract
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres


class TestPostgres(OnPostgres, EnvironmentsContract):
    pass
