"""Redshift: tables that read their own history."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.on_redshift import OnRedshift
from sqlmat_assets_tests.warehouses.own_history_contract import OwnHistoryContract


class TestRedshift(OnRedshift, OwnHistoryContract):
    pass
