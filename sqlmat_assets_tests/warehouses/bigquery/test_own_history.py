"""BigQuery: tables that read their own history."""

from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.own_history_contract import OwnHistoryContract


class TestBigQuery(OnBigQuery, OwnHistoryContract):
    pass
