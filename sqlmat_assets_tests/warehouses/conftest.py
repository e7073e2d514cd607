from sqlmat_assets_tests.bigquery.fixtures import bigquery, bigquery_url, shared_bigquery, storage, storage_server
from sqlmat_assets_tests.connectors.sources import mariadb, postgres, source
from sqlmat_assets_tests.keeping_open import keep_open
from sqlmat_assets_tests.redshift.fixtures import (
    bucket,
    client,
    cluster,
    redshift_server,
    s3_server,
    shared_cluster,
    shared_snapshot_cluster,
    snapshot_cluster,
)

__all__ = [
    "bigquery",
    "bigquery_url",
    "bucket",
    "client",
    "cluster",
    "keep_open",
    "mariadb",
    "postgres",
    "redshift_server",
    "s3_server",
    "shared_bigquery",
    "shared_cluster",
    "shared_snapshot_cluster",
    "snapshot_cluster",
    "source",
    "storage",
    "storage_server",
]
