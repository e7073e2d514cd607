"""Redshift: tables that are loaded from databases."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.database_loads_contract import DatabaseLoadsContract
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift


class TestRedshift(OnRedshift, DatabaseLoadsContract):
    pass
