"""Readers of a table that is being replaced: Redshift looks the name up first and opens what it has found then.

So a reader that had to wait for the end of a DROP or a swap is told that its table is gone, where PostgreSQL would
look the name up again. The error was met in dbt-labs/dbt-adapters#617; the vendor has no page on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmat_assets_tests.redshift.conflicts import Transaction
from sqlmat_assets_tests.redshift.lexer import Name, literal, name_at
from sqlmat_assets_tests.redshift.protocol import ServerError
from sqlmat_assets_tests.redshift.refusals import INTERNAL, Refused
from sqlmat_assets_tests.redshift.statements import Statement

if TYPE_CHECKING:
    from sqlmat_assets_tests.redshift.plans import Host

NO_TABLE = "42P01"
SYSTEM = ("pg_", "svv_", "svl_", "stl_", "stv_", "sys_")


def gone(table: str | int) -> Refused:
    return Refused(f"could not open relation with OID {table}", INTERNAL)


def wait(statement: Statement, host: Host, transaction: Transaction | None) -> None:
    """Wait until what a statement reads is not being replaced.

    Raises:
        Refused: It was replaced meanwhile.
    """
    if not statement.reads:
        return
    names = tables_read(statement, host)
    if not names:
        return
    listed = ", ".join(literal(name.sql) for name in names)
    if not host.is_alone:
        _wait(listed, names, host)
    if transaction is not None and transaction.seen is not None:
        _refuse_newer(listed, host)


def _wait(listed: str, names: list[Name], host: Host) -> None:
    look = host.admin if all(name.schema for name in names) and not host.has_snapshot else host.look
    found = look(
        "select n.name, c.oid, exists (select from pg_catalog.pg_locks l where l.relation = c.oid and "
        "l.mode = 'AccessExclusiveLock'"
        f" and l.granted and l.pid <> {host.backend.pid}) from unnest(array[{listed}]) n (name)"
        " join pg_catalog.pg_class c on c.oid = to_regclass(n.name)"
    )
    for name, table, blocked in found:
        if blocked == "t":
            _wait_for(name or "", int(table or 0), host)


def tables_read(statement: Statement, host: Host) -> list[Name]:
    tokens, names = statement.tokens, dict[Name, None]()
    for at, token in enumerate(tokens[:-1]):
        if token.is_word("from", "join", "using") and tokens[at + 1].is_name:
            name, _ = name_at(tokens, at + 1)
            names[Name(name.schema and host.words.shortened(name.schema), host.words.shortened(name.name))] = None
    return [name for name in names if not is_of_the_system(name)]


def is_of_the_system(name: Name) -> bool:
    """Whether nobody replaces what is meant."""
    own = name.schema in {None, "pg_catalog"} and name.name.startswith(SYSTEM)
    return own or name.schema in {"pg_catalog", "information_schema"}


def _wait_for(name: str, table: int, host: Host) -> None:
    try:
        host.run(f"lock table {name} in access share mode")
    except ServerError as error:
        if error.sqlstate == NO_TABLE:
            raise gone(table) from None
        raise
    if not host.admin(f"select from pg_catalog.pg_class where oid = {table}"):
        raise gone(table)


def _refuse_newer(listed: str, host: Host) -> None:
    """Refuse a table that was made behind the snapshot: PostgreSQL would show it empty."""
    newer = host.run(
        f"select to_regclass(n.name)::oid from unnest(array[{listed}]) n (name) where to_regclass(n.name) is not null"
        " and not exists (select from pg_catalog.pg_class c where c.oid = to_regclass(n.name))"
    )
    if newer:
        raise gone(newer[0][0] or "")
