"""PostgreSQL: versions of tables."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres
from sqlmat_assets_tests.warehouses.undo_contract import UndoContract


class TestPostgres(OnPostgres, UndoContract):
    pass
