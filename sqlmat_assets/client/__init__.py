"""Tables from Python: wait until they are fresh, read them, upload them.

It needs no terminal, and works in a notebook. Where the warehouse is, and who knows when a table was built, is told by
the environment as for `sqlmat`, or by `connect`.

Examples:
    >>> from sqlmat_assets.client import table
    >>> cities = table("first.cities").wait(fresh=True)
    >>> cities.to_pandas()
         city country
    0   Paris  France
    1  Ottawa  Canada
    >>> [column.name for column in cities.schema()]
    ['city', 'country']
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from sqlmat_assets.client.connection import Connection
from sqlmat_assets.client.patience import Timeout
from sqlmat_assets.client.tables import Column, Table
from sqlmat_assets.client.whereabouts import find_dagster, find_project, find_warehouse
from sqlmat_assets.errors import client as wording
from sqlmat_assets.errors.client import WaitTimeoutError
from sqlmat_assets.execution.records import key_of
from sqlmat_assets.project.load import load_project
from sqlmat_assets.relation import Relation

__all__ = ["Client", "Column", "Table", "Timeout", "WaitTimeoutError", "connect", "table"]


def connect(
    *,
    warehouse: str | None = None,
    project: str | Path | None = None,
    dagster: str | Path | None = None,
    progress: bool | Callable[[str], None] = True,
) -> Client:
    """Say where the tables are.

    Args:
        warehouse: The URL of the warehouse; else `SQLMAT_WAREHOUSE`, else the DuckDB file `sqlmat.duckdb` beside the
            project folder.
        project: The project folder; else `SQLMAT_PROJECT`, else `sql` in the current folder, if it is there. What
            reads tables does without.
        dagster: The URL of Dagster's web server, or the folder of an instance; else `SQLMAT_UI`, `DAGSTER_HOME`, or
            `.sqlmat` beside the project folder, if that is there. Without any, the warehouse itself is asked.
        progress: Whether to say on standard error what is waited for, or what takes the words.

    Raises:
        UsageError: Nothing says where the tables are.

    Examples:
        >>> connect(project="sql").table("first.cities").schema()[0].type
        'VARCHAR'
    """
    root = find_project(project)
    url, home = find_warehouse(warehouse, root), find_dagster(dagster, root)
    return Client(url, None if root is None else load_project(root), home, _teller(progress))


def table(name: str) -> Table:
    """A table of the warehouse that the environment names.

    Args:
        name: `schema.table`.

    Raises:
        UsageError: It is no such name, or nothing says where the tables are.
    """
    return connect().table(name)


class Client(Connection):
    """The tables of a warehouse. Made by `connect`."""

    def table(self, name: str) -> Table:
        """One of its tables.

        Args:
            name: `schema.table`.

        Raises:
            UsageError: It is no such name.
        """
        try:
            relation = Relation.of(name)
        except ValueError:
            raise wording.not_a_table(name) from None
        capabilities = self.warehouse.capabilities
        wanted = key_of(relation, capabilities)
        known = () if self.project is None else self.project.models
        return Table(self, next((each for each in known if key_of(each, capabilities) == wanted), relation))


def _teller(progress: bool | Callable[[str], None]) -> Callable[[str], None]:
    if callable(progress):
        return progress

    def write(text: str) -> None:
        if progress:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()

    return write
