"""What is noted of a table beside its record, and goes where the table goes: to a version of it, and back."""

from __future__ import annotations

from sqlmat_assets.execution.journal import copy_loaded, forget_loaded, move_loaded, prepare_journal
from sqlmat_assets.execution.partitions import copy_partitions, forget_partitions, move_partitions, prepare_partitions
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


def prepare_kept(session: Session) -> None:
    """Have the tables of what is noted."""
    prepare_partitions(session)
    prepare_journal(session)


def copy_kept(session: Session, relation: Relation, copy: Relation) -> None:
    """Note the same of another table."""
    copy_partitions(session, relation, copy)
    copy_loaded(session, relation, copy)


def move_kept(session: Session, before: Relation, now: Relation) -> None:
    """Note of a name what was noted of another one, in the place of what was noted of it."""
    forget_kept(session, now)
    move_partitions(session, before, now)
    move_loaded(session, before, now)


def forget_kept(session: Session, relation: Relation) -> None:
    """Note nothing more of a table."""
    forget_partitions(session, relation)
    forget_loaded(session, relation)
