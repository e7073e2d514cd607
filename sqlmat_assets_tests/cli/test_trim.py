from sqlmat_assets.cli.trim import trim

_STACK = """\
Stack Trace:
  File "/venv/dagster/_core/execution/plan/execute_plan.py", line 243, in dagster_event_sequence_for_step
    yield from check.generator(step_events)

"""
_AT = "2026-11-21 14:40:42 +0000 - dagster - ERROR - __ASSET_JOB - 6355fded - 30067"
_FAILED = f'{_AT} - first__cities - STEP_FAILURE - Execution of step "first__cities" failed.\n'
_RUN_FAILED = f"{_AT} - RUN_FAILURE - Execution of run for \"__ASSET_JOB\" failed. Steps failed: ['first__cities'].\n"
_WORDS = "1 check of `first.cities` failed\n  `is_paris`: is false\n`first.cities` still holds its previous rows\n"
_FAILURE = f"\ndagster._core.definitions.events.Failure: {_WORDS}\n"


def _trimmed(text: str) -> str:
    return "".join(trim(text.splitlines(keepends=True)))


def test_a_failure_is_told_once_in_its_own_words() -> None:
    told = _trimmed(_FAILED + _FAILURE + _STACK + _RUN_FAILED + _FAILURE + _STACK)
    assert told == f"{_FAILED}\n{_WORDS}\n"


def test_what_comes_after_is_there() -> None:
    other = "2026-11-21 14:40:50 +0000 - dagster - WARNING - sensor - `first.cities` has failed\n"
    assert _trimmed(_FAILED + _FAILURE + _STACK + _RUN_FAILED + _FAILURE + _STACK + other) == (
        f"{_FAILED}\n{_WORDS}\n{other}"
    )
    plain = "anything that is no record\n"
    assert _trimmed(_FAILED + _FAILURE + _STACK + plain).endswith(plain)


def test_a_bug_keeps_its_stack() -> None:
    bug = f"{_FAILED}\nValueError: a bug\n\n{_STACK}"
    assert _trimmed(bug) == bug


def test_a_run_that_failed_by_itself_is_told() -> None:
    lost = f'{_AT} - RUN_FAILURE - Execution of run for "__ASSET_JOB" failed. The process of this run is gone\n'
    assert _trimmed(lost) == lost
