"""The fixtures of the double, for its own tests."""

from sqlmat_assets_tests.redshift.fixtures import bucket, client, cluster, redshift_server, s3_server, shared_cluster

__all__ = ["bucket", "client", "cluster", "redshift_server", "s3_server", "shared_cluster"]
