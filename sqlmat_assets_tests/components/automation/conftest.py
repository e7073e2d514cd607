"""A service for each test."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from sqlmat_assets_tests.components.automation.service import Service


@pytest.fixture
def service(tmp_path: Path, instance: dg.DagsterInstance) -> Service:
    return Service(tmp_path, instance)
