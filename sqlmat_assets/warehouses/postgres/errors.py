"""What the errors of PostgreSQL's driver mean: whether another try may go well, and what to do."""

from __future__ import annotations

import re

import psycopg

from sqlmat_assets.errors import TerminalWarehouseError, TransientWarehouseError, WarehouseError
from sqlmat_assets.errors import postgres as wording

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING_CLASSES = ("08", "40")
_PASSING = frozenset(
    {
        "53300",  # too many connections
        "55006",  # object in use
        "55P03",  # lock not available
        "57P01",  # the server is shut down, or somebody ended the session
        "57P02",
        "57P03",  # the server is starting
    }
)
# Two that make, or alter, one object at the same moment: the later one finds the other's row in the catalog, also where
# it asks for what is there to be left alone.
_UPDATED_MEANWHILE = re.compile(r"tuple concurrently (?:updated|deleted)|could not open relation with OID")
_IS_THERE = frozenset({"42P06", "42P07", "42710"})
# What libpq asks after some errors; the hint says it.
_QUESTION = re.compile(r"\n\s*Is the server running[^\n]*")
_STARTING = ("starting up", "not yet accepting connections", "too many clients", "remaining connection slots")
_REFUSED = ("Connection refused", "No route to host", "timeout expired", "Connection timed out", "shutting down")


def translate(error: psycopg.Error, statement: str, label: str) -> WarehouseError:
    """What the server says about a statement, as an error of ours."""
    message, state = str(error).strip(), error.sqlstate
    if state is None and isinstance(error, psycopg.OperationalError):
        return wording.connection_lost(label, message.splitlines()[0], statement)
    return (TransientWarehouseError if _passes(error, statement) else TerminalWarehouseError)(message, statement)


def _passes(error: psycopg.Error, statement: str) -> bool:
    state = error.sqlstate or ""
    if state.startswith(_PASSING_CLASSES) or state in _PASSING:
        return True
    if state == "23505":
        return error.diag.schema_name == "pg_catalog"
    if state in _IS_THERE:
        return " IF NOT EXISTS " in statement.partition("(")[0]
    return state.startswith("XX") and _UPDATED_MEANWHILE.search(str(error)) is not None


def explain_connecting(error: psycopg.Error, label: str) -> WarehouseError:
    """Why there is no connection, in one line and with a hint; nothing of it holds the password."""
    said = str(error).strip()
    # One line for each address that was tried; the last one is as good as any.
    said = re.sub(r"\s+", " ", _QUESTION.sub("", said).removeprefix("connection failed: ").replace("FATAL:  ", ""))
    passes = any(each in said for each in _STARTING)
    return wording.cannot_connect(label, said, _hint(said), passes=passes or any(each in said for each in _REFUSED))


def is_starting(error: WarehouseError) -> bool:
    """Whether the server is there, and lets somebody in soon."""
    return any(each in error.message for each in _STARTING)


def is_away(error: WarehouseError) -> bool:
    """Whether nobody answers where a server was before."""
    return any(each in error.message for each in ("Connection refused", "shutting down", "closed the connection"))


def _hint(said: str) -> str | None:
    hints = (
        ("password authentication failed", "check the user and the password in the warehouse URL, or `$PGPASSWORD`"),
        ("no password supplied", "put the password into the warehouse URL, `$PGPASSWORD` or `~/.pgpass`"),
        ("resolve host", "check the name of the host in the warehouse URL"),
        ("translate host", "check the name of the host in the warehouse URL"),
        ("does not support SSL", "write `?sslmode=prefer` in the warehouse URL, or have the server offer TLS"),
        ("certificate", "name the certificate with `?sslrootcert=` in the warehouse URL, or write `?sslmode=require`"),
        ("SSL", "check `?sslmode=` in the warehouse URL"),
        ("no pg_hba.conf entry", "have the server admit this user from here, in its `pg_hba.conf`"),
        ("too many clients", "build fewer tables at once, or raise `max_connections` of the server"),
        ("remaining connection slots", "build fewer tables at once, or raise `max_connections` of the server"),
        ("Connection refused", "start the server, or check host and port in the warehouse URL"),
        ("timeout expired", "check host and port in the warehouse URL, and the network between"),
    )
    found = next((hint for part, hint in hints if part in said), None)
    if found is not None:
        return found
    missing = re.search(r'database "(.*)" does not exist', said)
    if missing is not None:
        return f"create it with `createdb {missing[1]}`, or name another database in the warehouse URL"
    role = re.search(r'role "(.*)" does not exist', said)
    return None if role is None else f"create it with `createuser {role[1]}`, or name another user in the warehouse URL"
