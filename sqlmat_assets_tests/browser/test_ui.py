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

ROOT = Path(__file__).resolve().parents[2]
SENSORS = """
{ sensorsOrError(repositorySelector: {repositoryLocationName: "sqlmat", repositoryName: "__repository__"}) {
    ... on Sensors { results { name sensorState { status ticks { id } } } } } }
"""
TAXI = ("yellow_files", "green_files", "yellow_tripdata", "green_tripdata", "monthly_trips")
FILES = {
    "first/cities_raw.csv": "city,country\nParis,France\nOttawa,Canada\n",
    "first/cities - 24h.sql": (
        "-- Every capital.\nselect\n    city, -- its name\n    country -- where it is\nfrom first.cities_raw\n"
    ),
    "first/cities_test.sql": "select city = 'Paris' as capital_of_france from first.cities where country = 'France';\n",
    "first/countries - 7d.sql": "select country, count(*) as cities from first.cities group by country\n",
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
    # The trips of the example project, as they are.
    shutil.copytree(ROOT / "sql" / "taxi", folder / "sql" / "taxi")
    shutil.copy(ROOT / "sql" / "taxi.conf", folder / "sql")
    shutil.copytree(ROOT / "data" / "taxi", folder / "data" / "taxi")
    port = _free_port()
    command = [Path(sys.executable).with_name("sqlmat"), "dev", folder / "sql", "--paused", "--port", str(port)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SQLMAT_", "DAGSTER_"))}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert any(line.startswith("ready: ") for line in process.stdout), "sqlmat dev ended before it was ready"
            assert process.stdout.readline().startswith("nothing is built by itself until `sqlmat_freshness`")
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


def test_nothing_is_built_by_itself_while_it_is_paused(page: Page, service: Service) -> None:
    asked = page.request.post(f"{service.url}/graphql", data={"query": SENSORS}).json()
    (sensor,) = asked["data"]["sensorsOrError"]["results"]
    assert sensor == {"name": "sqlmat_freshness", "sensorState": {"status": "STOPPED", "ticks": []}}


def test_a_broken_file_is_shown_and_explained(page: Page, service: Service) -> None:
    page.goto(f"{service.url}/assets/second/broken")
    expect(page.get_by_text("second/broken - 1h.sql:").first).to_be_visible()
    page.goto(f"{service.url}/assets/first/countries")
    expect(page.get_by_role("button", name="Materialize").first).to_be_enabled()


def choose(page: Page, partitions: str) -> None:
    """Write partitions into the dialogue that "Materialize" opens."""
    box = page.get_by_placeholder("ex: 2019-01-01")
    box.fill(partitions)
    box.press("Tab")


def backfill_taxi(page: Page, service: Service, partitions: str) -> None:
    """Click "Materialize all" on the page of the group, choose partitions, and wait until all of it is done."""
    page.goto(f"{service.url}/locations/__repository__@sqlmat/asset-groups/taxi")
    page.get_by_role("button", name="Materialize all").click()
    choose(page, partitions)
    page.get_by_role("button", name="Launch backfill").click()
    expect(page.get_by_text("Created backfill")).to_be_visible()
    page.get_by_text("View", exact=True).click()
    # The head of a column, the state of the backfill, and the table that has no partitions.
    expect(page.get_by_text("Succeeded", exact=True)).to_have_count(3, timeout=180_000)
    expect(page.get_by_text("100% completed")).to_have_count(5)


def fetch_taxi(service: Service) -> dict[str, list[tuple[object, ...]]]:
    return {table: service.fetch(f"from taxi.{table} order by all") for table in TAXI}


def test_a_year_of_trips_is_filled_and_filling_it_again_changes_nothing(page: Page, service: Service) -> None:
    backfill_taxi(page, service, "[2019-01-01...2019-12-01]")
    first = fetch_taxi(service)
    trips = [first[table] for table in ("yellow_tripdata", "green_tripdata")]
    # 47 trips in each file, and one of November that stands in that of October as well.
    assert [(len(rows), len({row[0] for row in rows})) for rows in trips] == [(12 * 47, 12 * 47)] * 2
    assert len(first["monthly_trips"]) == 24
    backfill_taxi(page, service, "[2019-01-01...2019-12-01]")
    assert fetch_taxi(service) == first

    page.goto(f"{service.url}/assets/taxi/yellow_tripdata?view=partitions")
    expect(page.get_by_text("Materialized (12)")).to_be_visible()
    page.get_by_text("2019-02-01", exact=True).first.click()
    expect(page.get_by_text("dagster/partition_row_count")).to_be_visible()
    page.goto(f"{service.url}/assets/taxi/yellow_tripdata?view=checks")
    page.get_by_text("no_trip_lost_or_doubled").first.click()
    expect(page.get_by_text("Passed", exact=True).first).to_be_visible()


def materialize_month(page: Page, service: Service, table: str, month: str) -> None:
    """Click "Materialize" on a table's page, choose a month, and open the run."""
    page.goto(f"{service.url}/assets/{table}")
    page.get_by_role("button", name="Materialize").first.click()
    choose(page, month)
    page.get_by_role("button", name=re.compile("Launch (1 )?run")).click()
    expect(page.get_by_text("Launched run")).to_be_visible()
    page.get_by_text("View", exact=True).click()


def test_a_month_whose_check_fails_keeps_its_rows_and_says_which_it_is(page: Page, service: Service) -> None:
    for table in ("yellow_files", "yellow_tripdata"):
        materialize_month(page, service, f"taxi/{table}", "2019-03-01")
        expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    before = service.fetch("from taxi.yellow_tripdata order by all")
    # Under the name of March comes the file of February.
    files = service.folder / "data" / "taxi"
    shutil.copy(files / "yellow_tripdata_2019-02.csv.gz", files / "yellow_tripdata_2019-03.csv.gz")
    materialize_month(page, service, "taxi/yellow_files", "2019-03-01")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    materialize_month(page, service, "taxi/yellow_tripdata", "2019-03-01")
    expect(page.get_by_text("Failure", exact=True).first).to_be_visible()
    expect(page.get_by_text("`taxi.yellow_tripdata` still holds its previous rows").first).to_be_visible()
    assert service.fetch("from taxi.yellow_tripdata order by all") == before
    page.goto(f"{service.url}/assets/taxi/yellow_tripdata?view=checks")
    page.get_by_text("few_trips_of_other_months").first.click()
    expect(page.get_by_text("is false", exact=True).first).to_be_visible()
    expect(page.get_by_text("2019-03-01", exact=True).first).to_be_visible()
    page.goto(f"{service.url}/assets/taxi/yellow_tripdata?view=partitions")
    expect(page.get_by_text("Failed (1)")).to_be_visible()
