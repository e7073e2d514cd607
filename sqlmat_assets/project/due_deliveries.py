"""Which deliveries follow a publish: a part of the decision on tables, over values like it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.timings import State, Timing, Verdict


def follow_publishes(
    verdicts: list[Verdict],
    states: Sequence[State],
    delivered: Mapping[int, Sequence[int]],
    timings: Sequence[Timing],
) -> None:
    """Have what has no interval of its own delivered when its table is built, or was published since.

    Of a table of which nobody knows when it was published, such as one that an earlier release has built, nothing is
    new until it is built again.

    Args:
        verdicts: Of all tables, upstream first; those of deliveries that nothing else asks for are changed.
        states: Of all tables.
        delivered: Each delivery with what it delivers, by way of views too, as places in the two.
        timings: What stands at each place.
    """
    for place, reads in delivered.items():
        if verdicts[place].reason is not Reason.UNASKED:
            continue
        known = states[place].delivered
        is_new = any(
            verdicts[read].reason.is_build or _is_new(states[read], known.get(timings[read].relation)) for read in reads
        )
        verdicts[place] = Verdict(Reason.PUBLISHED if is_new else Reason.FRESH)


def _is_new(state: State, known: object) -> bool:
    return state.published_at is not None and state.published_at != known
