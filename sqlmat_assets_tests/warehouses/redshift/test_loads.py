"""Redshift: tables that are loaded from files."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.loads_contract import LoadsContract
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift


class TestRedshift(OnRedshift, LoadsContract):
    pass
