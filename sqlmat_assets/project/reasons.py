"""Why a table is built or is not, and how a run says it of all its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sqlmat_assets.relation import Relation


class Reason(StrEnum):
    """Why a table is built now, or why it is not."""

    NEW = "new"
    CHANGED = "changed"
    DUE = "due"
    SCHEDULED = "scheduled"
    READ = "read by a scheduled table"
    PUBLISHED = "its table was published"
    RETRY = "retry"
    ARRIVED = "arrived"

    FRESH = "fresh"
    UNASKED = "nothing asks for it"
    VIEW = "a view"
    RUNNING = "running"
    WAITING = "waits for a running table"
    OUTSIDE = "outside its hours"
    BACKING_OFF = "backing off"
    HELD = "held"
    PUT_BACK = "put back"
    QUARANTINED = "quarantined"

    @property
    def is_build(self) -> bool:
        """Whether the table is built for this reason."""
        return self in _BUILDS

    @property
    def may_be_skipped(self) -> bool:
        """Whether such a build is for age alone, so that it may be left out where nothing that it reads changed.

        A view is in a run only to stand between what it reads and what reads it.
        """
        return self in _FOR_AGE


# Clocks are read at other moments than those that are asked for, if only by a little.


_BY_CLOCK = frozenset({Reason.DUE, Reason.SCHEDULED, Reason.READ})
_BUILDS = _BY_CLOCK | {Reason.NEW, Reason.CHANGED, Reason.PUBLISHED, Reason.RETRY, Reason.ARRIVED}
_FOR_AGE = _BY_CLOCK | {Reason.VIEW}


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why each table of one run is built, as one short text that people can read and `parse` understands.

    `due`, or `due; new: first.a, first.b; retry: first.c`: the commonest reason, then the tables with another one.
    """

    commonest: Reason | None = None
    others: Mapping[Relation, Reason] = field(default_factory=dict[Relation, Reason], hash=False)

    @classmethod
    def of(cls, builds: Mapping[Relation, Reason]) -> Reasons:
        """The reasons of a group."""
        counts = Counter(builds.values())
        commonest = max(Reason, key=lambda reason: counts[reason])
        others = {relation: builds[relation] for relation in sorted(builds) if builds[relation] is not commonest}
        return cls(commonest if builds else None, others)

    @classmethod
    def parse(cls, text: str) -> Reasons:
        """Read what `str` has written; a text that is none gives no reason for any table.

        Examples:
            >>> Reasons.parse("due; new: first.a").reason(Relation("first", "b"))
            <Reason.DUE: 'due'>
            >>> Reasons.parse("just so").reason(Relation("first", "b"))
        """
        # No table has white space in its name, so that a comma or a semicolon in one is no harm.
        first, *rest = text.split("; ")
        others: dict[Relation, Reason] = {}
        try:
            commonest = _parse_build(first)
            for part in rest:
                name, _, tables = part.partition(": ")
                others |= dict.fromkeys(map(Relation.of, tables.split(", ")), _parse_build(name))
        except ValueError:
            return cls()
        return cls(commonest, others)

    def reason(self, relation: Relation) -> Reason | None:
        """Why this table is built; None when nobody knows."""
        return self.others.get(relation, self.commonest)

    def __str__(self) -> str:
        parts = [] if self.commonest is None else [str(self.commonest)]
        for reason in Reason:
            tables = ", ".join(str(relation) for relation, other in self.others.items() if other is reason)
            parts += [f"{reason}: {tables}"] if tables else []
        return "; ".join(parts)


def _parse_build(text: str) -> Reason:
    reason = Reason(text)
    if not reason.is_build and reason is not Reason.VIEW:
        raise ValueError(text)
    return reason
