"""The URL of a PostgreSQL database: what the driver gets of it, and what people see of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from psycopg import Error as PsycopgError
from psycopg import conninfo

from sqlmat_assets.errors import failures
from sqlmat_assets.errors import postgres as wording
from sqlmat_assets.warehouses.postgres.connections import Place

_WAIT = timedelta(seconds=60)
# A server that is gone is noticed; what the URL says goes before.
_DEFAULTS = {
    "application_name": "sqlmat",
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}
_PORT = 5432


def read_place(url: str, seconds: Callable[[str], timedelta]) -> Place:
    """Read a URL.

    Args:
        url: As libpq reads it, with `wait` beside.
        seconds: Reads the value of `wait`.

    Raises:
        UsageError: It names no database, or says what libpq does not know.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise wording.malformed_url() from None
    database = unquote(parts.path.strip("/"))
    if not database:
        raise wording.no_database_named()
    wait, given = _WAIT, dict[str, str]()
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name == "wait":
            wait = seconds(value)
        else:
            given[name] = value
    for name, value in (
        ("host", parts.hostname),
        ("port", None if port is None else str(port)),
        ("user", None if parts.username is None else unquote(parts.username)),
        ("password", None if parts.password is None else unquote(parts.password)),
        ("dbname", database),
    ):
        if value is not None:
            given[name] = value
    try:
        told = conninfo.make_conninfo("", **{**_DEFAULTS, **given})
    except PsycopgError as error:
        name = str(error).split('"')[1] if '"' in str(error) else ""
        raise failures.unknown_parameter(name, ("wait", "sslmode", "sslrootcert", "connect_timeout")) from None
    return Place(told, _label(given, database), wait)


def _label(given: dict[str, str], database: str) -> str:
    user = f"{quote(given['user'])}@" if "user" in given else ""
    host = given.get("host", "")
    is_socket = host.startswith("/") or not host
    address = "" if is_socket else (f"[{host}]" if ":" in host else host)
    port = f":{given['port']}" if "port" in given and int(given["port"]) != _PORT else ""
    socket = f"?host={quote(host)}" if is_socket and host else ""
    return f"postgresql://{user}{address}{port}/{quote(database)}{socket}"
