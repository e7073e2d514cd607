"""Wording of what can go wrong between sqlmat and a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmat_assets.errors import (
    MaterializeError,
    TerminalWarehouseError,
    TransientWarehouseError,
    UsageError,
    WarehouseError,
)
from sqlmat_assets.errors.failures import span


def no_database_named() -> UsageError:
    """A PostgreSQL URL that does not say which database."""
    return UsageError("the warehouse URL names no database\n  hint: write `postgresql://user@host:5432/database`")


def malformed_url() -> UsageError:
    """A PostgreSQL URL that cannot be read; the text is not repeated, for it may hold a password."""
    return UsageError(
        "the warehouse URL cannot be read\n  hint: write `postgresql://user:password@host:5432/database`, "
        "and `%40` for an `@` in the password"
    )


def cannot_connect(label: str, said: str, hint: str | None, *, passes: bool = False) -> WarehouseError:
    """The server cannot be reached, or does not let this user in.

    Args:
        label: The URL without secrets.
        said: The server's or the driver's own words.
        hint: What to do.
        passes: Whether another try may go well.
    """
    text = f"cannot connect to `{label}`: {said}"
    kind = TransientWarehouseError if passes else TerminalWarehouseError
    return kind(text if hint is None else f"{text}\n  hint: {hint}")


def connection_lost(label: str, said: str, statement: str | None) -> TransientWarehouseError:
    """The connection ended while a statement ran."""
    return TransientWarehouseError(f"the connection to `{label}` was lost: {said}", statement)


def lock_not_given(relation: str, holders: Sequence[str], waited: timedelta) -> TransientWarehouseError:
    """Somebody reads or writes a table, or a view on it, for so long that it cannot be replaced."""
    who = " and ".join(holders) or "somebody"
    return TransientWarehouseError(
        f"`{relation}` is held by {who}, waited {span(waited)}\n"
        "  hint: end that transaction, or wait longer with `?wait=300` in the warehouse URL"
    )


def replaced_meanwhile(relation: str) -> TransientWarehouseError:
    """Another run has replaced a table, or somebody has made a view on it, while this one waited for it."""
    return TransientWarehouseError(f"`{relation}` was replaced meanwhile, or a view on it was")


def holder(pid: int, user: str | None, program: str | None, state: str | None, seconds: float | None) -> str:
    """A session that has a lock; its query is not repeated, for it may hold secrets."""
    of = "" if user is None else f" of `{user}`"
    with_ = f" (`{program}`)" if program else ""
    how = "" if state is None else f", {state}"
    since = "" if seconds is None else f" since {span(timedelta(seconds=round(seconds)))}"
    return f"the server process {pid}{of}{with_}{how}{since}"


def cannot_be_replaced(relation: str, dependents: Sequence[str]) -> MaterializeError:
    """Something other than views hangs on a table, and cannot be moved to another one."""
    listed = ", ".join(f"`{each}`" for each in dependents)
    verb = "depends" if len(dependents) == 1 else "depend"
    return MaterializeError(f"`{relation}` cannot be replaced: {listed} {verb} on it\n  hint: drop what depends on it")
