"""BigQuery: tables that are built in an environment."""

from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.environments_contract import EnvironmentsContract


class TestBigQuery(OnBigQuery, EnvironmentsContract):
    pass
