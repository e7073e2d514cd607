"""A service, and a server in place of Slack."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest

from sqlmat_assets_tests.components.automation.service import Service
from sqlmat_assets_tests.connectors.slack_double import SlackDouble, slack_double


@pytest.fixture
def service(tmp_path: Path, instance: dg.DagsterInstance) -> Service:
    return Service(tmp_path, instance)


@pytest.fixture
def slack() -> Generator[SlackDouble]:
    with slack_double() as double:
        yield double
