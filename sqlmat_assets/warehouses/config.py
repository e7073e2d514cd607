"""A warehouse's URL."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlmat_assets.errors import failures
from sqlmat_assets.errors.bigquery import no_client
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.bigquery.facts import BIGQUERY
from sqlmat_assets.warehouses.describe import describe
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets.warehouses.postgres.facts import POSTGRES
from sqlmat_assets.warehouses.redshift.facts import REDSHIFT

if TYPE_CHECKING:
    from sqlmat_assets.warehouses.bigquery.clients import Connect

ENGINES = (DUCKDB, POSTGRES, REDSHIFT, BIGQUERY)
_MEMORY = re.compile(r"\d+(\.\d+)?\s*[KMGT]i?B", re.IGNORECASE)
_SCHEMES = ("bigquery", "duckdb", "postgresql", "redshift")


def open_warehouse(url: str, bigquery: Connect | None = None) -> Warehouse:
    """The warehouse that a URL names; nothing is connected yet.

    `duckdb:///folder/file.duckdb` is the file `/folder/file.duckdb`; a file name alone (`duckdb:///file.duckdb`)
    is a file in the current folder, and so is what follows `duckdb:` without slashes. `?wait=60` is for how many
    seconds to wait for another process that holds the file, `&memory_limit=4GB` how much memory DuckDB may take in this
    process; without it, that is four fifths of the machine's.

    `postgresql://user:password@host:5432/database` is a database of a server; `?wait=60` is for how many seconds to
    wait for somebody who holds a table, and all other parameters are those of libpq (`?sslmode=require`).

    `redshift://user:password@host:5439/database` is a database of a Redshift cluster, with `wait` and libpq's
    parameters as well; `?staging=s3://bucket/folder` is where files lie on their way, `&iam_role=` the role with which
    the cluster reads them, `&region=` that of the bucket. `?iam=auto` in the place of a password has AWS give one, for
    the cluster or workgroup that the host names, or `?iam=cluster/NAME` and `?iam=workgroup/NAME` that has this name.

    `bigquery://project?location=EU` is a project of BigQuery, with the credentials of the environment.
    `&priority=batch` and `&max_bytes_billed=100GB` are for its queries, `&staging=gs://bucket/folder` is where files
    lie on their way, `&state=_sqlmat` the dataset of what sqlmat knows, `&wait=60` for how long it waits.

    Args:
        url: The URL.
        bigquery: Opens a client of BigQuery, instead of one with the credentials of the environment.

    Raises:
        UsageError: The URL names no warehouse that is known.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or not scheme.isidentifier():
        raise failures.no_scheme(_SCHEMES)
    if scheme.lower() not in _SCHEMES:
        raise failures.unsupported_scheme(scheme.lower(), _SCHEMES)
    match scheme.lower():
        case "bigquery":
            return _open_bigquery(url, bigquery)
        case "duckdb":
            return _open_duckdb(url)
        case "redshift":
            return _open_redshift(url)
        case _:
            return _open_postgres(url)


def is_there(url: str) -> bool:
    """Whether there is anything to read behind a URL: a file is made by the first build.

    Raises:
        UsageError: The URL names no warehouse that is known.
    """
    open_warehouse(url)
    return not url.lower().startswith("duckdb:") or _read_duckdb(url)[0].exists()


def _open_duckdb(url: str) -> Warehouse:
    from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse

    return DuckDBWarehouse(*_read_duckdb(url))


def _open_bigquery(url: str, connect: Connect | None) -> Warehouse:
    from sqlmat_assets.warehouses.bigquery.url import read_place

    place = read_place(url, _seconds)
    try:
        from sqlmat_assets.warehouses.bigquery.adapter import BigQueryWarehouse
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("google"):
            raise
        raise no_client("google-cloud-bigquery") from error
    return BigQueryWarehouse(place, connect)


def _open_postgres(url: str) -> Warehouse:
    from sqlmat_assets.warehouses.postgres.adapter import PostgresWarehouse
    from sqlmat_assets.warehouses.postgres.url import read_place

    return PostgresWarehouse(read_place(url, _seconds))


def _open_redshift(url: str) -> Warehouse:
    from sqlmat_assets.warehouses.redshift.adapter import RedshiftWarehouse
    from sqlmat_assets.warehouses.redshift.url import read_place

    return RedshiftWarehouse(read_place(url, _seconds))


def _read_duckdb(url: str) -> tuple[Path, timedelta, str | None]:
    """The file, how long to wait for it, and the memory that DuckDB may take."""
    parts = urlsplit(url)
    wait, memory_limit = timedelta(seconds=60), None
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        match name:
            case "wait":
                wait = _seconds(value)
            case "memory_limit":
                memory_limit = _memory(value)
            case _:
                raise failures.unknown_parameter(name, ("memory_limit", "wait"))
    if "@" in parts.netloc:
        raise failures.no_login_to_a_file()
    path = unquote(parts.netloc + parts.path)
    if path.endswith(":memory:"):
        raise failures.nothing_kept_in_memory()
    if not path.strip("/"):
        raise failures.no_file_named()
    if path.startswith("/") and "/" not in path.strip("/") and not path.startswith("//"):
        path = path.strip("/")
    return Path(path if not path.startswith("//") else path[1:]).absolute(), wait, memory_limit


def _memory(value: str) -> str:
    if not _MEMORY.fullmatch(value):
        raise failures.impossible_memory(value)
    return value


def _seconds(value: str) -> timedelta:
    try:
        seconds = float(value)
    except ValueError:
        raise failures.impossible_wait(value) from None
    if not 0 <= seconds < 1e9:
        raise failures.impossible_wait(value)
    return timedelta(seconds=seconds)


if __name__ == "__main__":
    print(describe(ENGINES), end="")  # noqa: T201 - it writes the page
