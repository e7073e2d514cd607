"""Doing what a draft puts down: all of it, or nothing."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sqlmat_assets.errors import MaterializeError, TransientWarehouseError
from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery import locks as locks_
from sqlmat_assets.warehouses.bigquery.draft import Draft
from sqlmat_assets.warehouses.bigquery.link import Link
from sqlmat_assets.warehouses.bigquery.locks import Lock
from sqlmat_assets.warehouses.bigquery.planning import Planner
from sqlmat_assets.warehouses.bigquery.statements import is_private
from sqlmat_assets.warehouses.bigquery.steps import Performer, Plan


@dataclass(slots=True)
class Locks:
    """Those that a transaction has; they stay where it is not known what became of it."""

    link: Link
    owner: str
    token: str
    held: list[Lock] = field(default_factory=list[Lock])
    stay: bool = False

    def add(self, relations: Sequence[Relation]) -> bool:
        """Have the locks of some tables, and tell whether any is new.

        They are taken in one order by all, so that nobody waits for whom he keeps waiting.
        """
        new = sorted(set(relations) - {lock.target for lock in self.held})
        for relation in new:
            self.held.append(locks_.acquire(self.link, relation, self.owner, self.token))
        return bool(new)

    def write(self, plan: Plan, undone: int | None = None) -> None:
        """Write down what is going to be done, or how many steps are taken back."""
        self.held = [locks_.write(self.link, lock, plan, undone) for lock in self.held]


@contextmanager
def locked(link: Link, published: Sequence[Relation], owner: str) -> Generator[Locks]:
    """Have nobody else publish some tables meanwhile."""
    locks = Locks(link, owner, link.new_id())
    try:
        locks.add(published)
        yield locks
    finally:
        if not locks.stay:
            for lock in locks.held:
                # Of one that cannot be removed the owner will be gone.
                with suppress(MaterializeError):
                    locks_.release(link, lock)


def commit(link: Link, draft: Draft, locks: Locks) -> None:
    """Do it.

    Raises:
        MaterializeError: It was refused, and nothing has happened; or the connection was lost.
    """
    if draft.is_empty:
        return
    if locks.add(draft.published):
        # What was looked at before may be something else now.
        draft.forget()
    planner = Planner(link, draft)
    plan = planner.plan()
    performer = Performer(link, locks.token)
    if not any(step.is_job for step in plan.steps) or (plan.is_one_job and len(plan.steps) == 1):
        try:
            performer.perform(plan)
        except MaterializeError:
            performer.undo(enumerate(plan.steps[: performer.done]))
            raise
        return
    # Nobody knows of what a run has for itself; what is left of it is swept.
    is_told = any(not is_private(lock.target) for lock in locks.held)
    if is_told:
        locks.write(plan)
    locks.stay = is_told
    try:
        performer.perform(plan)
        for relation, dress in planner.dresses.items():
            if dress.is_guarded:
                dress.verify(link, relation)
    except TransientWarehouseError as error:
        if performer.done <= plan.decisive and error.message == wording.CHANGED:
            _take_back(plan, performer, locks)
            raise
        target = str(locks.held[0].target) if locks.held else ""
        raise wording.outcome_unknown(target, error.message.splitlines()[0]) from error
    except MaterializeError:
        if performer.done < plan.essential or planner.dresses:
            _take_back(plan, performer, locks)
        locks.stay = False
        raise
    locks.stay = False


def _take_back(plan: Plan, performer: Performer, locks: Locks) -> None:
    """Have everything as it was."""
    done = performer.done
    if done > plan.decisive and locks.stay:
        locks.write(plan, done)
    performer.undo((place, plan.steps[place]) for place in range(done))
    locks.stay = False
