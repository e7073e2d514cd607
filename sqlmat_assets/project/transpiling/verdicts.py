"""How well a construct of one engine's SQL can be said in another's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is known of a construct on the other engine, the best first."""

    EXACT = "exact"
    """The engine has the same."""
    EMULATED = "emulated"
    """Another expression gives the same."""
    UNSUPPORTED = "unsupported"
    """Nothing is known to give the same, so nothing is tried."""


_ORDER = tuple(Verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a whole, by those on its parts.

    Examples:
        >>> worst([Verdict.EXACT, Verdict.EMULATED]), worst([])
        (<Verdict.EMULATED: 'emulated'>, <Verdict.EXACT: 'exact'>)
    """
    return max(verdicts, key=_ORDER.index, default=Verdict.EXACT)


@dataclass(frozen=True, slots=True)
class Construct:
    """A function or a form of SQL that is known: `page` is the vendor's, `note` what to know of it."""

    name: str
    verdict: Verdict
    page: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A construct in a text: where it begins, and why it is unsupported, where it is.

    `construct` is the one of the list, None where it is in none; `name` is what it is called there.
    """

    name: str
    verdict: Verdict
    start: int
    why: str | None = None
    construct: str | None = None
