"""A project to deliver, and servers in place of those that it is delivered to."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets_tests.connectors.servers import gcs_bucket, gcs_server, key_file, s3_bucket
from sqlmat_assets_tests.execution.deliveries.sending import Sending
from sqlmat_assets_tests.keeping_open import keep_open
from sqlmat_assets_tests.redshift.fixtures import bucket, s3_server

__all__ = ["bucket", "gcs_bucket", "gcs_server", "keep_open", "key_file", "s3_bucket", "s3_server"]


@pytest.fixture
def sending(tmp_path: Path) -> Sending:
    return Sending(tmp_path)
