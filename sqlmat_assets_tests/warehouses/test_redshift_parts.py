"""Redshift: tables that are built in parts."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.on_redshift import OnRedshift
from sqlmat_assets_tests.warehouses.parts_contract import PartsContract


class TestRedshift(OnRedshift, PartsContract):
    pass
