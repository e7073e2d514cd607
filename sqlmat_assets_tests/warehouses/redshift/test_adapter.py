"""Redshift: the contract, and what is special about a cluster."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.warehouses.contract import WarehouseContract
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift


class TestRedshift(OnRedshift, WarehouseContract):
    endless_query = "SELECT count(*) FROM pg_attribute a, pg_attribute b, pg_attribute c, pg_attribute d"

    def fetch_comments(self, session: Session, relation: Relation) -> tuple[str | None, dict[str, str | None]]:
        name = exp.Literal.string(f"{relation.schema}.{relation.name}").sql("redshift")
        of_table = session.fetch_rows(verbatim(f"SELECT obj_description({name}::regclass, 'pg_class')")).rows[0][0]
        columns = "SELECT attname::text, col_description(attrelid, attnum) FROM pg_attribute WHERE attnum > 0"
        return of_table, dict(session.fetch_rows(verbatim(f"{columns} AND attrelid = {name}::regclass")).rows)
