"""A service for each test."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from sqlmat_assets_tests.components.automation.service import Service
from sqlmat_assets_tests.connectors.fixtures import s3_bucket
from sqlmat_assets_tests.redshift.fixtures import s3_server

__all__ = ["s3_bucket", "s3_server"]


@pytest.fixture
def service(tmp_path: Path, instance: dg.DagsterInstance) -> Service:
    return Service(tmp_path, instance)
