"""BigQuery: views."""

from sqlmat_assets_tests.warehouses.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.views_contract import ViewsContract


class TestBigQuery(OnBigQuery, ViewsContract):
    pass
