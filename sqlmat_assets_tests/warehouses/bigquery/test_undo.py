"""BigQuery: versions of tables."""

from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.undo_contract import UndoContract


class TestBigQuery(OnBigQuery, UndoContract):
    pass
