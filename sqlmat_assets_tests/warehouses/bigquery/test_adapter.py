"""BigQuery: the contract."""

from __future__ import annotations

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.bigquery.session import BigQuerySession
from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.contract import WarehouseContract


class TestBigQuery(OnBigQuery, WarehouseContract):
    apostrophe = "'it\\'s'"
    endless_query = (
        "SELECT COUNT(*) FROM UNNEST(GENERATE_ARRAY(1, 100000)) AS a, UNNEST(GENERATE_ARRAY(1, 1000000)) AS b"
    )

    def fetch_comments(self, session: Session, relation: Relation) -> tuple[str | None, dict[str, str | None]]:
        assert isinstance(session, BigQuerySession)
        found = session._link.tables.find_table(relation)  # pyright: ignore[reportPrivateUsage] - descriptions are in no query
        assert found is not None
        return found.get("description"), {each["name"]: each.get("description") for each in found["schema"]["fields"]}
