"""What counts as finished when a build is taken up again: what is published, by whom, and after what it reads."""

from __future__ import annotations

from pathlib import Path

from sqlmat_assets.execution.build import build
from sqlmat_assets.execution.events import Published, Unchanged
from sqlmat_assets.execution.finished import leave_out_finished
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.partitions.asked import write
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_context, a_project, a_table, ask, parts_of

DAYS = "SELECT i AS n, DATE '2019-01-01' + CAST(i AS integer) AS day FROM range(120) AS r(i)"
MONTHS = parts_of("month(day) from 2019-01 to 2019-04")


def months(version: str = "1") -> Model:
    settings = {"partition_by": MONTHS}
    return a_table(DAYS, name="s.t", settings=settings, version=CodeVersion(version, version, "30.0.0"))


def a_node(name: str, *upstream: str, **settings: object) -> Model:
    joined = ", ".join(f"s.{other} AS t_{other}" for other in upstream)
    return a_table(
        f"SELECT 1 AS n{' FROM ' + joined if joined else ''}",
        name=f"s.{name}",
        upstream=tuple(Relation("s", other) for other in upstream),
        version=CodeVersion(name, name, "30.0.0"),
        settings=settings,
    )


def piece(*keys: str) -> Piece:
    assert isinstance(MONTHS, TimePartitioning)
    return Piece(tuple(MONTHS.bounds(key) for key in keys))


def publish(path: Path, run: str, *models: Model, what: Piece = WHOLE) -> None:
    selected = [model.relation for model in models]
    context = a_context(path, run)
    events = list(build(a_project(*models), selected, context, pieces=dict.fromkeys(selected, what)))
    assert len([event for event in events if isinstance(event, Published | Unchanged)]) == len(models), events


def left(path: Path, runs: tuple[str, ...], *models: Model, what: Piece = WHOLE) -> dict[str, Piece]:
    asked = {model.relation: what for model in models}
    found = leave_out_finished(a_project(*models), asked, runs, a_context(path, "now"))
    return {relation.name: rest for relation, rest in found.items()}


def left_months(path: Path, runs: tuple[str, ...], model: Model) -> list[str]:
    """The months of a year's first four that are still to be built."""
    found = left(path, runs, model, what=piece("2019-01", "2019-02", "2019-03", "2019-04"))
    return [] if not found else list(write(found["t"].ranges or (), MONTHS))


def test_in_a_warehouse_that_knows_nothing_all_is_left(path: Path) -> None:
    ask(path, "SELECT 1")
    assert left(path, ("r1",), a_node("a")) == {"a": WHOLE}


def test_what_one_of_the_runs_has_published_is_left_out(path: Path) -> None:
    publish(path, "r1", a_node("a"))
    publish(path, "r2", a_node("b"))
    models = a_node("a"), a_node("b"), a_node("c")
    assert left(path, ("r1", "r2"), *models) == {"c": WHOLE}
    assert left(path, ("r1",), *models) == {"b": WHOLE, "c": WHOLE}
    assert left(path, (), *models) == {"a": WHOLE, "b": WHOLE, "c": WHOLE}


def test_partitions_are_left_out_one_by_one(path: Path) -> None:
    assert left_months(path, ("r1",), months()) == ["2019-01..2019-04"]
    publish(path, "r1", months(), what=piece("2019-01"))
    publish(path, "r1", months(), what=piece("2019-03"))
    assert left_months(path, ("r1",), months()) == ["2019-02", "2019-04"]
    publish(path, "r2", months(), what=piece("2019-02", "2019-04"))
    assert left_months(path, ("r1",), months()) == ["2019-02", "2019-04"]
    assert left_months(path, ("r1", "r2"), months()) == []


def test_what_another_run_has_replaced_since_is_built_again(path: Path) -> None:
    publish(path, "r1", months(), what=piece("2019-01", "2019-02"))
    publish(path, "other", months(), what=piece("2019-02"))
    assert left_months(path, ("r1",), months()) == ["2019-02..2019-04"]


def test_of_a_table_whose_code_has_changed_nothing_counts(path: Path) -> None:
    publish(path, "r1", months(), what=piece("2019-01"))
    assert left_months(path, ("r1",), months(version="2")) == ["2019-01..2019-04"]


def test_a_table_that_was_dropped_since_is_built_again(path: Path) -> None:
    publish(path, "r1", a_node("a"))
    ask(path, "DROP TABLE s.a")
    assert left(path, ("r1",), a_node("a")) == {"a": WHOLE}


def test_what_was_built_before_what_it_reads_is_built_again(path: Path) -> None:
    models = a_node("a", skip_unchanged=False), a_node("b", "a")
    publish(path, "r1", *models)
    assert left(path, ("r1",), *models) == {}
    publish(path, "r1", models[0])
    assert left(path, ("r1",), *models) == {"b": WHOLE}


def test_behind_a_table_that_is_left_everything_is_left(path: Path) -> None:
    publish(path, "r1", a_node("a"), a_node("b", "a"), a_node("c", "b"), a_node("other"))
    ask(path, "DROP TABLE s.a")
    models = a_node("a"), a_node("b", "a"), a_node("c", "b"), a_node("other")
    assert left(path, ("r1",), *models) == {"a": WHOLE, "b": WHOLE, "c": WHOLE}


def test_a_full_refresh_is_never_left_out(path: Path) -> None:
    publish(path, "r1", a_node("a"))
    refresh = Piece(is_full_refresh=True)
    assert left(path, ("r1",), a_node("a"), what=refresh) == {"a": refresh}
