"""Which tables have begun to fail and which do no longer, of those that people have been told of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlmat_assets.project.due import new_failures
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.timings import Decision, State, Verdict
from sqlmat_assets.relation import Relation

# Of an edited table that has failed, nobody knows yet whether it still does.
_UNKNOWN_YET = frozenset({Reason.NEW, Reason.CHANGED, Reason.RUNNING, Reason.WAITING, Reason.HELD, Reason.QUARANTINED})


@dataclass(frozen=True, slots=True)
class Alerts:
    """What to tell: tables that have `begun` to fail, those that have `recovered`, and those that fail `still`.

    A table that was told of and is no longer there is in none of them.
    """

    begun: tuple[Relation, ...]
    recovered: tuple[Relation, ...]
    still: tuple[Relation, ...]


def find_alerts(decision: Decision, states: Mapping[Relation, State], told: Collection[Relation]) -> Alerts:
    """Compare what fails with what people have been told.

    Args:
        decision: What is to be done with each table.
        states: What has become of them.
        told: The tables of which people know that they fail.
    """
    begun = new_failures(decision, told)
    still: list[Relation] = []
    recovered: list[Relation] = []
    for relation in sorted(told):
        verdict = decision.verdicts.get(relation)
        if verdict is not None:
            (still if _may_still_fail(verdict, states.get(relation, State())) else recovered).append(relation)
    return Alerts(begun, tuple(recovered), tuple(still))


def _may_still_fail(verdict: Verdict, state: State) -> bool:
    """Whether a table that failed has not been built since; an edited one has no failures, and no new rows either."""
    return state.failures > 0 or verdict.reason in _UNKNOWN_YET
