"""Where a project's things are: its folder, its warehouse, its cache, its Dagster home."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from sqlmat_assets.components.home import keep_out_of_git
from sqlmat_assets.connectors.config import Connectors
from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.failures import another_dialect
from sqlmat_assets.errors.transpiling import may_be_transpiled
from sqlmat_assets.errors.usage import folder_is_file, folder_missing
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.transpiling.pairs import can_translate

if TYPE_CHECKING:
    from sqlmat_assets.warehouses.base import Warehouse

DEFAULT_FOLDER = "sql"
_ENVIRONMENTS = "env"

_Command = TypeVar("_Command", bound=Callable[..., Any])


def folder_argument(command: _Command) -> _Command:
    """Add the argument DIR to a command, which gets it as `folder`."""
    return click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))(command)


def warehouse_option(command: _Command) -> _Command:
    """Add `--warehouse` to a command, which gets a URL or None."""
    help_text = (
        "Where to build, such as duckdb:///warehouse.duckdb. "
        "[default: $SQLMAT_WAREHOUSE, else the file sqlmat.duckdb beside DIR]"
    )
    return click.option("--warehouse", metavar="URL", envvar="SQLMAT_WAREHOUSE", help=help_text)(command)


def dialect_option(command: _Command) -> _Command:
    """Add `--dialect` to a command, which gets a name or None."""
    help_text = (
        "The SQL of the files, whatever the settings say. That of bigquery is transpiled for DuckDB; "
        "`sqlmat check --on duckdb` says how well."
    )
    return click.option("--dialect", metavar="NAME", help=help_text)(command)


def env_option(command: _Command) -> _Command:
    """Add `--env` to a command, which gets what was typed as `env`, or None."""
    help_text = (
        "In the environment NAME: tables of their own beside production, in schemas that end in __NAME. What was not "
        "built there is read from production, which is left alone. [default: $SQLMAT_ENV, else production]"
    )
    return click.option("--env", metavar="NAME", envvar="SQLMAT_ENV", help=help_text)(command)


def connectors() -> Connectors:
    """What opens the places that tables are loaded from; the environment has the URLs of connections."""
    return Connectors.of(os.environ)


def find_root(folder: Path | None) -> Path:
    """The project folder, absolute.

    Raises:
        UsageError: There is no such folder.
    """
    named = folder or Path(DEFAULT_FOLDER)
    if named.is_file():
        raise folder_is_file(str(named))
    if not named.is_dir():
        raise folder_missing(str(named), is_default=folder is None)
    return named.resolve()


def find_variable(name: str) -> str | None:
    """The value of a variable of this process, which may be a secret."""
    return os.environ.get(name)


def default_warehouse(root: Path) -> str:
    """The URL of the DuckDB file beside the project folder."""
    return f"duckdb:///{root.parent / 'sqlmat.duckdb'}"


def open_for(project: Project, warehouse: str | None, dialect: str | None = None) -> Warehouse:
    """The warehouse that a project is to be built in.

    Args:
        project: With its dialect.
        warehouse: The URL that somebody has given.
        dialect: The dialect that somebody has given. Where there is neither, nobody has asked to have it transpiled.

    Raises:
        UsageError: The URL names none, or one on which the SQL of the project cannot be said.
    """
    # What only reads files does without an engine.
    from sqlmat_assets.warehouses.config import open_warehouse

    opened = open_warehouse(warehouse or default_warehouse(project.root))
    written, spoken = project.dialect, opened.capabilities.dialect
    if spoken == written:
        return opened
    is_known = can_translate(written, spoken)
    if not is_known or (warehouse is None and dialect is None):
        hint = may_be_transpiled(written, spoken) if is_known else None
        raise UsageError(another_dialect(written, spoken, opened.label, hint))
    return opened


def dagster_home(root: Path, environment: Environment | None = None) -> Path:
    """The folder of the Dagster instance: `DAGSTER_HOME`, else `.sqlmat` beside the project folder.

    An environment has its own in there, so that nothing that production goes by knows of it.
    """
    named = os.environ.get("DAGSTER_HOME")
    return _of_environment(Path(named).expanduser().resolve() if named else _own_folder(root), environment)


def requests_file(root: Path, environment: Environment | None = None) -> Path:
    """Where it is noted which builds did not come to their end."""
    return _of_environment(_own_folder(root), environment) / "requests.json"


def own_folders(root: Path, environment: Environment) -> tuple[Path, ...]:
    """All that is kept of an environment outside of the warehouse."""
    return tuple(dict.fromkeys((dagster_home(root, environment), requests_file(root, environment).parent)))


def environment_folders(root: Path) -> tuple[Path, ...]:
    """The folders of all environments that have one."""
    above = {dagster_home(root) / _ENVIRONMENTS, _own_folder(root) / _ENVIRONMENTS}
    return tuple(sorted(each for folder in above if folder.is_dir() for each in folder.iterdir() if each.is_dir()))


def _of_environment(folder: Path, environment: Environment | None) -> Path:
    return folder if environment is None else folder / _ENVIRONMENTS / environment.name


def cache_folder(root: Path) -> Path:
    """Where parsed files are kept."""
    return _own_folder(root) / "cache"


def _own_folder(root: Path) -> Path:
    return root.parent / ".sqlmat"


def read_project(root: Path, dialect: str | None = None) -> Project:
    """Load the project with the cache beside it."""
    own = _own_folder(root)
    project = load_project(root, dialect=dialect, cache_dir=cache_folder(root))
    keep_out_of_git(own)
    return project
