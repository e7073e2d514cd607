"""Tables in several pieces: in which order pieces are built, and what becomes of the rest when one fails."""

from __future__ import annotations

from pathlib import Path

from sqlmat_assets.errors import Problem
from sqlmat_assets.execution.events import Discarded, Event, Published, Skipped, Started
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.execution.rounds import build_in_rounds
from sqlmat_assets.project.model import CheckQuery, Model
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_check, a_context, a_project, a_table, ask, parts_of

# Four months of days.
DAYS = "SELECT i AS n, DATE '2019-01-01' + CAST(i AS integer) AS day FROM range(120) AS r(i)"
MONTHS = parts_of("month(day) from 2019-01 to 2019-04")


def months(name: str, *checks: CheckQuery, reads: str | None = None, problems: tuple[Problem, ...] = ()) -> Model:
    return a_table(
        DAYS if reads is None else f"SELECT n, day FROM s.{reads}",
        *checks,
        name=f"s.{name}",
        settings={"partition_by": MONTHS},
        upstream=() if reads is None else (Relation("s", reads),),
        problems=problems,
    )


def total(name: str, reads: str) -> Model:
    return a_table(f"SELECT count(*) AS n FROM s.{reads}", name=f"s.{name}", upstream=(Relation("s", reads),))


def pieces(*keys: str) -> list[Piece]:
    assert isinstance(MONTHS, TimePartitioning)
    return [Piece((MONTHS.bounds(key),)) for key in keys]


def run(path: Path, *models: Model, **asked: list[Piece]) -> list[Event]:
    wanted = {Relation("s", name): batches for name, batches in asked.items()}
    selected = [model.relation for model in models]
    return list(build_in_rounds(a_project(*models), selected, a_context(path), pieces=wanted, threads=1))


def published(events: list[Event]) -> list[str]:
    """Each publish with its partitions: `t 01 02`."""
    return [
        " ".join([event.relation.name, *(each.key[5:7] for each in event.partitions)])
        for event in events
        if isinstance(event, Published)
    ]


def test_a_piece_is_published_before_the_next_begins(path: Path) -> None:
    events = run(path, months("t"), t=pieces("2019-01", "2019-02", "2019-03"))
    assert published(events) == ["t 01", "t 02", "t 03"]
    told = [type(event) for event in events if isinstance(event, Started | Published)]
    assert told == [Started, Published] * 3


def test_one_piece_of_each_table_is_one_round(path: Path) -> None:
    events = run(path, months("t"), total("sum", "t"), t=pieces("2019-02"))
    assert published(events) == ["t 02", "sum"]
    assert ask(path, "FROM s.sum") == [(28,)]


def test_a_table_waits_for_all_pieces_of_what_it_reads(path: Path) -> None:
    models = [months("t"), months("after", reads="t"), total("sum", "after")]
    events = run(path, *models, t=pieces("2019-01", "2019-02"), after=pieces("2019-02", "2019-01"))
    assert published(events) == ["t 01", "t 02", "after 02", "after 01", "sum"]
    assert ask(path, "FROM s.sum") == [(59,)]


def test_tables_that_wait_for_nobody_go_on_together_and_the_longer_one_alone(path: Path) -> None:
    models = [months("a"), months("b"), total("sum", "a")]
    events = run(path, *models, a=pieces("2019-01"), b=pieces("2019-01", "2019-02", "2019-03"))
    assert sorted(published(events)[:2]) == ["a 01", "b 01"]
    assert sorted(published(events)[2:4]) == ["b 02", "sum"]
    assert published(events)[4:] == ["b 03"]


def test_of_a_table_that_fails_no_further_piece_is_built(path: Path) -> None:
    fails_in_february = a_check("SELECT n < 40 AS low FROM s.t", "low")
    models = [months("t", fails_in_february), months("after", reads="t"), total("sum", "after"), months("other")]
    batches = pieces("2019-01", "2019-02", "2019-03")
    events = run(path, *models, t=batches, after=batches, other=batches)
    assert [event.relation.name for event in events if isinstance(event, Discarded)] == ["t"]
    assert [(event.relation.name, event.because.name) for event in events if isinstance(event, Skipped)] == [
        ("after", "t"),
        ("sum", "t"),
    ]
    assert [each for each in published(events) if not each.startswith("other")] == ["t 01"]
    assert [each for each in published(events) if each.startswith("other")] == ["other 01", "other 02", "other 03"]
    assert ask(path, "SELECT count(*), max(n) FROM s.t") == [(31, 30)]


def test_a_quarantined_table_is_refused_once_and_not_for_each_piece(path: Path) -> None:
    models = [months("t", problems=(Problem("s/t.sql", 1, 1, "wrong"),)), total("sum", "t")]
    events = run(path, *models, t=pieces("2019-01", "2019-02"))
    assert [type(event).__name__ for event in events if not isinstance(event, Started)] == ["Discarded", "Skipped"]
    assert published(events) == []


def test_nobody_waits_for_ever_for_tables_that_read_each_other(path: Path) -> None:
    wrong = (Problem("s/a.sql", 1, 1, "a circle"),)
    models = [months("a", reads="b", problems=wrong), months("b", reads="a"), total("sum", "b"), months("other")]
    batches = pieces("2019-01", "2019-02")
    events = run(path, *models, a=batches, b=batches[:1], other=batches)
    assert published(events) == ["other 01", "other 02"]
    assert [event.relation.name for event in events if isinstance(event, Skipped)] == ["b", "sum"]


def test_who_reads_the_events_no_longer_ends_the_rest(path: Path) -> None:
    model = months("t")
    wanted = {model.relation: pieces("2019-01", "2019-02")}
    events = build_in_rounds(a_project(model), [model.relation], a_context(path), pieces=wanted)
    assert any(isinstance(event, Published) for event in events)
    events.close()
    assert ask(path, "SELECT count(*), max(n) FROM s.t") == [(31, 30)]
