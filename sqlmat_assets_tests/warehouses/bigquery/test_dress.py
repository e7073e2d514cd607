"""BigQuery: what a table has beside its rows stays when it is replaced, and who may read it."""

from __future__ import annotations

from typing import Any

import pytest

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.execution.events import Discarded
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.bigquery.catalog import Table
from sqlmat_assets_tests.bigquery.fixtures import PROJECT
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.bigquery.wire import ApiError
from sqlmat_assets_tests.tables import a_table
from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.parts import build, publish, rows

TAG = {"names": ["projects/a-project/locations/eu/taxonomies/1/policyTags/2"]}
POLICY = (
    "CREATE ROW ACCESS POLICY of_france ON first.cities GRANT TO ('user:joan@example.com', 'group:all@example.com') "
    "FILTER USING (country = 'FR')"
)
BINDINGS = [{"role": "roles/bigquery.dataViewer", "members": ["user:joan@example.com"]}]


LATER = "9999999999999"


def cities(version: int, **settings: object) -> Any:
    return a_table(f"SELECT {version} AS version, 'FR' AS country, DATE '2019-01-01' AS day", settings=settings)


def dressed(bigquery: BigQueryDouble, warehouse: Warehouse) -> Table:
    """A table as people have made it theirs."""
    publish(warehouse, cities(1, labels=(("team", "data"),)), "r1")
    with warehouse.open_session() as session:
        session.execute(verbatim(POLICY))
    table = bigquery.catalog.table(PROJECT, "first", "cities")
    table.fields[1] |= {"policyTags": TAG, "description": "where it is"}
    table.options |= {
        "description": "by hand",
        "labels": {"team": "data", "tier": "gold"},
        "expirationTime": LATER,
    }
    table.bindings = list(BINDINGS)
    return table


class TestDress(OnBigQuery):
    @pytest.mark.parametrize("settings", [{}, {"cluster_by": ("country",)}], ids=["a copy", "a renaming"])
    def test_it_stays(self, warehouse: Warehouse, bigquery: BigQueryDouble, settings: dict[str, object]) -> None:
        dressed(bigquery, warehouse)
        publish(warehouse, cities(2, labels=(("team", "core"),), **settings), "r2")
        assert rows(warehouse, "SELECT version FROM first.cities") == [(2,)]
        found = bigquery.catalog.table(PROJECT, "first", "cities")
        assert (found.fields[1]["policyTags"], found.fields[1]["description"]) == (TAG, "where it is")
        told = {key: found.options.get(key) for key in ("description", "labels", "expirationTime")}
        assert told == {
            "description": "by hand",
            "labels": {"team": "core", "tier": "gold"},
            "expirationTime": LATER,
        }
        assert found.policies == [
            {
                "name": "of_france",
                "filter": "country = 'FR'",
                "grantees": ["user:joan@example.com", "group:all@example.com"],
            }
        ]
        assert found.bindings == BINDINGS
        assert ("clustering" in found.options) == bool(settings)

    def test_where_it_cannot_be_put_on_nothing_is_replaced(
        self, warehouse: Warehouse, bigquery: BigQueryDouble
    ) -> None:
        dressed(bigquery, warehouse)
        refused = ApiError("accessDenied", "Access Denied: no right to make policies")
        bigquery.jobs.refusals.append((lambda job: "CREATE OR REPLACE ROW ACCESS" in job.query, refused))
        last = build(warehouse, cities(2), "r2")
        assert isinstance(last, Discarded)
        assert isinstance(last.error, MaterializeError)
        assert "Access Denied: no right to make policies" in str(last.error)
        assert "`first.cities` still holds its previous rows" in str(last.error)
        found = bigquery.catalog.table(PROJECT, "first", "cities")
        assert rows(warehouse, "SELECT version FROM first.cities") == [(1,)]
        assert (len(found.policies), found.fields[1]["policyTags"], found.bindings) == (1, TAG, BINDINGS)
