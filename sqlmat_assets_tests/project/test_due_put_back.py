"""What becomes of a table of which a person has put an earlier version back."""

from __future__ import annotations

from datetime import timedelta

from sqlmat_assets_tests.project.deciding import CODE, NOW, OTHER_CODE, built, decide, groups, reasons, timing, verdict

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
AT = NOW - MINUTE


def test_it_is_left_alone_however_old_it_is() -> None:
    held = built(50 * HOUR, put_back_at=AT, unwanted=CODE)
    decision = decide([timing("a", interval="1h")], a=held)
    assert reasons(decision) == {"a": "put back"}
    assert verdict(decision, "a").put_back_at == AT
    assert groups(decision) == []


def test_it_is_left_alone_although_its_file_is_not_that_of_its_rows() -> None:
    held = built(HOUR, version=OTHER_CODE, put_back_at=AT, unwanted=CODE)
    assert reasons(decide([timing("a", interval="24h")], a=held)) == {"a": "put back"}


def test_an_edit_of_its_meaning_ends_that() -> None:
    held = built(HOUR, version=CODE, put_back_at=AT, unwanted=CODE)
    edited = [timing("a", interval="24h", version=OTHER_CODE)]
    assert reasons(decide(edited, a=held)) == {"a": "changed"}


def test_going_back_to_the_code_of_its_rows_ends_that_and_its_age_counts() -> None:
    fresh = built(HOUR, version=CODE, put_back_at=AT, unwanted=OTHER_CODE)
    old = built(25 * HOUR, version=CODE, put_back_at=AT, unwanted=OTHER_CODE)
    assert reasons(decide([timing("a", interval="24h")], a=fresh)) == {"a": "fresh"}
    assert reasons(decide([timing("a", interval="24h")], a=old)) == {"a": "due"}


def test_files_that_had_problems_then_and_are_mended() -> None:
    held = built(25 * HOUR, put_back_at=AT, unwanted=None)
    assert reasons(decide([timing("a", interval="24h")], a=held)) == {"a": "due"}
    assert reasons(decide([timing("a", interval="24h", version=None)], a=held)) == {"a": "put back"}


def test_what_reads_it_goes_on_by_its_own_interval() -> None:
    states = {"a": built(50 * HOUR, put_back_at=AT, unwanted=CODE), "b": built(2 * HOUR)}
    decision = decide([timing("a", interval="1h"), timing("b", "a", "1h")], **states)
    assert reasons(decision) == {"a": "put back", "b": "due"}


def test_a_run_of_a_person_is_told_and_its_failure_changes_nothing() -> None:
    held = {"put_back_at": AT, "unwanted": CODE}
    timings = [timing("a", interval="1h"), timing("b", "a", "1h")]
    running = decide(timings, a=built(HOUR, run="r1", **held), b=built(MINUTE))
    assert reasons(running) == {"a": "running", "b": "fresh"}
    failed = decide(timings, a=built(HOUR, failures=2, failed_at=NOW - HOUR, **held), b=built(2 * HOUR))
    assert reasons(failed) == {"a": "put back", "b": "due"}


def test_a_scheduled_reader_does_not_ask_for_it() -> None:
    held = built(50 * HOUR, put_back_at=AT, unwanted=CODE)
    decision = decide([timing("a"), timing("b", "a", cron="0 9 * * *")], a=held, b=built(26 * HOUR))
    assert reasons(decision) == {"a": "put back", "b": "scheduled"}
