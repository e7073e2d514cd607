"""A small project that is built, and Dagster's web server on it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from sqlmat_assets.cli import run
from sqlmat_assets.client import Client, connect
from sqlmat_assets.components.home import prepare_home, write_workspace
from sqlmat_assets_tests.deploy.service import free_ports, wait_for


@dataclass(frozen=True, slots=True)
class Place:
    """A project that is built, in a folder of its own."""

    folder: Path

    @property
    def project(self) -> Path:
        return self.folder / "sql"

    @property
    def home(self) -> Path:
        return self.folder / ".sqlmat"

    def build(self, *arguments: str) -> int:
        """`sqlmat build` of all, or of what the arguments say."""
        return run(["build", str(self.project), *arguments])

    def connect(self, tell: Callable[[str], None] | bool = False, dagster: str | None = None) -> Client:
        return connect(project=self.project, dagster=dagster, progress=tell)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment says nothing."""
    for name in ("SQLMAT_WAREHOUSE", "SQLMAT_PROJECT", "SQLMAT_UI", "SQLMAT_ENV", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def place(built_example: Path, tmp_path: Path) -> Place:
    """A project that is built."""
    folder = tmp_path / "place"
    shutil.copytree(built_example, folder)
    return Place(folder)


@pytest.fixture(scope="module")
def served(built_example: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Place, str]]:
    """A project that is built, and the URL of the web server that is asked about it."""
    folder = tmp_path_factory.mktemp("served") / "place"
    shutil.copytree(built_example, folder)
    place = Place(folder)
    with _web_server(place) as url:
        yield place, url


@contextmanager
def _web_server(place: Place) -> Generator[str]:
    (port,) = free_ports(1)
    workspace = write_workspace(prepare_home(place.home))
    told = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("SQLMAT_", "DAGSTER_"))},
        "DAGSTER_HOME": str(place.home),
        "SQLMAT_PROJECT": str(place.project),
    }
    command = [str(Path(sys.executable).with_name("dagster-webserver")), "-h", "127.0.0.1", "-p", str(port)]
    log = place.folder / "webserver.log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            [*command, "-w", str(workspace)],
            env=told,
            cwd=place.folder,
            stdout=said,
            stderr=said,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{url}/server_info", timeout=10) as answer:
            return answer.status == 200
        return False

    try:
        wait_for("the web server", answers, log=log.read_text)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
