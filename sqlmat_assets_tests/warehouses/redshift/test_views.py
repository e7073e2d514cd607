"""Redshift: views."""

from __future__ import annotations

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.warehouses.parts import rows
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift
from sqlmat_assets_tests.warehouses.views_contract import ViewsContract


class TestRedshift(OnRedshift, ViewsContract):
    def fetch_comments(self, warehouse: Warehouse) -> tuple[object, object]:
        comments = (
            "SELECT obj_description('first.seen'::regclass, 'pg_class'), col_description('first.seen'::regclass, 2)"
        )
        (told,) = rows(warehouse, comments)
        return told[0], told[1]
