"""Fixtures: a double a test process; each test gets it empty."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from sqlmat_assets_tests.bigquery.server import BigQueryDouble, bigquery_double

PROJECT = "a-project"


@pytest.fixture(scope="session")
def shared_bigquery() -> Generator[BigQueryDouble]:
    """The double of this test process, which each test gets empty."""
    with bigquery_double() as running:
        yield running


@pytest.fixture
def bigquery(shared_bigquery: BigQueryDouble) -> Generator[BigQueryDouble]:
    """A BigQuery with nothing in it."""
    yield shared_bigquery
    shared_bigquery.reset()


@pytest.fixture
def bigquery_url(bigquery: BigQueryDouble) -> str:
    """The URL of a warehouse there."""
    return f"bigquery://{PROJECT}?location=EU&wait=5&endpoint={bigquery.url}"
