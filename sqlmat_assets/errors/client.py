"""The wording of what goes wrong in the Python client, and of what it says while it waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmat_assets.errors import SqlmatError, UsageError
from sqlmat_assets.errors.usage import with_hint
from sqlmat_assets.errors.verdicts import moment, span


class WaitTimeoutError(SqlmatError, TimeoutError):
    """What was waited for has not come in time."""


def no_warehouse() -> UsageError:
    """Nothing says where the tables are."""
    return UsageError(
        with_hint("nothing says where the tables are", "set `SQLMAT_WAREHOUSE`, or call `connect(warehouse=…)`")
    )


def no_folder(path: str) -> UsageError:
    """The project folder that is named is not there."""
    return UsageError(with_hint(f"there is no folder `{path}`", "name the project folder, the one that holds the SQL"))


def no_instance(path: str) -> UsageError:
    """The folder that is named is not that of a Dagster instance."""
    return UsageError(
        with_hint(f"`{path}` holds no Dagster instance", "name `$DAGSTER_HOME`, or the URL of Dagster's web server")
    )


def nothing_there(label: str) -> UsageError:
    """A file that is not there; it is not made by asking it."""
    return UsageError(with_hint(f"there is no warehouse at {label}", "build something first, or name another one"))


def not_a_table(name: str) -> UsageError:
    """A name without a schema."""
    return UsageError(with_hint(f"`{name}` is no table with its schema", "write `first.cities`"))


def not_there(name: str, label: str, near: str | None) -> UsageError:
    """A table that is not in the warehouse."""
    hint = f"did you mean `{near}`?" if near else "build it first: `table(…).wait()` waits until somebody does"
    return UsageError(with_hint(f"there is no table `{name}` in {label}", hint))


def not_built(name: str, near: str | None) -> UsageError:
    """A table that is waited for, and that nobody builds."""
    return UsageError(with_hint(f"nobody builds `{name}`", f"did you mean `{near}`?" if near else None))


def not_awaited(name: str, timeout: timedelta, last: datetime | None, failed: str | None) -> WaitTimeoutError:
    """A table was not built in time.

    Args:
        name: The table.
        timeout: How long it was waited for.
        last: When its last build was decided.
        failed: Why its last attempt failed.
    """
    what = "was never built" if last is None else f"was built last at {moment(last)}"
    text = f"`{name}` was not built within {span(timeout)}; it {what}"
    return WaitTimeoutError(text if failed is None else f"{text}\nits last attempt failed:\n{failed}")


def still_held(label: str, timeout: timedelta) -> WaitTimeoutError:
    """Somebody else has the warehouse to himself, for longer than it was waited for."""
    return WaitTimeoutError(f"{label} could not be read within {span(timeout)}: another process has it open")


# Uploads


def no_project() -> UsageError:
    """The client does not know the folder of the project."""
    return UsageError(
        with_hint(
            "a file is uploaded into a project, and there is none here",
            "set `SQLMAT_PROJECT` to its folder, or call `connect(project=…)`",
        )
    )


def not_there_in(environment: str) -> UsageError:
    """Somebody tries something in an environment, and an upload is of production."""
    return UsageError(
        with_hint(
            f"`SQLMAT_ENV` is `{environment}`, and an upload replaces rows of production",
            "unset it, or put the file into the project folder and call `sqlmat build`",
        )
    )


def no_file(path: str) -> UsageError:
    """Nothing to upload."""
    return UsageError(f"there is no file `{path}`")


def no_data_file(path: str, endings: Sequence[str]) -> UsageError:
    """A file that is not read as a table."""
    return UsageError(with_hint(f"`{path}` is no data file", f"its ending has to be {', '.join(endings)}"))


def made_otherwise(name: str, path: str, kind: str) -> UsageError:
    """The rows of a table do not come from a data file."""
    return UsageError(
        with_hint(f"the rows of `{name}` come from `{path}` ({kind})", "upload what that reads, or name another table")
    )


def other_ending(name: str, path: str, ending: str) -> UsageError:
    """A file of another format than the one whose place it would take."""
    return UsageError(with_hint(f"`{name}` is `{path}`", f"upload a `{ending}` file, or remove that one first"))


# Said while it waits


def waits(name: str, last: datetime | None) -> str:
    """Somebody waits for a table."""
    return f"{name}: waiting, {'never built' if last is None else f'built last at {moment(last)}'}"


def is_built_now(name: str, run: str) -> str:
    """The table that somebody waits for is being built."""
    return f"{name}: being built by run {run[:8]}"


def has_failed(name: str, failures: int) -> str:
    """The table that somebody waits for has failed, and is tried again."""
    return f"{name}: failed {'once' if failures == 1 else f'{failures} times'}, waiting for the next attempt"


def is_here(name: str, at: datetime) -> str:
    """The table that somebody waits for is there."""
    return f"{name}: built, decided at {moment(at)}"


def is_not_told(name: str, message: str) -> str:
    """Who knows of the table that somebody waits for does not answer, and is asked again."""
    return f"{name}: waiting, {message}"


def waits_for_warehouse(label: str) -> str:
    """Somebody else has the warehouse to himself."""
    return f"waiting for {label}, which another process has open"
