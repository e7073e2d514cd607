"""The wording of what the service says about itself, in the log of its ticks and at its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmat_assets.errors.usage import with_hint

_SHOWN = 5


def edited(changes: Mapping[str, Sequence[str]]) -> str:
    """The files that were edited: `edited`, `new` and `removed` with their paths."""
    return "; ".join(f"{what}: {_some(paths)}" for what, paths in changes.items() if paths)


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(f"`{path}`" for path in paths[:_SHOWN])
    return shown if len(paths) <= _SHOWN else f"{shown} and {len(paths) - _SHOWN} more"


def being_edited(what: str) -> str:
    """Files change while they are looked at."""
    return f"files are being written, so the next tick looks again ({what})"


def reloaded(what: str) -> str:
    """The code server has done what it was asked to, and the next tick knows more."""
    return f"the code server was asked to load the definitions again ({what})"


def reload_failed(what: str, reason: str) -> str:
    """The code server was asked to load the definitions again, and could not."""
    return with_hint(
        f"the definitions could not be loaded again ({what}): {reason}",
        "mend what it names, then reload the definitions in the UI",
    )


def reload_unanswered(what: str, reason: str) -> str:
    """The code server was asked to load the definitions again, and did not answer."""
    return f"the code server did not load the definitions again, and is asked again in a minute ({what}): {reason}"


def reload_impossible(what: str) -> str:
    """This code server cannot load the definitions again."""
    return with_hint(
        f"this code server does not load edited files ({what})",
        "start it with `dagster code-server start` instead of `dagster api grpc`",
    )


def reload_later(what: str) -> str:
    """The daemon starts the code server itself, and does so anew about once a minute."""
    return with_hint(
        f"edited files are loaded here within a minute, and in the UI when it is asked to ({what})",
        "start a `dagster code-server start` for both to have them at once",
    )


def project_unreadable(reason: str) -> str:
    """The project folder cannot be read at the moment."""
    return f"nothing is built until the project can be read again: {reason}"


def worker_gone(host: str, pid: int) -> str:
    """The process that executed a run is gone."""
    return f"the process of this run (pid {pid} on {host}) has ended without a word: killed, or the machine restarted"


def never_started(minutes: int) -> str:
    """A run was given to a process, and none ever took it up."""
    return f"no process has taken up this run for {minutes} minutes"


def run_ended(run: str, why: str) -> str:
    """A run was ended from outside."""
    return f"run {run} was ended: {why}"
