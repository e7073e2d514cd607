from sqlmat_assets_tests.connectors.fixtures import gcs_bucket, gcs_server, s3_bucket, web
from sqlmat_assets_tests.connectors.sources import mariadb, postgres
from sqlmat_assets_tests.redshift.fixtures import s3_server

__all__ = ["gcs_bucket", "gcs_server", "mariadb", "postgres", "s3_bucket", "s3_server", "web"]
