"""Redshift: snapshots of tables."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift
from sqlmat_assets_tests.warehouses.snapshots_contract import SnapshotsContract


class TestRedshift(OnRedshift, SnapshotsContract):
    pass
