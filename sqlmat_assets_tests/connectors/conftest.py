"""Servers in place of those that the connectors talk to."""

from sqlmat_assets_tests.connectors.servers import gcs_bucket, gcs_server, key_file, s3_bucket
from sqlmat_assets_tests.redshift.fixtures import bucket, s3_server

__all__ = ["bucket", "gcs_bucket", "gcs_server", "key_file", "s3_bucket", "s3_server"]
