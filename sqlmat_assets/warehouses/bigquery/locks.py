"""Who publishes a table, and what he is about to do.

A lock is an empty table in the dataset of the state, made by a request that fails where there is one. What is planned
stands in the descriptions of its columns, which are as long as is needed. Whoever comes upon the lock of somebody who
is gone completes what that one had begun to do, or removes what he had prepared. Nothing of it depends on clocks but
how long is waited for somebody on another machine: what was given up can no longer be done, since the id of its job is
taken, and a lock that was removed can no longer be written.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, WarehouseError
from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.link import STATE, Link, Resource
from sqlmat_assets.warehouses.bigquery.steps import Performer, Plan, from_text, to_text

_PREFIX = "publishing_"
_LONGEST_NAME = 200
_LONGEST_CHUNK = 1000
# After so long nobody on another machine is taken to be at it, where no job of his runs.
_SILENCE = timedelta(minutes=5)
_POLL_SECONDS = 0.1
_LONGEST_POLL_SECONDS = 2.0
_ALIVE: set[str] = set()


@dataclass(frozen=True, slots=True)
class Lock:
    """One that was found or made.

    `plan` is None while nothing is decided; of its steps the first `undone` are being taken back.
    """

    relation: Relation
    target: Relation
    owner: str
    host: str
    pid: int
    run: str
    since: datetime
    token: str
    plan: Plan | None = None
    undone: int | None = None
    etag: str | None = None

    @property
    def is_abandoned(self) -> bool:
        """Whether whoever made it is gone, or has not been heard of for long."""
        if self.host == socket.gethostname():
            return self.owner not in _ALIVE if self.pid == os.getpid() else not _is_running(self.pid)
        return datetime.now(UTC) - self.since > _SILENCE

    @property
    def holder(self) -> str:
        """Who it is, for people."""
        return f"the run `{self.run}` on `{self.host}`"


@contextmanager
def alive(owner: str) -> Generator[None]:
    """Have a session count as one that is there."""
    _ALIVE.add(owner)
    try:
        yield
    finally:
        _ALIVE.discard(owner)


def acquire(link: Link, target: Relation, owner: str, token: str) -> Lock:
    """Have the lock of a table, waiting while somebody else has it.

    Raises:
        MaterializeError: Somebody else has it for longer than is waited.
    """
    place = Relation(STATE, _name(target))
    wanted = Lock(
        place,
        target,
        owner,
        socket.gethostname(),
        os.getpid(),
        link.tags.labels.get("run", ""),
        datetime.now(UTC),
        token,
    )
    deadline = time.monotonic() + link.place.wait.total_seconds()
    pause = _POLL_SECONDS
    while (made := _create(link, wanted)) is None:
        found = _read(link, place)
        if found is None or _settle(link, found, is_over=found.owner == owner or found.is_abandoned):
            continue
        if time.monotonic() > deadline:
            since = f"{found.since:%Y-%m-%d %H:%M} UTC"
            raise wording.is_published_by(str(target), found.holder, since)
        link.pause(pause)
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)
    return replace(wanted, etag=made.get("etag"))


def _create(link: Link, wanted: Lock) -> Resource | None:
    try:
        return link.tables.create_table(_resource(link, wanted))
    except TerminalWarehouseError as error:
        if "Not found: Dataset" not in error.message:
            raise
    link.tables.create_schema(STATE)
    return link.tables.create_table(_resource(link, wanted))


def write(link: Link, lock: Lock, plan: Plan, undone: int | None = None) -> Lock:
    """Write down what is going to be done, or how many steps are taken back, and give the lock as it is then.

    Raises:
        MaterializeError: The lock is somebody else's by now.
    """
    resource = _resource(link, lock, plan, undone)
    changes = {"schema": resource["schema"], "description": resource["description"]}
    written = link.tables.patch_table(lock.relation, changes, lock.etag)
    if written is None:
        raise wording.lost_its_place(str(lock.target))
    return replace(lock, etag=written.get("etag"))


def release(link: Link, lock: Lock) -> None:
    """Let others publish the table."""
    link.tables.delete_table(lock.relation)


def recover(link: Link) -> None:
    """Complete what others have begun and not ended, or remove what they have prepared.

    What is going on is left to who is at it, but where the rows are in place and only the record of them is missing:
    that is completed for him, so that nobody reads a record of other rows.
    """
    for each in link.tables.list_tables(STATE):
        name = str(each["tableReference"]["tableId"])
        if name.startswith(_PREFIX):
            found = _read(link, Relation(STATE, name))
            if found is not None:
                # Whoever needs that table will hear of it.
                with suppress(WarehouseError):
                    _settle(link, found, is_over=found.is_abandoned)


def settle_own(link: Link, owner: str) -> None:
    """Complete what a session has begun itself, or take it back, when the connection was lost meanwhile."""
    for each in link.tables.list_tables(STATE):
        name = str(each["tableReference"]["tableId"])
        if name.startswith(_PREFIX):
            found = _read(link, Relation(STATE, name))
            if found is not None and found.owner == owner:
                _settle(link, found, is_over=True)


def _settle(link: Link, lock: Lock, *, is_over: bool) -> bool:
    """Bring what a lock stands for to its end, and tell whether the lock is gone.

    Args:
        link: Where.
        lock: It.
        is_over: Whether nobody is at it any more.
    """
    plan = lock.plan
    if plan is None:
        if not is_over:
            return False
        release(link, lock)
        return True
    performer = Performer(link, lock.token)
    if lock.undone is not None:
        if not is_over:
            return False
        performer.undo(enumerate(plan.steps[: lock.undone]))
        _release_all(link, lock)
        return True
    has_happened = _has_happened(link, performer, plan)
    if has_happened is None or (not has_happened and not is_over):
        return False
    if has_happened:
        performer.perform(plan, plan.decisive + 1)
    elif _fence(link, performer, plan):
        performer.undo((place, plan.steps[place]) for place in range(plan.decisive))
    else:
        return False
    _release_all(link, lock)
    return True


def _release_all(link: Link, lock: Lock) -> None:
    """Remove the lock of each table of a publish that is over; this one last, so that it is found until then."""
    for each in link.tables.list_tables(STATE):
        name = str(each["tableReference"]["tableId"])
        if name.startswith(_PREFIX) and name != lock.relation.name:
            other = _read(link, Relation(STATE, name))
            if other is not None and other.token == lock.token:
                release(link, other)
    release(link, lock)


def _has_happened(link: Link, performer: Performer, plan: Plan) -> bool | None:
    """Whether the job that decides was done; None while it runs."""
    attempt = 0
    while True:
        job = link.find_job(performer.job_id(plan.decisive, attempt))
        if job is None:
            return False
        if job.state != "DONE":
            return None
        if job.error_result is None:
            return True
        attempt += 1


def _fence(link: Link, performer: Performer, plan: Plan) -> bool:
    """Take the id of the job that would decide, so that it can no longer be sent; whether that came about."""
    attempt = 0
    while link.find_job(performer.job_id(plan.decisive, attempt)) is not None:
        attempt += 1
    fence = f"ASSERT FALSE AS '{_FENCED}'"
    try:
        link.run(fence, performer.job_id(plan.decisive, attempt))
    except MaterializeError as error:
        return _FENCED in str(error)
    return False


_FENCED = "sqlmat: given up by another run"


def _resource(link: Link, lock: Lock, plan: Plan | None = None, undone: int | None = None) -> Resource:
    told = {
        "owner": lock.owner,
        "host": lock.host,
        "pid": lock.pid,
        "run": lock.run,
        "since": lock.since.isoformat(),
        "token": lock.token,
        "target": [lock.target.schema, lock.target.name],
        "undone": undone,
    }
    text = "" if plan is None else to_text(plan)
    chunks = [text[start : start + _LONGEST_CHUNK] for start in range(0, len(text), _LONGEST_CHUNK)]
    kept = [{"name": "lock", "type": "STRING", "mode": "NULLABLE"}]
    kept += [
        {"name": f"part_{number}", "type": "STRING", "mode": "NULLABLE", "description": chunk}
        for number, chunk in enumerate(chunks)
    ]
    reference = {"projectId": link.place.project, "datasetId": link.place.state, "tableId": lock.relation.name}
    return {"tableReference": reference, "description": json.dumps(told), "schema": {"fields": kept}}


def _read(link: Link, place: Relation) -> Lock | None:
    found = link.tables.find_table(place)
    if found is None:
        return None
    try:
        told: Any = json.loads(found.get("description") or "")
    except ValueError:
        return None
    fields = found["schema"]["fields"]
    parts = {str(each["name"]): str(each.get("description", "")) for each in fields}
    count = sum(name.startswith("part_") for name in parts)
    text = "".join(parts[f"part_{number}"] for number in range(count))
    return Lock(
        place,
        Relation(*told["target"]),
        told["owner"],
        told["host"],
        int(told["pid"]),
        told["run"],
        datetime.fromisoformat(told["since"]),
        told["token"],
        from_text(text) if text else None,
        told["undone"],
        found.get("etag"),
    )


def _name(target: Relation) -> str:
    whole = f"{target.schema}__{target.name}"
    digest = blake2b(str(target).encode(), digest_size=6).hexdigest()
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in whole)[:_LONGEST_NAME]
    return f"{_PREFIX}{kept}_{digest}"


def _is_running(pid: int) -> bool:
    if Path("/proc", str(pid)).exists():
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
