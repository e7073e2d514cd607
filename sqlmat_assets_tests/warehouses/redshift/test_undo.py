"""Redshift: versions of tables."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift
from sqlmat_assets_tests.warehouses.undo_contract import UndoContract


class TestRedshift(OnRedshift, UndoContract):
    pass
