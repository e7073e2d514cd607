"""The folder of the Dagster instance that the command line and the UI share."""

from __future__ import annotations

import fcntl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import home_unusable
from sqlmat_assets.relation import environment_schema

if TYPE_CHECKING:
    import dagster as dg

LOCATION = "sqlmat"
FRESHNESS_SENSOR = "sqlmat_freshness"
ARRIVALS_SENSOR = "sqlmat_arrivals"
"""The sensor that builds what is due."""

LOCK = "dev.lock"
"""The file of an instance that `sqlmat dev` holds while it runs."""

_INSTANCE = "# Written once by sqlmat; yours to change. All is kept in this folder, in SQLite.\n"
# `nux` is the dialog that would ask for an e-mail address before the first table is seen. At its own level, a run
# writes two lines for each check to the terminal of `sqlmat dev`; the UI shows all of its events at any level.
_SETTINGS = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "python_logs": {"python_log_level": "WARNING"},
    # Opens the files of Dagster's own once, which takes more than half off a run: docs/decisions/0013*.md.
    "event_log_storage": {"module": "sqlmat_assets.components.event_log", "class": "EventLog", "config": {}},
    # Tables are built side by side within a run; each run is a process of some 200 MB, and takes seconds of a
    # processor to start.
    "run_queue": {"max_concurrent_runs": 4, "dequeue_interval_seconds": 1},
}


def keep_out_of_git(folder: Path) -> None:
    """Make git ignore a folder that is there; where that cannot be written, git shows the folder and no more."""
    ignored = folder / ".gitignore"
    with suppress(OSError):
        if folder.is_dir() and not ignored.exists():
            ignored.write_text("*\n")


def prepare_home(home: Path) -> Path:
    """Make the folder of the instance, with a `dagster.yaml` unless there is one.

    Raises:
        UsageError: The folder cannot be made or written.
    """
    import yaml

    try:
        home.mkdir(parents=True, exist_ok=True)
        settings = home / "dagster.yaml"
        if not settings.exists():
            settings.write_text(_INSTANCE + yaml.safe_dump(_SETTINGS))
    except OSError as error:
        raise UsageError(home_unusable(str(home), error.strerror or str(error))) from error
    return home


def open_instance(home: Path) -> dg.DagsterInstance:
    """Open the instance in a folder, making it unless there is one; the caller disposes of it.

    Two processes that make the databases of one instance at the same moment leave an instance that nothing can open
    again (`Version table 'alembic_version' has more than one head present`), so they do it one after the other.

    Raises:
        UsageError: The folder cannot be made or written, or what is in it cannot be opened.
    """
    import dagster as dg

    with _alone(prepare_home(home)):
        try:
            return dg.DagsterInstance.from_config(str(home))
        except Exception as error:
            # A storage of any kind can be named there, and each fails in its own way.
            raise UsageError(home_unusable(str(home), root_cause(error))) from error


def root_cause(error: BaseException) -> str:
    """The first line of what really went wrong, below the layers that passed it on."""
    while error.__cause__ is not None:
        error = error.__cause__
    said = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return (said.splitlines() or [type(error).__name__])[0]


@contextmanager
def _alone(home: Path) -> Generator[None]:
    with (home / "instance.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def find_running(home: Path) -> str | None:
    """Where the `sqlmat dev` that runs on an instance listens; None where none does."""
    lock = home / LOCK
    if not lock.exists():
        return None
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return file.read().strip()
    return None


def location_of(environment: str | None) -> str:
    """What the UI calls the tables: those of an environment are not to be taken for production."""
    return LOCATION if environment is None else environment_schema(LOCATION, environment)


def write_workspace(home: Path, location: str = LOCATION) -> Path:
    """Write the file that tells Dagster which module holds the definitions, and return its path."""
    import yaml

    path = home / "workspace.yaml"
    # Dagster imports from the working directory first. The current one may hold a file called as a module is.
    module = {
        "module_name": "sqlmat_assets.definitions",
        "location_name": location,
        "working_directory": str(home),
    }
    path.write_text(yaml.safe_dump({"load_from": [{"python_module": module}]}))
    return path
