"""Redshift: tables that are built in an environment."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.environments_contract import EnvironmentsContract
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift


class TestRedshift(OnRedshift, EnvironmentsContract):
    pass
