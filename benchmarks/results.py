"""What was measured, and what it comes to: medians, ratios of neighbours, and the bars."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from peers.base import Ran


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing, measured once.

    Args:
        part: Of the comparison: `build`, `again`, `edited`, `waiting`, `load` or `proof`.
        what: Who did it: the name of a peer, or more of it.
        label: The same for people.
        round: Which round.
        seconds: Of the whole process.
        cpu_seconds: Its own and its children's.
        memory: The most MB.
        load: The load average of the machine when it began.
        error: Why there is no figure.
        details: What else is known: `tables`, `rows`, `checksum`, `checks`, seconds of parts.
    """

    part: str
    what: str
    label: str
    round: int
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory: float | None = None
    load: float | None = None
    error: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, ran: Ran, part: str, what: str, label: str, number: int, **details: Any) -> Measure:
        """What a process came to."""
        return cls(
            part,
            what,
            label,
            number,
            seconds=round(ran.seconds, 3),
            cpu_seconds=round(ran.cpu_seconds, 3),
            memory=round(ran.memory, 1),
            load=round(ran.load, 2),
            details=details,
        )


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, and where the measures are; `value` is None where they are missing."""

    text: str
    limit: float
    value: float | None
    unit: str
    least: float | None = None
    most: float | None = None
    is_strict: bool = False

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        return "pass" if self.value < self.limit or (self.value == self.limit and not self.is_strict) else "FAIL"


class Results:
    """All measures of one comparison, written to a file as they come."""

    def __init__(self, head: dict[str, Any], measures: list[Measure], file: Path | None = None) -> None:
        self.head, self.measures, self._file = head, measures, file

    @classmethod
    def read(cls, file: Path) -> Results:
        """What `add` has written."""
        document = json.loads(file.read_text())
        return cls(document["head"], [Measure(**each) for each in document["measures"]])

    def add(self, measure: Measure) -> None:
        """Take a measure in, and write all of them."""
        self.measures.append(measure)
        if self._file is not None:
            document = {"head": self.head, "measures": [asdict(each) for each in self.measures]}
            aside = self._file.with_suffix(".new")
            aside.write_text(json.dumps(document, indent=1) + "\n")
            aside.replace(self._file)

    def of(self, part: str, what: str | None = None) -> list[Measure]:
        """The measures of a part that came to a figure, of one or of all."""
        return [m for m in self.measures if m.part == part and m.error is None and what in (None, m.what)]

    def whats(self, part: str) -> dict[str, str]:
        """Who was measured in a part, with their labels, in the order in which they were."""
        return {m.what: m.label for m in self.measures if m.part == part}

    def errors(self, part: str, what: str) -> list[str]:
        """Why figures are missing."""
        return [m.error for m in self.measures if m.part == part and m.what == what and m.error is not None]

    def median(self, part: str, what: str, figure: str = "seconds") -> float | None:
        """The middle of the rounds."""
        found = [value for m in self.of(part, what) if (value := figure_of(m, figure)) is not None]
        return statistics.median(found) if found else None

    def ratios(self, part: str, what: str, other: str, figure: str = "seconds") -> list[float]:
        """How many times as much as another, round by round, where both came to a figure."""
        theirs = {m.round: figure_of(m, figure) for m in self.of(part, other)}
        pairs = [(figure_of(m, figure), theirs.get(m.round)) for m in self.of(part, what)]
        return [one / two for one, two in pairs if one is not None and two]

    def bars(self) -> list[Bar]:
        """What sqlmat is held to."""
        return [
            self._ratio("sqlmat build beside the bare statements", 1.25, "sqlmat", "bare"),
            self._ratio("sqlmat build beside dbt build", 0.5, "sqlmat", "dbt"),
            self._ratio("Dagster run, SQLite, beside dbt build", 1.0, "dagster-sqlite", "dbt", is_strict=True),
            self._ratio("Dagster run, SQLite, beside dagster-dbt", 0.5, "dagster-sqlite", "dagster-dbt"),
            self._seconds("100 tables that wait 0.5 s each, 8 at a time", 12, "waiting", "sqlmat-100", "run"),
            self._seconds("load of 1,000 files, cold", 4, "load", "sqlmat-1000-cold"),
            self._seconds("load of 1,000 files, warm", 1.5, "load", "sqlmat-1000-warm"),
            *(self._times(state) for state in ("cold", "warm")),
            Bar("memory of 1,000 tables above bare Dagster", 150, self._above(), "MB"),
        ]

    def _ratio(self, text: str, limit: float, what: str, other: str, *, is_strict: bool = False) -> Bar:
        found = self.ratios("build", what, other)
        if not found:
            return Bar(text, limit, None, "x", is_strict=is_strict)
        return Bar(text, limit, statistics.median(found), "x", min(found), max(found), is_strict=is_strict)

    def _seconds(self, text: str, limit: float, part: str, what: str, figure: str = "seconds") -> Bar:
        found = [value for m in self.of(part, what) if (value := figure_of(m, figure)) is not None]
        if not found:
            return Bar(text, limit, None, "s")
        return Bar(text, limit, statistics.median(found), "s", min(found), max(found))

    def _times(self, state: str) -> Bar:
        many, few = (self.median("load", f"sqlmat-{size}-{state}") for size in (10000, 1000))
        value = many / few if many is not None and few else None
        return Bar(f"load of 10,000 files beside 1,000, {state}", 12, value, "x")

    def _above(self) -> float | None:
        loaded, bare = (self.median("load", what, "memory") for what in ("definitions-1000-warm", "bare-dagster"))
        return loaded - bare if loaded is not None and bare is not None else None


def figure_of(measure: Measure, figure: str) -> float | None:
    """One of its figures, be it of the process or one of its details."""
    if figure in measure.details:
        return measure.details[figure]
    return getattr(measure, figure, None)
