"""BigQuery: tables that are built in an environment."""

from sqlmat_assets_tests.warehouses.environments_contract import EnvironmentsContract
from sqlmat_assets_tests.warehouses.on_bigquery import OnBigQuery


class TestBigQuery(OnBigQuery, EnvironmentsContract):
    pass
