"""A person opens the Dagster UI of a project, and clicks."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
IS_REQUIRED = os.environ.get("SQLMAT_REQUIRE_BROWSER") == "1"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None and not IS_REQUIRED, reason="no Chromium on this machine"),
]

FILES = {
    "first/cities_raw.csv": "city,country\nParis,France\nOttawa,Canada\n",
    "first/cities - 24h.sql": (
        "-- Every capital.\nselect\n    city, -- its name\n    country -- where it is\nfrom first.cities_raw\n"
    ),
    "first/cities_test.sql": "select city = 'Paris' as capital_of_france from first.cities where country = 'France';\n",
    "first/countries - 7d.sql": "select country, count(*) as cities from first.cities group by country\n",
    "taxi/trips.sql": (
        "-- partition_by: month(day) from 2019-01 to 2019-12\n-- schedule: 0 9 1 * *\n-- tags: taxi=yellow\n"
        "select date '2019-01-05' + interval (n * 10) day as day, n from range(0, 100) as t(n)\n"
    ),
    "taxi/trips_test.sql": "select n >= 0 as counted from taxi.trips;\n",
    "second/broken - 1h.sql": "select city\nfrom first.cities\nwhere (country = 'France'\n",
}


@dataclass(frozen=True, slots=True)
class Service:
    """A running `sqlmat dev`."""

    url: str
    folder: Path

    def fetch(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(self.folder / "sqlmat.duckdb", read_only=True) as connection:
            return connection.execute(query).fetchall()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        path = folder / "sql" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    port = _free_port()
    command = [Path(sys.executable).with_name("sqlmat"), "dev", folder / "sql", "--paused", "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SQLMAT_", "DAGSTER_"))}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert any(line.startswith("ready: ") for line in process.stdout), "sqlmat dev ended before it was ready"
            yield Service(f"http://127.0.0.1:{port}", folder)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM is not None, "SQLMAT_REQUIRE_BROWSER=1 and no Chromium"
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1500, "height": 950})
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield page
    page.close()


def materialize(page: Page, service: Service, table: str) -> None:
    """Click "Materialize" on a table's page."""
    page.goto(f"{service.url}/assets/{table}")
    page.get_by_role("button", name="Materialize").first.click()
    expect(page.get_by_text("Launched run")).to_be_visible()


def expect_runs(page: Page, service: Service, *, success: int, failure: int) -> None:
    """Wait until the page of runs shows so many of each."""
    page.goto(f"{service.url}/runs")
    expect(page.get_by_text("Success", exact=True)).to_have_count(success)
    expect(page.get_by_text("Failure", exact=True)).to_have_count(failure)


def expect_check(page: Page, service: Service, outcome: str) -> None:
    page.goto(f"{service.url}/assets/first/cities?view=checks")
    expect(page.get_by_text("capital_of_france").first).to_be_visible()
    expect(page.get_by_text(outcome, exact=True).first).to_be_visible()


def test_a_click_builds_a_table_and_a_failing_check_keeps_it(page: Page, service: Service) -> None:
    materialize(page, service, "first/cities_raw")
    expect_runs(page, service, success=1, failure=0)
    materialize(page, service, "first/cities")
    expect_runs(page, service, success=2, failure=0)
    page.goto(f"{service.url}/assets/first/cities")
    expect(page.get_by_text(re.compile(r"(second|minute)s? ago")).first).to_be_visible()
    expect_check(page, service, "Passed")
    before = service.fetch("from first.cities order by city")
    assert before == [("Ottawa", "Canada"), ("Paris", "France")]

    (service.folder / "sql/first/cities_raw.csv").write_text("city,country\nLyon,France\nOttawa,Canada\n")
    materialize(page, service, "first/cities_raw")
    expect_runs(page, service, success=3, failure=0)
    materialize(page, service, "first/cities")
    expect_runs(page, service, success=3, failure=1)
    expect_check(page, service, "Failed")
    assert service.fetch("from first.cities order by city") == before

    # The same check, alone, looks at the published table: the old rows, which are good.
    page.get_by_role("button", name="Execute all").click()
    expect(page.get_by_text("Launched run")).to_be_visible()
    expect_runs(page, service, success=4, failure=1)
    expect_check(page, service, "Passed")


def test_a_broken_file_is_shown_and_explained(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/assets/second/broken")
    expect(page.get_by_text("second/broken - 1h.sql:").first).to_be_visible()
    page.goto(f"{service.url}/assets/first/countries")
    expect(page.get_by_role("button", name="Materialize").first).to_be_enabled()


def backfill(page: Page, service: Service, table: str) -> None:
    """Click "Materialize" on the page of a table with partitions, and choose all of them."""
    page.goto(f"{service.url}/assets/{table}")
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_text("Backfills all partitions in a single run.")).to_be_visible()
    page.get_by_role("button", name="Launch backfill").click()
    expect(page.get_by_text("Created backfill")).to_be_visible()


def test_a_year_is_filled_in_one_run_and_filling_it_again_changes_nothing(page: Page, service: Service) -> None:
    kept: list[list[tuple[object, ...]]] = []
    for _ in range(2):
        backfill(page, service, "taxi/trips")
        page.get_by_text("View", exact=True).click()
        # The head of a column, and the state of the backfill.
        expect(page.get_by_text("Succeeded", exact=True)).to_have_count(2, timeout=180_000)
        expect(page.get_by_text("100% completed")).to_be_visible()
        kept.append(service.fetch("from taxi.trips order by all"))
    assert kept[0] == kept[1]
    assert [len(kept[0]), kept[0][0][1], kept[0][-1][1]] == [37, 0, 36]

    page.goto(f"{service.url}/assets/taxi/trips?view=partitions")
    expect(page.get_by_text("Materialized (12)")).to_be_visible()
    page.get_by_text("2019-02-01", exact=True).first.click()
    expect(page.get_by_text("dagster/partition_row_count")).to_be_visible()
    page.goto(f"{service.url}/assets/taxi/trips?view=checks")
    expect(page.get_by_text("Passed", exact=True).first).to_be_visible()
