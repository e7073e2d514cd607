"""PostgreSQL: several runs at the same moment."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.at_once_contract import AtOnceContract
from sqlmat_assets_tests.warehouses.postgres.on_postgres import OnPostgres


class TestPostgres(OnPostgres, AtOnceContract):
    pass
