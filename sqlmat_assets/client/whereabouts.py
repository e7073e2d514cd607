"""Where the tables are, and who knows when they were built: what is named, else what the environment says."""

from __future__ import annotations

import os
from pathlib import Path

from sqlmat_assets.errors import client as wording


def find_project(named: str | Path | None) -> Path | None:
    """The project folder, absolute; None where none is named and none is here.

    Raises:
        UsageError: The one that is named is not there.
    """
    told = named or os.environ.get("SQLMAT_PROJECT")
    root = Path(told or "sql").expanduser().resolve()
    if root.is_dir():
        return root
    if told:
        raise wording.no_folder(str(told))
    return None


def find_warehouse(named: str | None, root: Path | None) -> str:
    """The URL of the warehouse.

    Raises:
        UsageError: Nothing says where it is.
    """
    told = named or os.environ.get("SQLMAT_WAREHOUSE")
    if told:
        return told
    if root is None:
        raise wording.no_warehouse()
    return f"duckdb:///{root.parent / 'sqlmat.duckdb'}"


def find_dagster(named: str | Path | None, root: Path | None) -> str | Path | None:
    """The URL of Dagster's web server, or the folder of an instance that is there.

    Raises:
        UsageError: The folder that is named holds no instance.
    """
    told = named or os.environ.get("SQLMAT_UI") or os.environ.get("DAGSTER_HOME")
    if told is not None and str(told).startswith(("http://", "https://")):
        return str(told)
    home = Path(told).expanduser().resolve() if told else None if root is None else root.parent / ".sqlmat"
    if home is not None and (home / "dagster.yaml").exists():
        return home
    if named:
        raise wording.no_instance(str(named))
    return None


def find_environment_name() -> str | None:
    """The environment that `sqlmat` would build in; the client knows production alone."""
    return os.environ.get("SQLMAT_ENV", "").strip() or None
