"""Waiting for a table, by what each of those who can be asked says: an instance, a web server, the warehouse."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import dagster as dg
import pytest

from sqlmat_assets.client import Client, WaitTimeoutError, connect, table
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.home import open_instance
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, load_folder
from sqlmat_assets.errors import TransientConnectorError, UsageError
from sqlmat_assets_tests.client.conftest import Place
from sqlmat_assets_tests.components.running import execute
from sqlmat_assets_tests.fixture_servers import Answering, serving

WAITS = re.compile(r"first\.cities: waiting, built last at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC")
HERE = re.compile(r"first\.cities: built, decided at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC")
QUICK = 0.01


class Told(list[str]):
    """What is said while somebody waits; what is to happen meanwhile does so at the first word."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    def __call__(self, text: str) -> None:
        self.append(text)
        if len(self) == 1:
            self._meanwhile()


def run_of_dagster(place: Place) -> bool:
    """A run as the daemon has it done, in the instance that a web server reads."""
    definitions = dg.Definitions.merge(
        build_definitions(
            load_folder(place.project), warehouse=WarehouseResource(url=f"duckdb:///{place.folder / 'sqlmat.duckdb'}")
        ),
        dg.Definitions(executor=thread_executor),
    )
    with open_instance(place.home) as instance:
        return execute(definitions, instance, assets=["first/cities"]).success


def break_cities(place: Place) -> Path:
    check = place.project / "first" / "cities_test.sql"
    check.write_text("select city = 'Rome' as is_rome from first.cities;\n")
    return check


class WaitsContract:
    """What holds whoever is asked."""

    def client(self, place: Place, tell: Callable[[str], None]) -> Client:
        raise NotImplementedError

    def test_a_table_that_is_fresh_is_there_at_once(self, place: Place) -> None:
        told: list[str] = []
        cities = self.client(place, told.append).table("first.cities")
        assert cities.wait(fresh=True, timeout=0) is cities
        assert (cities.is_fresh, told) == (True, [])

    def test_the_next_build_is_waited_for(self, place: Place) -> None:
        told = Told(lambda: place.build("-s", "first.cities"))
        cities = self.client(place, told).table("first.cities")
        before = cities.built_at
        cities.wait(poll=QUICK)
        after = cities.built_at
        assert before is not None
        assert after is not None
        assert after > before
        waits, here = told
        assert WAITS.fullmatch(waits)
        assert HERE.fullmatch(here)

    def test_a_build_that_does_not_come(self, place: Place) -> None:
        cities = self.client(place, lambda _: None).table("first.cities")
        with pytest.raises(WaitTimeoutError) as caught:
            cities.wait(timeout=timedelta(seconds=0.05), poll=QUICK)
        assert isinstance(caught.value, TimeoutError)
        assert re.fullmatch(
            r"`first\.cities` was not built within 0s; it was built last at 20\d\d-\S+ \S+ UTC", str(caught.value)
        )

    def test_a_table_that_nobody_builds_is_not_waited_for(self, place: Place) -> None:
        with pytest.raises(UsageError) as caught:
            self.client(place, lambda _: None).table("first.citties").wait()
        assert str(caught.value) == "nobody builds `first.citties`\n  hint: did you mean `first.cities`?"


class TestAnInstance(WaitsContract):
    def client(self, place: Place, tell: Callable[[str], None]) -> Client:
        return place.connect(tell)

    def test_why_it_failed_is_told(self, place: Place) -> None:
        break_cities(place)
        assert place.build("-s", "first.cities") == 1
        told: list[str] = []
        with pytest.raises(WaitTimeoutError) as caught:
            place.connect(told.append).table("first.cities").wait(timeout=0)
        assert told == ["first.cities: failed once, waiting for the next attempt"]
        first, failed, reason, *_ = str(caught.value).splitlines()
        assert first.startswith("`first.cities` was not built within 0s; it was built last at ")
        assert (failed, reason) == ("its last attempt failed:", "1 check of `first.cities` failed")


class TestTheWarehouse(WaitsContract):
    def client(self, place: Place, tell: Callable[[str], None]) -> Client:
        (place.home / "dagster.yaml").unlink()
        return place.connect(tell)

    def test_the_next_build_is_waited_for(self, place: Place) -> None:
        told = Told(lambda: place.build("-s", "first.cities", "--no-record"))
        self.client(place, told).table("first.cities").wait(poll=QUICK)
        assert HERE.fullmatch(told[-1])


