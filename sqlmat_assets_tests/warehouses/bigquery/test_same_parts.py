"""BigQuery: parts of tables that come out as they are published."""

from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.same_parts_contract import SamePartsContract


class TestBigQuery(OnBigQuery, SamePartsContract):
    pass
