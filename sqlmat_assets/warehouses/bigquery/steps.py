"""What a publish comes to: steps of which each can be done again without doing it twice, and most can be undone.

A job has an id that follows from the publish and the place of the step in it. BigQuery takes no id twice, so whoever
does a step once more, be it this session or another one that completes the publish, gets the job that there is.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlmat_assets.errors import TransientWarehouseError, WarehouseError
from sqlmat_assets.errors.bigquery import CHANGED
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.link import Copy, Link, Resource

_STATE_GUARD = threading.Lock()
StepKind = Literal["query", "copy", "delete", "patch", "delete_schema", "grant"]
_MOST_PAUSE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Step:
    """One request, or one job.

    Args:
        kind: A query (also DDL and scripts), a copy job, the deletion of a table, a change of what is told of one, or
            of who may read it.
        text: Of a query; the name of a dataset.
        relation: What is deleted, changed, or copied over.
        source: What is copied.
        disposition: Of a copy.
        at: The moment (milliseconds since 1970) as of which is copied.
        partition: The only one that is copied, and over the same one.
        changes: Of a patch, or the bindings of a grant.
        undo: What takes it back, in order.
        is_state: Whether it changes what sqlmat knows, which one does after the other.
    """

    kind: StepKind
    text: str = ""
    relation: Relation | None = None
    source: Relation | None = None
    disposition: str = "WRITE_EMPTY"
    at: int | None = None
    partition: str | None = None
    changes: Resource = field(default_factory=dict[str, Any])
    undo: tuple[Step, ...] = ()
    is_state: bool = False

    @property
    def is_job(self) -> bool:
        return self.kind in ("query", "copy")

    @property
    def is_of_ours(self) -> bool:
        """Whether it is about a table that nobody but sqlmat knows of."""
        return self.kind == "delete_schema" or (self.relation is not None and "__sqlmat_" in self.relation.name)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a publish. Before the one that is `decisive` is done, nothing has happened; then all will.

    Of the `essential` ones none can be left out; what follows them cleans up.
    """

    steps: tuple[Step, ...] = ()
    decisive: int = 0
    essential: int = 0

    @property
    def is_one_job(self) -> bool:
        """Whether it is done at once or not at all without anybody's help."""
        jobs = [step for step in self.steps if step.is_job]
        return len(jobs) == 1 and self.steps[-1].kind == "query"


def query(text: str, *undo: Step, is_state: bool = False) -> Step:
    """A query."""
    return Step("query", text=text, undo=undo, is_state=is_state)


def delete(relation: Relation) -> Step:
    """The deletion of a table or view, which may be gone already."""
    return Step("delete", relation=relation)


def copy(
    source: Relation,
    target: Relation,
    disposition: str,
    *undo: Step,
    at: int | None = None,
    partition: str | None = None,
) -> Step:
    """A copy job."""
    return Step("copy", relation=target, source=source, disposition=disposition, at=at, partition=partition, undo=undo)


def patch(relation: Relation, changes: Resource) -> Step:
    """A change of what is told of a table."""
    return Step("patch", relation=relation, changes=changes)


class Performer:
    """Does the steps of one publish, whose `token` no other one has."""

    def __init__(self, link: Link, token: str) -> None:
        self._link = link
        self.token = token
        self.done = 0

    def perform(self, plan: Plan, first: int = 0) -> None:
        """Do the steps from one on.

        Raises:
            MaterializeError: One was refused.
        """
        self.done = first
        for place in range(first, len(plan.steps)):
            try:
                self.do(place, plan.steps[place])
            except WarehouseError:
                # What stays of what only a run has known is swept by a later one; a version that nobody notes is in
                # nobody's way.
                if place < plan.essential or not plan.steps[place].is_of_ours:
                    raise
            self.done = place + 1

    def undo(self, steps: Iterable[tuple[int, Step]]) -> None:
        """Take steps back, the last of them first; what one needs that was never done is left out."""
        for place, step in reversed(list(steps)):
            for number, each in enumerate(step.undo):
                self.do(place, each, f"u{number}_")

    def do(self, place: int, step: Step, word: str = "") -> None:
        """Do one step; a job again under the next id where it fails for a reason that passes."""
        match step.kind:
            case "delete":
                assert step.relation is not None  # noqa: S101 - it has one
                self._link.tables.delete_table(step.relation)
            case "delete_schema":
                self._link.tables.delete_schema(step.text)
            case "grant":
                assert step.relation is not None  # noqa: S101 - it has one
                self._link.tables.set_bindings(step.relation, step.changes["bindings"])
            case "patch":
                assert step.relation is not None  # noqa: S101 - it has one
                self._link.tables.patch_table(step.relation, step.changes)
            case _:
                # Two transactions that change the same table do not wait for each other.
                with _STATE_GUARD if step.is_state else nullcontext():
                    self._do_job(step, lambda attempt: self.job_id(place, attempt, word))

    def job_id(self, place: int, attempt: int, word: str = "") -> str:
        """The id of a job."""
        return f"{self.token}_{word}{place}_{attempt}"

    def _do_job(self, step: Step, job_id: Callable[[int], str]) -> None:
        deadline = time.monotonic() + self._link.place.wait.total_seconds()
        attempt = 0
        while True:
            try:
                self._send(step, job_id(attempt))
            except TransientWarehouseError as error:
                if time.monotonic() > deadline or error.message == CHANGED:
                    raise
            else:
                return
            # Somebody else changes the same table: each waits for another time.
            self._link.pause(random.uniform(0.05, min(0.1 * 2**attempt, _MOST_PAUSE_SECONDS)))  # noqa: S311 - no secret
            if self._link.find_job(job_id(attempt)) is not None:
                attempt += 1

    def _send(self, step: Step, job_id: str) -> None:
        if step.kind == "query":
            self._link.run(step.text, job_id)
            return
        assert step.source is not None and step.relation is not None  # noqa: PT018, S101 - a copy has both
        self._link.copy(Copy(step.source, step.relation, step.disposition, step.at, step.partition), job_id)


def to_text(plan: Plan) -> str:
    """A plan as it is written down."""
    numbers = {"decisive": plan.decisive, "essential": plan.essential}
    return json.dumps({**numbers, "steps": [_to_json(step) for step in plan.steps]})


def from_text(text: str) -> Plan:
    """A plan that was written down."""
    found = json.loads(text)
    steps = tuple(_from_json(each) for each in found["steps"])
    return Plan(steps, int(found["decisive"]), int(found["essential"]))


def _to_json(step: Step) -> Resource:
    told: Resource = {"kind": step.kind}
    for name in ("text", "at", "partition", "changes"):
        if getattr(step, name):
            told[name] = getattr(step, name)
    for name in ("relation", "source"):
        relation = getattr(step, name)
        if relation is not None:
            told[name] = [relation.schema, relation.name]
    if step.kind == "copy":
        told["disposition"] = step.disposition
    if step.is_state:
        told["is_state"] = True
    if step.undo:
        told["undo"] = [_to_json(each) for each in step.undo]
    return told


def _from_json(told: Resource) -> Step:
    return Step(
        told["kind"],
        told.get("text", ""),
        _relation(told.get("relation")),
        _relation(told.get("source")),
        told.get("disposition", "WRITE_EMPTY"),
        told.get("at"),
        told.get("partition"),
        told.get("changes", {}),
        tuple(_from_json(each) for each in told.get("undo", ())),
        bool(told.get("is_state")),
    )


def _relation(told: Sequence[str] | None) -> Relation | None:
    return None if told is None else Relation(told[0], told[1])