@pytest.mark.slow
class TestAWebServer(WaitsContract):
    @pytest.fixture
    def place(self, served: tuple[Place, str]) -> Place:
        place, self.url = served
        (place.project / "first" / "cities_test.sql").unlink(missing_ok=True)
        return place

    def client(self, place: Place, tell: Callable[[str], None]) -> Client:
        return place.connect(tell, self.url)

    def test_a_run_is_waited_for(self, place: Place) -> None:
        told = Told(lambda: run_of_dagster(place))
        self.client(place, told).table("first.cities").wait(poll=QUICK)
        assert HERE.fullmatch(told[-1])

    def test_why_it_failed_is_told_until_it_is_built(self, place: Place) -> None:
        check = break_cities(place)
        assert not run_of_dagster(place)
        told: list[str] = []
        with pytest.raises(WaitTimeoutError) as caught:
            self.client(place, told.append).table("first.cities").wait(timeout=0)
        _, failed, reason, *_ = str(caught.value).splitlines()
        assert (failed, reason) == ("its last attempt failed:", "1 check of `first.cities` failed")
        assert told == ["first.cities: failed once, waiting for the next attempt"]
        check.unlink()
        assert place.build("-s", "first.cities") == 0
        with pytest.raises(WaitTimeoutError) as caught:
            self.client(place, told.append).table("first.cities").wait(timeout=0)
        assert "failed" not in str(caught.value)

    def test_columns_are_described_without_the_project(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        client = connect(warehouse=f"duckdb:///{place.folder / 'sqlmat.duckdb'}", dagster=self.url)
        assert [column.description for column in client.table("first.cities").schema()] == ["its name", "where it is"]
        assert client.table("first.cities").is_fresh

    def test_a_server_that_is_started_again_is_waited_for(self, place: Place) -> None:
        class Restarting(Answering):
            behind: ClassVar[str] = self.url
            answers: ClassVar[int] = 0

            def respond(self) -> None:
                body = self.read_body()
                type(self).answers += 1
                if type(self).answers in (2, 3):
                    self.answer(502, {})
                    return
                ask = urllib.request.Request(f"{self.behind}/graphql", body, {"Content-Type": "application/json"})
                with urllib.request.urlopen(ask, timeout=30) as answer:
                    self.answer(200, json.load(answer))

        told = Told(lambda: place.build("-s", "first.cities"))
        with serving(Restarting) as url:
            place.connect(told, url).table("first.cities").wait(poll=QUICK)
        _, lost, here = told
        assert lost == f"first.cities: waiting, Dagster at {url} cannot be reached: it answers 502"
        assert HERE.fullmatch(here)


def test_a_server_that_is_not_there(place: Place) -> None:
    with pytest.raises(TransientConnectorError) as caught:
        place.connect(dagster="http://joan:not-to-be-seen@127.0.0.1:9/").table("first.cities").wait()
    assert str(caught.value).startswith("Dagster at http://127.0.0.1:9/ cannot be reached: ")
    assert "not-to-be-seen" not in str(caught.value)


def test_something_else_that_answers(place: Place) -> None:
    class Other(Answering):
        def respond(self) -> None:
            self.read_body()
            self.answer(404, b"<html>")

    with serving(Other) as url, pytest.raises(Exception, match="as Dagster does") as caught:
        place.connect(dagster=url).table("first.cities").wait()
    assert str(caught.value) == f"Dagster at {url} refuses: it answers 404, and not as Dagster does"


def test_a_notebook_runs_a_loop_of_its_own(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)

    async def cell() -> list[str]:
        return table("first.cities").wait(fresh=True).to_pandas()["city"].tolist()

    assert asyncio.run(cell()) == ["Paris", "Ottawa"]


def test_progress_goes_to_standard_error(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    for progress in (True, False):
        with pytest.raises(WaitTimeoutError):
            place.connect(progress).table("first.cities").wait(timeout=0.05, poll=QUICK)
        said = capsys.readouterr()
        assert said.out == ""
        assert bool(WAITS.fullmatch(said.err.rstrip("\n"))) is progress
