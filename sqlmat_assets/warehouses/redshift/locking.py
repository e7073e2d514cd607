"""Having a Redshift table alone, or waiting for it no longer than told: there is no `lock_timeout`."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import psycopg

from sqlmat_assets.errors import TerminalWarehouseError, TransientWarehouseError, WarehouseError
from sqlmat_assets.errors import postgres as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.postgres.connections import Answer, Link
from sqlmat_assets.warehouses.redshift import catalog
from sqlmat_assets.warehouses.redshift.questions import lock_statement


class NotGivenError(TransientWarehouseError):
    """A lock was waited for in vain, in a transaction in which nobody can be asked who has it."""

    def __init__(self, message: str, statement: str | None = None, relation: Relation | None = None) -> None:
        super().__init__(message, statement)
        self.relation = relation


def lock(link: Link, relation: Relation) -> None:
    """Have a table for this transaction.

    Raises:
        NotGivenError: Somebody has it for too long.
    """
    # Of the transaction alone, so that nothing is left of it whatever happens.
    link.send(f"SET LOCAL statement_timeout TO {_milliseconds(link)}")
    with _noticing_time(relation):
        link.send(lock_statement(relation).sql("redshift"))
    link.send("SET LOCAL statement_timeout TO 0")


def send_within_wait(link: Link, relation: Relation, text: str) -> Answer:
    """Send a statement, in no transaction, that waits for whoever has a table.

    Raises:
        WarehouseError: Somebody has it for too long; it says who.
    """
    link.send(f"SET statement_timeout TO {_milliseconds(link)}")
    try:
        with _noticing_time(relation):
            answer = link.send(text)
    except WarehouseError as error:
        with suppress(WarehouseError):
            link.send("RESET statement_timeout")
        raise (explained(link, error) if isinstance(error, NotGivenError) else error) from error.__cause__
    link.send("RESET statement_timeout")
    return answer


def explained(link: Link, error: NotGivenError) -> WarehouseError:
    """The same error, with who holds the table, as far as this user may know."""
    relation = error.relation
    if relation is None:
        return error
    now = datetime.now(UTC).replace(tzinfo=None)
    told = [
        wording.holder(pid, owner, None, None, None if since is None else max((now - since).total_seconds(), 0))
        for pid, owner, since in catalog.find_holders(link, relation)
    ]
    return wording.lock_not_given(str(relation), told, link.place.wait)


@contextmanager
def _noticing_time(relation: Relation) -> Generator[None]:
    try:
        yield
    except TerminalWarehouseError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            raise NotGivenError(error.message, error.statement, relation) from error
        raise


def _milliseconds(link: Link) -> int:
    return max(round(link.place.wait.total_seconds() * 1000), 1)
