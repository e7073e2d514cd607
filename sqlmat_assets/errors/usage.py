"""What is said about a wrong command line, and about what the commands themselves cannot do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from sqlmat_assets.errors import UsageError


def with_hint(what: str, hint: str | None) -> str:
    """A message in the shape of every message: what is wrong, and below it what to do."""
    return f"{what}\n  hint: {hint}" if hint else what


def nearest_hint(name: str, known: Iterable[str]) -> str | None:
    """A hint that names what is spelt nearly so, if anything is."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f"did you mean `{close[0]}`?" if close else None


def folder_missing(folder: str, *, is_default: bool) -> UsageError:
    """The project folder is not there; `is_default` tells whether anybody named it."""
    hint = "name the project folder, or change to the folder that holds `sql/`" if is_default else "check the path"
    return UsageError(with_hint(f"there is no folder `{folder}`", hint))


def folder_is_file(folder: str) -> UsageError:
    """A file was named where the project folder is expected."""
    return UsageError(with_hint(f"`{folder}` is a file", "name the folder that holds the SQL files"))


def unknown_table(name: str, known: Sequence[str]) -> UsageError:
    """No table of the project is called that way."""
    hint = nearest_hint(name, known) or "`sqlmat ls` lists every table"
    return UsageError(with_hint(f"there is no table `{name}`", hint))


def selection_syntax(expression: str, column: int, reason: str, hint: str | None) -> UsageError:
    """A selection that cannot be read; `column` counts from 0 and is shown below the expression."""
    pointer = f"  {expression}\n  {' ' * column}^"
    return UsageError(with_hint(f"the selection cannot be read at column {column + 1}: {reason}\n{pointer}", hint))


def selection_unsupported(expression: str) -> UsageError:
    """A selection that is well formed and asks for what the files do not tell, such as `status:`."""
    hint = "select by name, `group:`, `kind:`, `tag:` or `owner:`"
    return UsageError(with_hint(f"the selection `{expression}` asks for what the project's files do not tell", hint))


def selection_empty(expression: str, missing: Sequence[str], known: Sequence[str]) -> UsageError:
    """A selection that selects nothing; `missing` are its names that are no tables."""
    near = next((hint for name in missing if (hint := nearest_hint(name, known))), None)
    return UsageError(
        with_hint(f"the selection `{expression}` selects no table", near or "`sqlmat ls` lists every table")
    )


def nothing_to_build(folder: str) -> UsageError:
    """The folder holds no table at all."""
    return UsageError(with_hint(f"there is no table in `{folder}`", "write one, for example `first/cities - 24h.sql`"))


def port_in_use(host: str, port: int, free: int) -> UsageError:
    """Another process listens where the web server should; `free` is a port that nobody listens at."""
    hint = f"stop what listens there, or take another port: `sqlmat dev --port {free}`"
    return UsageError(with_hint(f"port {port} of {host} is in use", hint))


def bad_host(host: str, reason: str) -> UsageError:
    """The address to listen at does not belong to this machine."""
    return UsageError(with_hint(f"cannot listen at `{host}`: {reason}", "leave `--host` out for this machine alone"))


def bad_option(message: str, command: str) -> str:
    """What click says about an option, in this project's manner."""
    said = message[:1].lower() + message[1:].rstrip(".")
    return with_hint(said, f"see `{command} --help`")


def home_unusable(home: str, reason: str) -> str:
    """The folder of the Dagster instance cannot be made or opened."""
    hint = "set `DAGSTER_HOME` to a folder that can be written, or build with `--no-record`"
    return with_hint(f"the Dagster instance in `{home}` cannot be used: {reason}", hint)


def not_recorded(count: int, home: str, reason: str) -> str:
    """Tables were built and the Dagster instance does not know of it."""
    tables = "1 table is" if count == 1 else f"{count} tables are"
    hint = "the tables themselves are built; the next build records again"
    return with_hint(f"warning: {tables} not recorded in the Dagster instance `{home}`: {reason}", hint)


def unexpected(error: BaseException, command: str) -> str:
    """Something that no part of sqlmat foresaw."""
    hint = f"please report it with what `SQLMAT_DEBUG=1 {command}` prints, where you got sqlmat from"
    said = str(error).splitlines()
    text = f"{type(error).__name__}: {said[0]}" if said else type(error).__name__
    return with_hint(f"sqlmat met a bug: {text}", hint)


def interrupted(partitions: int | None = None) -> str:
    """A build was cut short by a person; what the tables hold then.

    Args:
        partitions: How many were published, where some were asked for; None where none were.
    """
    published = "published tables"
    if partitions:
        published += f" and {partitions:,} {'partition' if partitions == 1 else 'partitions'}"
    return with_hint(
        f"interrupted: {published} hold their new rows, all others exactly what they held before",
        "run `sqlmat build` again to build the rest"
        if partitions is None
        else "the same command goes on where it stopped",
    )


def waiting(warehouse: str) -> str:
    """A build that has not begun, because a warehouse lets nobody else in."""
    return f"waiting for {warehouse}, which another process may hold"


def already_running(url: str) -> UsageError:
    """A second `sqlmat dev` on one Dagster instance."""
    return UsageError(with_hint(f"`sqlmat dev` already runs on this project: {url}", "open that page, or end it first"))


def builds_are_on(sensor: str) -> str:
    """What `sqlmat dev` does by itself."""
    return f"tables are built as their intervals ask; switch off `{sensor}` under Automation to stop that"


def builds_are_off(sensor: str) -> str:
    """What `sqlmat dev` does not do by itself."""
    return f"nothing is built by itself until `{sensor}` is switched on under Automation"


def location_broken(message: str) -> str:
    """Dagster runs and could not load the definitions."""
    return with_hint(
        f"Dagster could not load the project: {message.strip()}", "run `sqlmat check`, then reload in the UI"
    )


def dagster_ended(code: int) -> str:
    """`dagster dev` ended by itself."""
    return with_hint(f"`dagster dev` ended by itself with exit code {code}", "its last lines above say why")


def bad_period(what: str, hint: str | None) -> UsageError:
    """The time to simulate is no interval."""
    return UsageError(with_hint(what, hint))


def bad_stretch(text: str) -> UsageError:
    """A stretch of the simulated time that cannot be read."""
    hint = "write from when until when, counted from the start: `3h-4h`"
    return UsageError(with_hint(f"`{text}` is no stretch of time", hint))


def bad_failure(text: str) -> UsageError:
    """A simulated failure that cannot be read."""
    hint = "write the table, and from when until when it fails: `first.cities@2h-5h`"
    return UsageError(with_hint(f"`{text}` does not say what fails when", hint))


def bad_seconds(text: str) -> UsageError:
    """How long a simulated build takes, which cannot be read."""
    hint = "write `10` for every table, or `first.cities=120` for one"
    return UsageError(with_hint(f"`{text}` is no number of seconds", hint))
