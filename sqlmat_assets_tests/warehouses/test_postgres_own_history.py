"""PostgreSQL: tables that read their own history."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.on_postgres import OnPostgres
from sqlmat_assets_tests.warehouses.own_history_contract import OwnHistoryContract


class TestPostgres(OnPostgres, OwnHistoryContract):
    pass
