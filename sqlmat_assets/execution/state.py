"""What sqlmat keeps in the schema `_sqlmat` of the warehouse: its tables, and the leases of its runs."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmat_assets.execution.budget import Purse
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.grantees import Grantees
from sqlmat_assets.execution.heartbeat import Heartbeat
from sqlmat_assets.execution.kept_records import prepare_kept
from sqlmat_assets.execution.names import backup_of, intermediate_of, is_kept, result_of, run_of
from sqlmat_assets.execution.partitions import fetch_partitioned
from sqlmat_assets.execution.records import SCHEMA, Record, by_key, fetch_records, key_of, prepare_records
from sqlmat_assets.execution.versions import fetch_versioned, prepare_versions, refuse_put_back_since
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.base import Capabilities, ObjectKind, Session, Statement

LEASES = Relation(SCHEMA, "leases")

_LEASES_COLUMNS = (("run", "text"), ("host", "text"), ("pid", "bigint"), ("expires_at", "timestamp"))

# As long as what a run has left behind stays, when it ended without a word on another machine.
LEASE_LASTS = timedelta(minutes=15)
_RENEW_AFTER = LEASE_LASTS / 3


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in a table's place: its kind, what sqlmat has recorded of it, and whether partitions and versions too."""

    in_place: ObjectKind | None
    record: Record | None
    is_partitioned: bool = False
    has_versions: bool = False

    @property
    def is_foreign(self) -> bool:
        """Whether somebody else made what is there."""
        return self.in_place is not None and self.record is None


class RunState:
    """What one run has learned of the warehouse, so that it asks once and not once per table.

    It may be out of date; then the engine refuses the swap that was based on it, and `refresh` asks again.
    """

    def __init__(self, renew_after: timedelta = _RENEW_AFTER) -> None:
        self.heartbeat = Heartbeat(renew_after)
        self.grantees = Grantees()
        self.purse = Purse()
        self._guard = threading.RLock()
        self._kinds: dict[str, dict[str, ObjectKind]] = {}
        self._records: dict[tuple[str, str], Record] = {}
        self._partitioned: set[tuple[str, str]] = set()
        self._versioned: frozenset[tuple[str, str]] = frozenset()
        self._leased_until: datetime | None = None
        self._has_views_of_others: bool | None = None

    def prepare(
        self, session: Session, target: Relation, capabilities: Capabilities, run: Run, now: datetime
    ) -> Standing:
        """Have a lease, the target's schema, and nothing in it that is left over; then tell what is in place."""
        with self._guard:
            if self._leased_until is None:
                self._begin(session, capabilities, run, now)
            self.renew_lease(session, run, now)
            schema = capabilities.fold(target.schema)
            if schema not in self._kinds:
                session.execute(statements.create_schema(target.schema))
                kinds = session.fetch_kinds(target.schema)
                swept = sweep(session, target.schema, kinds, run, now)
                self._kinds[schema] = {capabilities.fold(n): kind for n, kind in kinds.items() if n not in swept}
            for name_of in (result_of, intermediate_of, backup_of):
                # An earlier attempt of this run, in a process that is gone, may have left it.
                own = name_of(target, run.id, capabilities)
                kind = self._kinds[schema].pop(capabilities.fold(own.name), None)
                if kind is not None:
                    session.execute(drop_of(own, kind))
            standing = self._standing(target, capabilities)
            # What is there was listed after the records were read: another run may have published it in between.
            return self.refresh(session, target, capabilities) if standing.is_foreign else standing

    def renew_lease(self, session: Session, run: Run, now: datetime) -> None:
        """Have the lease last for its whole time again, if more than a third of it has passed."""
        with self._guard:
            if self._leased_until is not None and self._leased_until - now < LEASE_LASTS - _RENEW_AFTER:
                _write_lease(session, run, now)
                self._leased_until = now + LEASE_LASTS

    def refresh(self, session: Session, target: Relation, capabilities: Capabilities) -> Standing:
        """Ask again what is in the target's place.

        Raises:
            MaterializeError: A person has put an earlier version of it back since the run looked.
        """
        with self._guard:
            known = self._records.get(key_of(target, capabilities))
            kinds = session.fetch_kinds(target.schema)
            self._kinds[capabilities.fold(target.schema)] = {capabilities.fold(n): kind for n, kind in kinds.items()}
            self._read_records(session, capabilities)
            standing = self._standing(target, capabilities)
        if known is not None and standing.record is not None:
            refuse_put_back_since(known, standing.record)
        return standing

    def regranted(self, record: Record, capabilities: Capabilities) -> None:
        """Take note of who may read a table now."""
        with self._guard:
            self._records[key_of(record.relation, capabilities)] = record

    def recorded(self, relations: Iterable[Relation], capabilities: Capabilities) -> list[Record] | None:
        """What is recorded of each of some tables; None where that of one is not known."""
        with self._guard:
            found = [self._records.get(key_of(relation, capabilities)) for relation in relations]
        return None if None in found else [record for record in found if record is not None]

    def kind_of(self, relation: Relation, capabilities: Capabilities) -> ObjectKind | None:
        """What was in a place when the run listed what is in its schema."""
        schema, name = key_of(relation, capabilities)
        with self._guard:
            return self._kinds.get(schema, {}).get(name)

    def has_views_of_others(self, session: Session, capabilities: Capabilities) -> bool:
        """Whether anybody else has made a view in the database; asked once in a run."""
        with self._guard:
            if self._has_views_of_others is None:
                views = session.fetch_views()
                self._has_views_of_others = not all(self.is_ours(view, capabilities) for view, _ in views)
            return self._has_views_of_others

    def is_ours(self, relation: Relation, capabilities: Capabilities) -> bool:
        """Whether sqlmat has made a table or view, as far as the run knows."""
        with self._guard:
            return key_of(relation, capabilities) in self._records or is_reserved(relation, capabilities)

    def published(self, record: Record, capabilities: Capabilities, *, is_partitioned: bool = False) -> None:
        """Take note of what this run has recorded of a table that is in place."""
        with self._guard:
            schema, name = key_of(record.relation, capabilities)
            (self._partitioned.add if is_partitioned else self._partitioned.discard)((schema, name))
            self._records[schema, name] = record
            self._kinds[schema][name] = "view" if record.is_view else "table"

    def _standing(self, target: Relation, capabilities: Capabilities) -> Standing:
        schema, name = key_of(target, capabilities)
        in_place, record = self._kinds[schema].get(name), self._records.get((schema, name))
        return Standing(in_place, record, (schema, name) in self._partitioned, (schema, name) in self._versioned)

    def _begin(self, session: Session, capabilities: Capabilities, run: Run, now: datetime) -> None:
        prepare_records(session)
        prepare_kept(session)
        prepare_versions(session)
        session.execute(statements.create_table(LEASES, _LEASES_COLUMNS))
        _write_lease(session, run, now)
        self._read_records(session, capabilities)
        # Last, so that a failure on the way has all of it done again.
        self._leased_until = now + LEASE_LASTS

    def _read_records(self, session: Session, capabilities: Capabilities) -> None:
        self._records = by_key(fetch_records(session), capabilities)
        self._partitioned = {key_of(relation, capabilities) for relation in fetch_partitioned(session)}
        self._versioned = frozenset(key_of(relation, capabilities) for relation in fetch_versioned(session))


