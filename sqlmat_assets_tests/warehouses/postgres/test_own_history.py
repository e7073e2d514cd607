"""PostgreSQL: tables that read their own history."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.own_history_contract import OwnHistoryContract
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres


class TestPostgres(OnPostgres, OwnHistoryContract):
    pass
