"""The folder of the Dagster instance that the command line and the UI share."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import home_unusable

LOCATION = "sqlmat"
_INSTANCE = "# Written once by sqlmat; yours to change. SQLite storage in this folder is Dagster's default.\n"
# `nux` is the dialog that would ask for an e-mail address before the first table is seen.
_SETTINGS = {"telemetry": {"enabled": False}, "nux": {"enabled": False}}


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


def write_workspace(home: Path) -> Path:
    """Write the file that tells Dagster which module holds the definitions, and return its path."""
    import yaml

    path = home / "workspace.yaml"
    module = {"module_name": "sqlmat_assets.definitions", "location_name": LOCATION}
    path.write_text(yaml.safe_dump({"load_from": [{"python_module": module}]}))
    return path
