"""Edited files are found, and the code server is asked once for each edit."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from sqlmat_assets.components.reload import reload_if_edited
from sqlmat_assets.components.sql_project import load_folder
from sqlmat_assets.project.model import Project

LATER = (
    "edited files are loaded here within a minute, and in the UI when it is asked to ({})\n"
    "  hint: start a `dagster code-server start` for both to have them at once"
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
