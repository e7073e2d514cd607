"""The fixtures of the double, for its own tests."""

from sqlmat_assets_tests.redshift.fixtures import bucket, cluster, redshift_server, s3_server, shared_cluster

__all__ = ["bucket", "cluster", "redshift_server", "s3_server", "shared_cluster"]
