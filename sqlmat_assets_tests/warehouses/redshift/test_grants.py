"""Redshift, by its double: who may read a table."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.redshift.clients import ask, with_psycopg2
from sqlmat_assets_tests.redshift.cluster import DATABASE, USER, RedshiftDouble, create_user
from sqlmat_assets_tests.warehouses.grants_contract import PEOPLE, GrantsContract, granted
from sqlmat_assets_tests.warehouses.parts import build, publish
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift

SECRET = "Secret-2"


class TestRedshift(OnRedshift, GrantsContract):
    owner = USER
    rights_of_the_owner = (
        "SELECT count(*) = 1 FROM svv_relation_privileges WHERE namespace_name = 'first' AND relation_name = 'cities' "
        f"AND identity_name = '{USER}' AND privilege_type = 'SELECT'"
    )

    @pytest.fixture(autouse=True)
    def people(self, cluster: RedshiftDouble, client: Any) -> Generator[None]:
        """Roles of the whole server, which outlives the cluster of a test."""
        self.cluster, self.client = cluster, client
        for name in PEOPLE:
            create_user(cluster, name, SECRET)
        for text in ("create group analysts", "alter group analysts add user ann", "create role reading"):
            cluster.admin(DATABASE, text)
        yield
        cluster.disconnect()
        everybody = ", ".join(f'"{name}"' for name in (*PEOPLE, "analysts", "reading"))
        for text in (f"drop owned by {everybody} cascade", f"drop role {everybody}"):
            cluster.admin(DATABASE, text)

    def can_read(self, person: str, relation: str) -> bool:
        with closing(with_psycopg2(self.cluster, user=person, password=SECRET)) as connection:
            try:
                ask(connection, f"select * from {relation} limit 0")
            except psycopg2.errors.InsufficientPrivilege:
                return False
            return True

    def by_hand(self, text: str) -> None:
        ask(self.client, text)

    def test_users_groups_and_roles_are_named_as_such(self, warehouse: Warehouse) -> None:
        """As in https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html."""
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        publish(recorder, granted("JOAN", "group analysts", "role reading", "public"), "r1")
        build(recorder, granted(), "r2")
        whom = '"joan", GROUP "analysts", ROLE "reading", PUBLIC'
        assert [text for text in sent if text.startswith(("GRANT", "REVOKE"))] == [
            f'GRANT USAGE ON SCHEMA "first" TO {whom}',
            f'GRANT SELECT ON "first"."cities" TO {whom}',
            f'REVOKE SELECT ON "first"."cities" FROM {whom}',
        ]
