"""BigQuery: snapshots of tables."""

from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.snapshots_contract import SnapshotsContract


class TestBigQuery(OnBigQuery, SnapshotsContract):
    pass