def is_reserved(relation: Relation, capabilities: Capabilities) -> bool:
    """Whether a name is for what sqlmat keeps itself: such a table would be swept, or mistaken for the record."""
    name = capabilities.fold(relation.name)
    return capabilities.fold(relation.schema) == SCHEMA or run_of(name) is not None or is_kept(name)


def _write_lease(session: Session, run: Run, now: datetime) -> None:
    """Have a lease from now on, and forget those that have expired."""
    holder = {"run": run.id, "host": socket.gethostname(), "pid": os.getpid()}
    lease = {**holder, "expires_at": now + LEASE_LASTS}
    with session.transaction():
        session.execute(statements.delete_rows(LEASES, statements.equal(holder)))
        session.execute(statements.delete_rows(LEASES, statements.before("expires_at", now)))
        session.execute(statements.insert_values(LEASES, lease))


def sweep(session: Session, schema: str, kinds: dict[str, ObjectKind], run: Run, now: datetime) -> frozenset[str]:
    """Drop what runs that are over have left in a schema: their lease has expired, or their process is gone.

    Args:
        session: Where to drop.
        schema: The schema to look at.
        kinds: What is in the schema; listed before the leases are read, so that whatever is listed had its lease.
        run: The run that sweeps; its own tables stay.
        now: The time.

    Returns:
        The names that were dropped.
    """
    made_by = {name: run_of(name) for name in kinds if run_of(name) is not None}
    if not made_by:
        return frozenset()
    alive = {run.id, *_living_runs(session, now)}
    over = frozenset(name for name, maker in made_by.items() if maker not in alive)
    for name in sorted(over):
        session.execute(drop_of(Relation(schema, name), kinds[name]))
    return over


def drop_of(relation: Relation, kind: ObjectKind) -> Statement:
    """`DROP TABLE IF EXISTS`, or `VIEW`."""
    if kind == "view":
        return row_statements.drop_view_if_exists(relation)
    return statements.drop_table(relation, if_exists=True)


def _living_runs(session: Session, now: datetime) -> frozenset[str]:
    found = session.fetch_rows(statements.select_columns(LEASES, [name for name, _ in _LEASES_COLUMNS]))
    return frozenset(
        str(run)
        for run, host, pid, expires_at in found.rows
        if expires_at.replace(tzinfo=UTC) > now and (host != socket.gethostname() or _is_running(int(pid)))
    )


def _is_running(pid: int) -> bool:
    if pid == os.getpid() or Path("/proc", str(pid)).exists():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
