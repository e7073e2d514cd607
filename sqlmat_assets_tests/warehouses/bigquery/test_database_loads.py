"""BigQuery: tables that are loaded from databases."""

from __future__ import annotations

from sqlmat_assets_tests.warehouses.bigquery.on_bigquery import OnBigQuery
from sqlmat_assets_tests.warehouses.database_loads_contract import DatabaseLoadsContract


class TestBigQuery(OnBigQuery, DatabaseLoadsContract):
    pass
