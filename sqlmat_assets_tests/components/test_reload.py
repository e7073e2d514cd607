"""Edited files are found, and the code server is asked once for each edit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, ManagedGrpcPythonEnvCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.server import wait_for_grpc_server

from sqlmat_assets.components import reload
from sqlmat_assets.components.reload import reload_if_edited
from sqlmat_assets.components.sql_project import load_folder
from sqlmat_assets.project.model import Project

LATER = (
    "edited files are loaded here within a minute, and in the UI when it is asked to ({})\n"
    "  hint: start a `dagster code-server start` for both to have them at once"
)

IMPOSSIBLE = (
    "this code server does not load edited files ({})\n"
    "  hint: start it with `dagster code-server start` instead of `dagster api grpc`"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "sql"
    (root / "first").mkdir(parents=True)
    (root / "first/cities - 24h.sql").write_text("select 1 as city\n")
    (root / "first/shops.sql").write_text("select city from first.cities\n")
    return load_folder(root)


@pytest.fixture
def context(instance: dg.DagsterInstance) -> Iterator[dg.SensorEvaluationContext]:
    """That of a sensor whose code server is one that the daemon has started itself."""
    origin = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name="nothing"), "sqlmat")
    with dg.SensorEvaluationContext(
        None, None, None, None, None, None, instance=instance, code_location_origin=origin
    ) as opened:
        yield opened


def test_nothing_is_said_when_nothing_was_edited(project: Project, context: dg.SensorEvaluationContext) -> None:
    assert reload_if_edited(context, project) is None


def test_each_edit_is_told_once(project: Project, context: dg.SensorEvaluationContext) -> None:
    (project.root / "first/cities - 24h.sql").write_text("select 2 as city\n")
    assert reload_if_edited(context, project) == LATER.format("edited: `first/cities - 24h.sql`")
    assert reload_if_edited(context, project) is None
    (project.root / "first/shops.sql").rename(project.root / "first/shops - 1h.sql")
    assert reload_if_edited(context, project) == LATER.format(
        "edited: `first/cities - 24h.sql`; new: `first/shops - 1h.sql`; removed: `first/shops.sql`"
    )
    assert reload_if_edited(context, project) is None


def test_a_touched_file_is_no_edit(project: Project, context: dg.SensorEvaluationContext) -> None:
    (project.root / "first/shops.sql").touch()
    os.utime(project.root / "first/cities - 24h.sql", (1, 1))
    assert reload_if_edited(context, project) is None


def test_what_editors_leave_behind_is_no_edit(project: Project, context: dg.SensorEvaluationContext) -> None:
    for name in (".cities.sql.swp", "cities.sql~", "#cities.sql#", ".#cities.sql", "4913"):
        (project.root / "first" / name).write_text("select 3 as city\n")
    (project.root / ".git").mkdir()
    (project.root / ".git/index.sql").write_text("")
    assert reload_if_edited(context, project) is None


def test_an_edit_while_the_files_are_read_is_seen(
    project: Project, context: dg.SensorEvaluationContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlmat_assets.components import sql_project

    read = sql_project.load_project

    def edit_after_reading(root: Path, **more: str | Path | None) -> Project:
        loaded = read(root, dialect=None, cache_dir=None)
        (root / "first/cities - 24h.sql").write_text("select 20 as city\n")
        return loaded

    monkeypatch.setattr(sql_project, "load_project", edit_after_reading)
    loaded = load_folder(project.root)
    assert reload_if_edited(context, loaded) == LATER.format("edited: `first/cities - 24h.sql`")


def test_a_folder_that_has_gone_keeps_what_is_loaded(project: Project, context: dg.SensorEvaluationContext) -> None:
    aside = project.root.with_name("aside")
    project.root.rename(aside)
    said = reload_if_edited(context, project)
    assert said is not None
    assert said.startswith(f"nothing is built until the project can be read again: `{project.root}`")
    aside.rename(project.root)
    assert reload_if_edited(context, project) is None


def test_files_that_change_all_the_time_cost_one_tick(project: Project, context: dg.SensorEvaluationContext) -> None:
    has_ended = threading.Event()

    def write() -> None:
        text = "select 1 as city\n"
        while not has_ended.wait(0.02):
            text += "-- more\n"
            (project.root / "first/cities - 24h.sql").write_text(text)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while (said := reload_if_edited(context, project)) is None:
            pass
        assert said == "files are being written, so the next tick looks again (edited: `first/cities - 24h.sql`)"
        assert reload_if_edited(context, project) == LATER.format("edited: `first/cities - 24h.sql`")
    finally:
        has_ended.set()
        writer.join()


@pytest.fixture
def socket(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """That of a code server which can be asked to load again, and does not."""
    path = str(tmp_path_factory.mktemp("server") / "socket")  # no longer than a socket's name may be
    environment = {**os.environ, "SQLMAT_PROJECT": str(project.root)}
    arguments = ["api", "grpc", "--socket", path, "-m", "sqlmat_assets.definitions"]
    with subprocess.Popen(
        [sys.executable, "-m", "dagster", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
    ) as server:
        try:
            wait_for_grpc_server(server, DagsterGrpcClient(socket=path), arguments)
            yield path
        finally:
            server.terminate()


@pytest.mark.slow
def test_a_code_server_that_does_not_load_again_is_asked_once(
    project: Project, instance: dg.DagsterInstance, socket: str
) -> None:
    origin = GrpcServerCodeLocationOrigin("localhost", socket=socket, location_name="sqlmat")
    with dg.SensorEvaluationContext(
        None, None, None, None, None, None, instance=instance, code_location_origin=origin
    ) as context:
        (project.root / "first/shops.sql").unlink()
        removed = "removed: `first/shops.sql`"
        said = f"the code server was asked to load the definitions again ({removed})"
        assert reload_if_edited(context, project) == said
        assert reload_if_edited(context, project) == IMPOSSIBLE.format(removed)
        assert reload_if_edited(context, project) is None
        (project.root / "first/towns.sql").write_text("select 1 as town\n")
        assert reload_if_edited(context, project) == IMPOSSIBLE.format(f"new: `first/towns.sql`; {removed}")
        assert reload_if_edited(context, project) is None


def test_a_code_server_that_does_not_answer_is_asked_again_later(
    project: Project, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = GrpcServerCodeLocationOrigin("localhost", socket=str(tmp_path / "nobody"), location_name="sqlmat")
    with dg.SensorEvaluationContext(
        None, None, None, None, None, None, instance=instance, code_location_origin=origin
    ) as context:
        (project.root / "first/shops.sql").unlink()
        said = reload_if_edited(context, project)
        assert said is not None
        assert said.startswith(
            "the code server did not load the definitions again, and is asked again in a minute "
            "(removed: `first/shops.sql`): "
        )
        assert reload_if_edited(context, project) is None
        monkeypatch.setattr(reload, "_SECONDS_BETWEEN_REQUESTS", 0.0)
        assert reload_if_edited(context, project) is None
        assert reload_if_edited(context, project) is not None
