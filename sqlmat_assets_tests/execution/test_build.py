"""Many tables: order, parallel work, failures, and being stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.errors import CancelledError, Problem, TransientWarehouseError
from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.events import Discarded, Event, Published, Skipped, Started
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.tables import a_check, a_context, a_project, a_table, ask, tables_in

ENDLESS = "SELECT count(*) AS n FROM range(100000000) AS a, range(100000) AS b"


def a_node(name: str, *upstream: str, sql: str | None = None) -> Model:
    joined = ", ".join(f"s.{other} AS t_{other}" for other in upstream)
    query = sql or f"SELECT 1 AS n{' FROM ' + joined if joined else ''}"
    return a_table(query, name=f"s.{name}", upstream=tuple(Relation("s", other) for other in upstream))


def names(events: list[Event], kind: type[Event]) -> list[str]:
    return [event.relation.name for event in events if isinstance(event, kind)]


def run(path: Path, *models: Model, only: Callable[[Model], bool] = lambda _: True, threads: int = 4) -> list[Event]:
    project = a_project(*models)
    selected = [model.relation for model in models if only(model)]
    return list(build(project, selected, a_context(path), threads=threads))


def test_upstream_first_and_most_descendants_first(path: Path) -> None:
    events = run(path, a_node("alone"), a_node("b", "a"), a_node("c", "b", "z"), a_node("a"), a_node("z"), threads=1)
    assert names(events, Published) == ["a", "b", "z", "alone", "c"]


def test_every_upstream_is_published_before_its_readers_start(path: Path) -> None:
    models = [a_node(f"n{i}", *(f"n{j}" for j in {i // 2, i // 3} if j < i)) for i in range(40)]
    events = run(path, *models)
    assert sorted(names(events, Published)) == sorted(model.relation.name for model in models)
    published: set[Relation] = set()
    upstream = {model.relation: model.upstream for model in models}
    for event in events:
        if isinstance(event, Started):
            assert set(upstream[event.relation]) <= published
        if isinstance(event, Published):
            published.add(event.relation)
    assert len(tables_in(path, "s")) == 40


def test_what_fails_holds_its_dependents_and_nobody_else(path: Path) -> None:
    events = run(
        path,
        a_node("bad", sql="SELECT nothing AS n"),
        a_node("reader", "bad"),
        a_node("far", "reader", "good"),
        a_node("good"),
        a_node("other", "good"),
    )
    assert sorted(names(events, Published)) == ["good", "other"]
    assert names(events, Discarded) == ["bad"]
    skipped = [event for event in events if isinstance(event, Skipped)]
    assert [(event.relation.name, event.because.name) for event in skipped] == [("reader", "bad"), ("far", "bad")]
    assert tables_in(path, "s") == ["good", "other"]


def test_a_table_that_two_failures_hold_is_skipped_once(path: Path) -> None:
    bad = "SELECT nothing AS n"
    events = run(path, a_node("a", sql=bad), a_node("b", sql=bad), a_node("c", "a", "b"))
    assert len(names(events, Discarded)) == 2
    assert names(events, Skipped) == ["c"]


def test_only_what_is_selected_is_built(path: Path) -> None:
    models = [a_node("a"), a_node("b", "a"), a_node("c", "b")]
    run(path, *models)
    events = run(path, *models, only=lambda model: model.relation.name != "b")
    assert sorted(names(events, Published)) == ["a", "c"]


def test_nothing_selected(path: Path) -> None:
    assert run(path, a_node("a"), only=lambda _: False) == []


def test_a_table_that_is_not_in_the_project(path: Path) -> None:
    with pytest.raises(KeyError):
        list(build(a_project(a_node("a")), [Relation("s", "b")], a_context(path)))


def test_tables_that_do_not_wait_for_each_other_run_at_once(path: Path) -> None:
    both = threading.Barrier(2, timeout=30)

    def meet(_: int, sql: str) -> None:
        if sql.startswith("CREATE TABLE") and "__sqlmat_" in sql:
            both.wait()

    project = a_project(a_node("a"), a_node("b"))
    events = list(build(project, list(project.models), a_context(RecordingWarehouse(path, meet)), threads=2))
    assert sorted(names(events, Published)) == ["a", "b"]


def test_closing_ends_what_runs_and_leaves_nothing_half_done(path: Path) -> None:
    models = [a_node("endless", sql=ENDLESS), a_node("quick"), a_node("after", "endless")]
    project = a_project(*models)
    events = build(project, list(project.models), a_context(path))
    for event in events:
        if isinstance(event, Published):
            break
    begun = time.monotonic()
    events.close()
    assert time.monotonic() - begun < 10
    assert tables_in(path, "s") == ["quick"]


def test_an_interruption_ends_what_runs(path: Path) -> None:
    project = a_project(a_node("endless", sql=ENDLESS))
    events = build(project, list(project.models), a_context(path))
    assert isinstance(next(events), Started)
    with pytest.raises(KeyboardInterrupt):
        events.throw(KeyboardInterrupt())
    assert tables_in(path, "s") == []


def test_a_cancelled_run_discards_what_is_left(path: Path) -> None:
    project = a_project(a_node("endless", sql=ENDLESS), a_node("after", "endless"))
    context = a_context(path)
    events: list[Event] = []
    for event in build(project, list(project.models), context):
        events.append(event)
        context.cancellation.cancel()
    assert [type(event).__name__ for event in events] == ["Started", "Discarded", "Skipped"]
    assert isinstance(events[1], Discarded)
    assert isinstance(events[1].error, CancelledError)


def test_a_bug_comes_out(path: Path) -> None:
    def bug(_: int, sql: str) -> None:
        if "__sqlmat_" in sql:
            raise ZeroDivisionError

    project = a_project(a_node("a"))
    with pytest.raises(ZeroDivisionError):
        list(build(project, list(project.models), a_context(RecordingWarehouse(path, bug))))


def test_a_file_that_another_process_holds_is_one_error(path: Path, hold: Callable[[Path], None]) -> None:
    hold(path)
    warehouse = DuckDBWarehouse(path, timedelta(seconds=0.2))
    with pytest.raises(TransientWarehouseError, match="is held by process"):
        list(build(a_project(a_node("a")), [Relation("s", "a")], a_context(warehouse)))


def test_all_tables_that_fail_are_told(path: Path) -> None:
    check = a_check("SELECT false AS no", "no")
    events = run(path, *(a_table("SELECT 1 AS n", check, name=f"s.t{i}") for i in range(10)))
    assert len(names(events, Discarded)) == 10
    assert tables_in(path, "s") == []
    assert ask(path, "SELECT count(*) FROM _sqlmat.tables") == [(0,)]


def test_what_depends_on_a_quarantined_table_is_held_also_when_that_one_is_not_selected(path: Path) -> None:
    broken = replace(a_node("broken"), problems=(Problem("s/broken.sql", 1, 1, "broken"),))
    models = [broken, a_node("near", "broken"), a_node("far", "near"), a_node("free")]
    events = run(path, *models, only=lambda model: model.relation.name != "broken")
    assert names(events, Published) == ["free"]
    held = {str(event.relation): str(event.because) for event in events if isinstance(event, Skipped)}
    assert held == {"s.near": "s.broken", "s.far": "s.broken"}
    events = run(path, *models)
    assert (names(events, Discarded), sorted(names(events, Skipped))) == (["broken"], ["far", "near"])
