"""Putting one table in the place of another on PostgreSQL, where views and rights hang on tables and not on names."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg

from sqlmat_assets.errors import BreakingViewsError, TerminalWarehouseError, TransientWarehouseError, WarehouseError
from sqlmat_assets.errors import postgres as wording
from sqlmat_assets.errors.failures import cannot_be_moved
from sqlmat_assets.errors.views import would_break
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Pause
from sqlmat_assets.warehouses.postgres import catalog
from sqlmat_assets.warehouses.postgres.catalog import Found, IndexOf, Reader
from sqlmat_assets.warehouses.postgres.connections import Link

# Who waits for a lock has everybody who comes later wait behind him. Shorter than the server's `deadlock_timeout`, so
# that in a deadlock with a reader it is always us who give up.
_TRY = "SAVEPOINT sqlmat_lock; SET LOCAL lock_timeout = '500ms'"
_GIVE_UP = "ROLLBACK TO SAVEPOINT sqlmat_lock; RELEASE SAVEPOINT sqlmat_lock"
_HAVE = "RELEASE SAVEPOINT sqlmat_lock; SET LOCAL lock_timeout = '30s'"
# Not always the same, so that two who wait for each other do not try at the same moments again and again.
_PAUSE_SECONDS = (0.05, 0.7)


@contextmanager
def replacing(link: Link, target: Relation, successor: Relation | None, pause: Pause) -> Generator[None]:
    """Have all that hangs on a table hang on the one that has its name when the block ends.

    Views read that one; it has the owner, the grants, the indexes and constraints, the row policies and triggers, and
    where it has none of its own the comments. What takes long is done before anybody has to wait.

    Args:
        link: In a transaction.
        target: The table in place, if there is any.
        successor: What will have its name, where that is there already.
        pause: Waits between two tries to have the table alone.

    Raises:
        MaterializeError: Something cannot be moved; it says what.
    """
    old = catalog.find_object(link, target)
    if old is None:
        yield
        return
    dress = _Dress(link, target, old, catalog.find_rules(link, old.oid, old.named) if old.has_rules else ())
    new = None if successor is None else catalog.find_object(link, successor)
    if new is not None:
        dress.put_on(new)
    readers = _lock(link, target, old, pause)
    yield
    taken = catalog.find_object(link, target)
    if taken is None or taken.oid == old.oid:
        return
    if new is None or new.oid != taken.oid:
        dress.put_on(taken)
    _repoint(link, target, readers)
    dress.finish(taken)
    left = catalog.find_dependents(link, old.oid)
    if left:
        raise wording.cannot_be_replaced(str(target), left)


@dataclass(slots=True)
class _Dress:
    """What a table has that is no part of its rows; `rules` are told with the name that it had first."""

    link: Link
    target: Relation
    old: Found
    rules: Sequence[str]
    indexes: Sequence[IndexOf] = ()

    def put_on(self, new: Found) -> None:
        """Give another table what it can have under its own name."""
        send = self.link.send
        if self.old.owner != new.owner:
            send(f"ALTER TABLE {new.named} OWNER TO {self.old.owner}")
        if new.holds_rows and self.old.holds_rows and self.old.has_keys:
            self.indexes = catalog.find_indexes(self.link, self.old.oid, new.oid)
            for index in self.indexes:
                if not index.can_be_moved:
                    raise cannot_be_moved(str(self.target), index.told, "it is no plain index")
                self._move(index.told, index.create)
            for told, text in catalog.find_constraints(self.link, self.old.oid, new.oid):
                self._move(told, text)
        if self.old.granted is None or self.old.granted != new.granted or "and columns" in self.old.granted:
            for text in catalog.find_grants(self.link, self.old.oid, new.oid):
                send(text)
        if self.old.has_comments:
            for text in catalog.find_comments(self.link, self.old.oid, new.oid):
                send(text)
        if new.holds_rows:
            # The server would not know what is in it until it finds the time.
            send(f"ANALYZE {new.named}")

    def finish(self, taken: Found) -> None:
        """Give the table that has the name now what only one of both can have."""
        for index in self.indexes:
            now = self.link.send("SELECT %(oid)s::bigint::regclass::text", {"oid": self.old.oid}).rows[0][0]
            self.link.send(index.drop % now if "%s" in index.drop else index.drop)
            self.link.send(index.rename)
            if index.comment is not None:
                self.link.send(index.comment)
        if taken.relkind == self.old.relkind:
            for text in self.rules:
                self.link.send(text)

    def _move(self, told: str, text: str) -> None:
        try:
            self.link.send(text)
        except TerminalWarehouseError as error:
            raise cannot_be_moved(str(self.target), told, error.message.splitlines()[0]) from error


def _lock(link: Link, target: Relation, old: Found, pause: Pause) -> tuple[Reader, ...]:
    """Have a table and all views on it for this transaction, in the order in which a reader takes them."""
    begun = time.monotonic()
    while True:
        # Before the SQL of views is asked for: the server locks what they read to tell it, until the transaction ends.
        link.send(_TRY)
        views = catalog.find_readers(link, old.oid)
        try:
            for view in (*(each.found for each in views), *(() if old.is_table else (old,))):
                # It changes nothing, and locks the view alone, where LOCK would lock all that it reads.
                link.send(f"ALTER TABLE {view.named} OWNER TO {view.owner}")
            if old.is_table:
                link.send(f"LOCK TABLE {old.named} IN ACCESS EXCLUSIVE MODE")
            readers = catalog.find_readers(link, old.oid, are_told=True)
        except WarehouseError as error:
            if not link.is_in_transaction or not _passes(error):
                raise
            link.send(_GIVE_UP)
            if timedelta(seconds=time.monotonic() - begun) >= link.place.wait:
                holders = catalog.find_holders(link, [old.oid, *(view.oid for view in views)])
                told = [wording.holder(*each) for each in holders]
                raise wording.lock_not_given(str(target), told, link.place.wait) from error
            pause(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 - nobody is to be kept from guessing it
            continue
        link.send(_HAVE)
        now = catalog.find_object(link, target)
        if now is None or now.oid != old.oid or [each.oid for each in readers] != [each.oid for each in views]:
            raise wording.replaced_meanwhile(str(target))
        return readers


def _passes(error: WarehouseError) -> bool:
    """Whether somebody else has a table or view, or has just dropped a view."""
    return isinstance(error, TransientWarehouseError) or isinstance(error.__cause__, psycopg.errors.UndefinedTable)


def _repoint(link: Link, target: Relation, readers: Sequence[Reader]) -> None:
    """Have the views that read the old table read the one that has its name now."""
    done: set[int] = set()
    # The nearest first: what is made anew takes those with it that read it.
    for view in reversed(readers):
        if not view.is_near or view.oid in done:
            continue
        if not view.is_materialized and _replace(link, view):
            continue
        tree = [view, *_readers_among(link, view, readers)]
        try:
            _make_anew(link, tree)
        except TerminalWarehouseError as error:
            said = error.message.splitlines()[0]
            told = would_break(str(target), [(str(each.relation), said) for each in tree])
            raise BreakingViewsError(told, [(each.relation.schema, each.relation.name) for each in tree]) from error
        done.update(each.oid for each in tree)


def _replace(link: Link, view: Reader) -> bool:
    """Keep the view and all that hangs on it, where its columns stay the same."""
    options = f" WITH ({view.options})" if view.options else ""
    link.send("SAVEPOINT sqlmat_view")
    try:
        link.send(f"CREATE OR REPLACE VIEW {view.named}{options} AS {view.sql}")
    except TerminalWarehouseError:
        link.send("ROLLBACK TO SAVEPOINT sqlmat_view; RELEASE SAVEPOINT sqlmat_view")
        return False
    link.send("RELEASE SAVEPOINT sqlmat_view")
    return True


def _readers_among(link: Link, view: Reader, readers: Sequence[Reader]) -> list[Reader]:
    """Those that read a view, the nearest first."""
    oids = [each.oid for each in reversed(catalog.find_readers(link, view.oid))]
    known = {each.oid: each for each in readers}
    return [known[oid] for oid in oids if oid in known]


def _make_anew(link: Link, tree: Sequence[Reader]) -> None:
    """Make views again, the nearest first, and drop those that had their names when all is moved."""
    rules = {view.oid: catalog.find_rules(link, view.oid, view.named) for view in tree}
    for view in tree:
        link.send(f"ALTER TABLE {view.named} RENAME TO {_old_name(view)}")
    for view in tree:
        options = f" WITH ({view.options})" if view.options else ""
        filled = "" if not view.is_materialized or view.is_populated else " WITH NO DATA"
        link.send(f"CREATE {_word(view)} {view.named}{options} AS {view.sql.rstrip().rstrip(';')}{filled}")
        made = catalog.find_object(link, view.relation)
        if made is not None:
            dress = _Dress(link, view.relation, view.found, rules[view.oid])
            dress.put_on(made)
            dress.finish(made)
    for view in reversed(tree):
        old = statements.table(replace(view.relation, name=_old_name(view))).sql("postgres")
        link.send(f"DROP {_word(view)} {old}")


def _old_name(view: Reader) -> str:
    return f"sqlmat_{view.oid}_old"


def _word(view: Reader) -> str:
    return "MATERIALIZED VIEW" if view.is_materialized else "VIEW"
