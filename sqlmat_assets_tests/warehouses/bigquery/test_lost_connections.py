"""BigQuery: a connection that is lost at any request of a build, and a repeat that does nothing twice."""

from __future__ import annotations

from collections import Counter

import pytest

from sqlmat_assets.execution.events import Event, Published
from sqlmat_assets.project.model import Model
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets_tests.bigquery.fixtures import PROJECT
from sqlmat_assets_tests.bigquery.server import BigQueryDouble
from sqlmat_assets_tests.tables import a_check, a_table
from sqlmat_assets_tests.warehouses.parts import build, rows

HOLDS = a_check("SELECT max(version) = min(version) AS whole FROM first.cities", "whole")
# The first request finds out whether anybody has left anything; before it, nothing of a build has begun.
FIRST = 2


def cities(version: int) -> Model:
    return a_table(f"SELECT {version} AS version, id FROM UNNEST([1, 2, 3]) AS id", HOLDS)


def opened(bigquery: BigQueryDouble, seconds: int) -> Warehouse:
    """The warehouse, in which an answer is waited for so long."""
    return open_warehouse(f"bigquery://{PROJECT}?location=EU&wait={seconds}&endpoint={bigquery.url}")


def jobs_of(bigquery: BigQueryDouble, before: int) -> Counter[str]:
    """How often each job was run, by its query, or by what else it does; no two runs are told apart in it."""
    return Counter(job.query or job.kind for job in bigquery.jobs.all()[before:] if job.error is None)


def republish(bigquery: BigQueryDouble, warehouse: Warehouse, cut: int, *, after: bool) -> tuple[Event, Counter[str]]:
    """Publish one more version, losing the connection at a request, before it is heard or after it was done."""
    before = len(bigquery.jobs.all())
    bigquery.faults.count_anew()
    bigquery.faults.drop_at(cut, after=after)
    last = build(warehouse, cities(cut), f"r{cut}")
    jobs = jobs_of(bigquery, before)
    assert rows(warehouse, "SELECT version, count(*) FROM first.cities GROUP BY 1") == [(cut, 3)], (cut, last)
    assert rows(warehouse, "SELECT run, count(*) FROM _sqlmat.tables GROUP BY 1") == [(f"r{cut}", 1)], (cut, last)
    # A table that nobody reads may stay until the process is gone.
    names = [table.name for table in bigquery.catalog.tables(PROJECT, "first")]
    assert [name for name in names if "__sqlmat_" not in name] == ["cities"], cut
    return last, jobs


def count_requests(bigquery: BigQueryDouble, warehouse: Warehouse) -> int:
    """Those of a build that has another one before it."""
    for version in (0, 1):
        bigquery.faults.count_anew()
        assert isinstance(build(warehouse, cities(version), f"r{version}"), Published)
    return len(bigquery.faults.requests)


def test_a_connection_that_comes_back_while_it_is_waited_for(bigquery: BigQueryDouble) -> None:
    """Not a single query is run twice, not even those about the records."""
    warehouse = opened(bigquery, 5)
    with warehouse.open_session():
        for cut in range(1, count_requests(bigquery, warehouse) + 1):
            last, jobs = republish(bigquery, warehouse, cut, after=True)
            assert isinstance(last, Published), (cut, last)
            assert {text for text, count in jobs.items() if count > 1} == set(), cut


@pytest.mark.parametrize(("after", "every"), [(True, 1), (False, 3)], ids=["after it was done", "before it is heard"])
def test_a_connection_that_is_given_up_and_tried_again(bigquery: BigQueryDouble, every: int, *, after: bool) -> None:
    """The same where the request has failed and the build repeats what it is a part of: records are read again."""
    warehouse = opened(bigquery, 0)
    with warehouse.open_session():
        for cut in range(FIRST, count_requests(bigquery, warehouse) + 1, every):
            last, jobs = republish(bigquery, warehouse, cut, after=after)
            assert isinstance(last, Published), (cut, last)
            twice = {text for text, count in jobs.items() if count > 1}
            assert all("_sqlmat" in text or "INFORMATION_SCHEMA" in text for text in twice), (cut, twice)
