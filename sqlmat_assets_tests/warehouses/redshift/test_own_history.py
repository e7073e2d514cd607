"""Redshift: tables that read their own history."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.own_history_contract import OwnHistoryContract
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift


class TestRedshift(OnRedshift, OwnHistoryContract):
    pass
