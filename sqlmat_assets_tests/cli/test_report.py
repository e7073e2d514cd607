"""What a build's events add up to, and how the end of a build is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sqlmat_assets.cli.display import open_view, write_failure, write_table
from sqlmat_assets.cli.report import BuildReport, Outcome, counts, describe_table, is_good
from sqlmat_assets.errors import CancelledError, CheckFailedError, MaterializeError
from sqlmat_assets.execution.events import (
    Checked,
    CheckResult,
    Discarded,
    Event,
    Phase,
    Published,
    PublishedPartition,
    Sample,
    Skipped,
    Snapshot,
    Started,
    Unchanged,
)
from sqlmat_assets.relation import Relation

CITIES, PEOPLE, SHOPS = Relation("first", "cities"), Relation("first", "people"), Relation("first", "shops")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def result(name: str = "positive", *, passed: bool = True, blocking: bool = True, sample: Sample | None = None):
    message = "" if passed else "false in 2 of 14 rows"
    return CheckResult(name, passed, blocking, 14, 0 if passed else 2, message, "SELECT 1", 0.1, sample)


def published(relation: Relation, rows: int = 14) -> Published:
    return Published(relation, rows, (), "SELECT 1", NOON, 1.5)


def gather(*events: Event) -> BuildReport:
    report = BuildReport([CITIES, PEOPLE, SHOPS])
    for event in events:
        report.take(event)
    return report


def test_checks_reach_the_report_of_the_published_table() -> None:
    ended = replace(published(CITIES), phases=(Phase("write", 1.25), Phase("checks", 0.10001)))
    report = gather(Started(CITIES), Checked(CITIES, (result(),), 0.1), ended)
    assert describe_table(report.finished[0]) == {
        "name": "first.cities",
        "outcome": "published",
        "rows": 14,
        "partitions": [],
        "seconds": 1.5,
        "phases": {"write": 1.25, "checks": 0.1},
        "queued_seconds": None,
        "scanned_bytes": None,
        "billed_bytes": None,
        "slot_seconds": None,
        "usd": None,
        "snapshot": None,
        "checks": [{"name": "positive", "passed": True, "blocking": True, "rows": 14, "failed_rows": 0, "message": ""}],
        "error": None,
        "left_out": None,
        "put_back_at": None,
        "delivered_to": None,
        "held_by": None,
    }


def test_the_snapshots_of_pieces_are_added_up() -> None:
    history = Relation("first", "cities_history")
    report = BuildReport([CITIES], {CITIES: 3})
    for taken in (Snapshot(history, 14, 2), Snapshot(history, None, 1), None):
        report.take(replace(published(CITIES), snapshot=taken))
    told = describe_table(report.finished[0])["snapshot"]
    assert told == {"history": "first.cities_history", "rows": 14, "removed_rows": 3}


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        (None, None),
        (Snapshot(Relation("first", "h"), None, 0), None),
        (Snapshot(Relation("first", "h"), 1, 0), "snapshot of 1 row"),
        (Snapshot(Relation("first", "h"), 1400, 1), "snapshot of 1,400 rows, 1 old row removed"),
        (Snapshot(Relation("first", "h"), None, 3), "3 old rows removed"),
    ],
)
def test_the_lines_of_a_pipe_tell_snapshots_where_they_are_to_tell_more(
    snapshot: Snapshot | None, told: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    for is_verbose in (False, True):
        report = gather(replace(published(CITIES), snapshot=snapshot))
        with open_view([CITIES], as_json=False, is_verbose=is_verbose) as view:
            view.update(report, report.finished[0])
        line = ["first.cities  published  14 rows  1.50 s"]
        assert capsys.readouterr().out.splitlines() == ["  ".join([*line, *([told] if told and is_verbose else [])])]


def test_the_phases_of_pieces_are_added_up_and_those_of_a_failure_told() -> None:
    report = BuildReport([CITIES], {CITIES: 2})
    report.take(replace(published(CITIES), phases=(Phase("write", 1.0), Phase("publish", 0.5))))
    report.take(Discarded(CITIES, MaterializeError("no"), phases=(Phase("prepare", 0.25), Phase("write", 2.0))))
    assert report.finished[0].phases == (Phase("write", 3.0), Phase("publish", 0.5), Phase("prepare", 0.25))


def test_only_the_last_event_of_a_table_finishes_it() -> None:
    report = BuildReport([CITIES])
    assert report.take(Started(CITIES)) is None
    assert report.running == (CITIES,)
    assert report.take(Checked(CITIES, (), 0.0)) is None
    finished = report.take(published(CITIES))
    assert finished is not None
    assert finished.outcome is Outcome.PUBLISHED
    assert report.running == ()


def test_what_an_interruption_leaves_is_told_apart() -> None:
    report = gather(Started(CITIES), published(CITIES), Started(PEOPLE))
    assert [(r.relation, r.outcome) for r in report.all()] == [
        (CITIES, Outcome.PUBLISHED),
        (PEOPLE, Outcome.CANCELLED),
        (SHOPS, Outcome.NOT_STARTED),
    ]
    assert counts(report.all()) == "1 published, 1 cancelled, 1 not started"
    assert not is_good(report.all())


def test_a_person_cancels_and_nothing_failed() -> None:
    report = gather(Started(CITIES))
    report.cut()
    for event in (
        Discarded(CITIES, CancelledError("cancelled")),
        Skipped(PEOPLE, CITIES),
        Started(SHOPS),
        Discarded(SHOPS, CancelledError("cancelled")),
    ):
        report.take(event)
    assert report.is_cut
    assert [r.outcome for r in report.all()] == [Outcome.CANCELLED, Outcome.NOT_STARTED, Outcome.NOT_STARTED]


def test_a_time_limit_is_a_failure_and_a_held_table_names_its_holder() -> None:
    report = gather(Started(CITIES), Discarded(CITIES, CancelledError("time limit")), Skipped(PEOPLE, CITIES))
    assert [r.outcome for r in report.finished] == [Outcome.FAILED, Outcome.HELD]
    assert describe_table(report.finished[1])["held_by"] == "first.cities"


def test_every_table_published_is_good() -> None:
    report = gather(published(CITIES), published(PEOPLE), published(SHOPS))
    assert is_good(report.all())
    assert counts(report.all()) == "3 published"


def test_an_unchanged_table_is_as_good_as_published() -> None:
    unchanged = Unchanged(PEOPLE, 14, (), NOON, 0.25, "14-a-b-c", "SELECT 1")
    report = gather(published(CITIES), Checked(PEOPLE, (result(),), 0.1), unchanged, published(SHOPS))
    assert is_good(report.all())
    assert counts(report.all()) == "2 published, 1 unchanged"
    told = describe_table(report.finished[1])
    assert (told["outcome"], told["rows"], told["seconds"], len(told["checks"])) == ("unchanged", 14, 0.25, 1)


def test_lines_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with open_view([CITIES, Relation("a", "b")], as_json=False) as view:
        report = BuildReport([CITIES, Relation("a", "b")])
        for event in (
            Started(CITIES),
            Checked(CITIES, (result(), result("warn", passed=False, blocking=False)), 0.1),
            published(CITIES, 1234),
            Unchanged(PEOPLE, 1, (), NOON, 0.25, "1-a-b-c", "SELECT 1"),
            Skipped(Relation("a", "b"), CITIES),
        ):
            view.update(report, report.take(event))
    assert capsys.readouterr().out == (
        "first.cities  published  1,234 rows  1.50 s  1/2 (1 warned) checks\n"
        "first.people  unchanged  1 row  0.25 s\n"
        "a.b           held by first.cities\n"
    )  # fmt: skip


def test_a_failure_is_told_with_its_rows_at_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    columns = ("city", "population", *(f"column_{n}" for n in range(8)))
    sample = Sample(columns, (("Berlin\x1b[31m", None, *("x" * 30 for _ in range(8))),))
    failed = result(passed=False, sample=sample)
    held = "`first.cities` still holds its previous rows"
    error = CheckFailedError(f"1 check of `first.cities` failed\n  `positive`: {failed.message}\n{held}")
    write_failure(gather(Discarded(CITIES, error, (failed, result("soft", passed=False, blocking=False)))).finished[0])
    out = capsys.readouterr().out
    assert out.startswith(
        "\n"
        "first.cities\n"
        "  1 check of `first.cities` failed\n"
        "    `positive`: false in 2 of 14 rows\n"
        "  `first.cities` still holds its previous rows\n"
        "  rows where `positive` does not hold:\n"
        "    city"
    )
    assert "Berlin\\x1b[31m  NULL" in out
    assert out.endswith("    and 1 more row, 7 more columns\n  warning: `soft`: false in 2 of 14 rows\n")
    assert max(len(line) for line in out.splitlines()) <= 80


def test_a_warning_of_a_published_table_is_told() -> None:
    report = gather(Checked(CITIES, (result(passed=False, blocking=False),), 0.1), published(CITIES))
    assert report.finished[0].is_remarkable
    assert is_good(report.finished)


def test_a_table_in_a_pipe_is_aligned_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("table", "checks", "reads"), [("first.cities", "3", "x" * 200), ("a.b", "12", "")], right=("checks",))
    assert capsys.readouterr().out == (
        "table         checks  reads\n"
        f"first.cities       3  {'x' * 200}\n"
        "a.b               12\n"
    )  # fmt: skip


def in_part(*keys: str, rows: int) -> Published:
    parts = tuple(PublishedPartition(key, rows) for key in keys)
    return Published(CITIES, rows * len(keys), (), "SELECT 1", NOON, 1.5, partitions=parts)


def test_a_table_in_several_pieces_ends_with_the_last_of_them() -> None:
    report = BuildReport([CITIES], {CITIES: 2})
    report.take(Started(CITIES))
    assert report.progress(CITIES) == "first.cities 1/2"
    report.take(Checked(CITIES, (result(passed=False, blocking=False),), 0.1))
    first = report.take(in_part("a", "b", rows=3))
    assert first is not None
    assert [each.key for each in first.partitions] == ["a", "b"]
    assert (report.finished, report.running, report.progress(CITIES)) == ((), (CITIES,), "first.cities 2/2")
    report.take(Checked(CITIES, (result(),), 0.1))
    report.take(in_part("c", rows=4))
    (whole,) = report.finished
    assert (whole.rows, whole.seconds, [each.key for each in whole.partitions]) == (10, 3.0, ["a", "b", "c"])
    assert [(each.passed, each.rows, each.failed_rows) for each in whole.results] == [(False, 28, 2)]
    assert describe_table(whole)["partitions"] == [{"key": key, "rows": n} for key, n in (("a", 3), ("b", 3), ("c", 4))]


def test_what_was_published_before_a_piece_failed_or_was_cancelled_is_told() -> None:
    report = BuildReport([CITIES], {CITIES: 3})
    report.take(Started(CITIES))
    report.take(in_part("a", rows=3))
    (cut,) = report.all()
    assert (cut.outcome, [each.key for each in cut.partitions]) == (Outcome.CANCELLED, ["a"])
    report.take(Discarded(CITIES, CheckFailedError("no")))
    (failed,) = report.finished
    assert (failed.outcome, failed.rows, [each.key for each in failed.partitions]) == (Outcome.FAILED, 3, ["a"])
