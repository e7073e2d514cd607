"""BigQuery: tables that are built in parts."""

from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.parts_contract import PartsContract


class TestBigQuery(OnBigQuery, PartsContract):
    pass
