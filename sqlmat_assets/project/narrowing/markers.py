"""`@partition_start` and `@partition_end` in a query."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import partitions as wording
from sqlmat_assets.project.narrowing.demands import moment
from sqlmat_assets.project.narrowing.kinds import Kind
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.project.partitions.spec import Partitioning, TimePartitioning
from sqlmat_assets.project.positions import Positions

START, END = "partition_start", "partition_end"


@dataclass(frozen=True, slots=True)
class Marker:
    """One place where a query names a bound, in lower case and without the sign; `text[start:end]` is all of it."""

    name: str
    start: int
    end: int

    @property
    def is_known(self) -> bool:
        """Whether it has a value."""
        return self.name in (START, END)


def find_markers(text: str, dialect: str) -> tuple[Marker, ...]:
    """Find the names that begin with `@partition`, outside of strings and comments; a query's other parameters stay."""
    try:
        tokens = Dialect.get_or_raise(dialect).tokenize(text)
    except SqlglotError:
        return ()
    return tuple(
        Marker(name.text.lower(), sign.start, name.end + 1)
        for sign, name in pairwise(tokens)
        if sign.token_type is TokenType.PARAMETER
        and sign.text == "@"
        and name.start == sign.end + 1
        and name.text.lower().startswith("partition")
    )


def marker_problems(
    text: str, dialect: str, path: str, partitioning: Partitioning | None, *, is_known: bool = True
) -> Iterator[Problem]:
    """Say which names have no value.

    Args:
        text: The file.
        dialect: How it is written.
        path: For the problems.
        partitioning: That of the table, or None.
        is_known: Whether `partitioning` is right; False where the setting itself has a problem.
    """
    positions = Positions(text, path)
    for marker in find_markers(text, dialect):
        place, written = positions.place(marker.start), text[marker.start : marker.end]
        if not marker.is_known:
            # BigQuery's own parameters may be called so.
            near = difflib.get_close_matches(marker.name, [START, END], n=1, cutoff=0.6)
            if near or dialect != "bigquery":
                problem = wording.unknown_marker(place, written, f"@{near[0] if near else START}")
                yield replace(problem, is_warning=dialect == "bigquery")
        elif partitioning is None and is_known:
            yield wording.marker_without_partitions(place, written)
        elif partitioning is not None and not isinstance(partitioning, TimePartitioning):
            yield wording.marker_of_list(place, written)


def fill_markers(text: str, dialect: str, range_: TimeRange, kind: Kind | None) -> str:
    """Put the bounds of a range in the place of their names, as literals.

    Args:
        text: The query.
        dialect: How it is written.
        range_: Its bounds.
        kind: What the partitioned column holds, where that is known; else a bound is a date if it can be one.
    """
    if kind is None:
        midnight = range_.start.replace(hour=0)
        kind = Kind.DATE if range_ == TimeRange(midnight, range_.end.replace(hour=0)) else Kind.TIMESTAMP
    for marker in reversed(find_markers(text, dialect)):
        if marker.is_known:
            value = range_.start if marker.name == START else range_.end
            text = text[: marker.start] + moment(value, kind, dialect).sql(dialect) + text[marker.end :]
    return text


def hide_markers(text: str, dialect: str) -> str:
    """Write the names as quoted ones of the same length, so that they are read as columns in every dialect."""
    quote = "`" if dialect == "bigquery" else '"'
    for marker in find_markers(text, dialect):
        if marker.is_known:
            text = f"{text[: marker.start]}{quote}{marker.name[:-1]}{quote}{text[marker.end :]}"
    return text


HIDDEN = {START[:-1]: START, END[:-1]: END}
