"""Redshift: parts of tables that come out as they are published."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift
from sqlmat_assets_tests.warehouses.same_parts_contract import SamePartsContract


class TestRedshift(OnRedshift, SamePartsContract):
    fingerprinting = "STRTOL"
