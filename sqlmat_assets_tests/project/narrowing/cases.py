"""Reads the files of single cases: a title, what it is about, the query, and what becomes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
# Where nothing else is said.
_TYPES = {
    "first.trips": {
        "ts": "TIMESTAMP",
        "d": "DATE",
        "zoned": "TIMESTAMP WITH TIME ZONE",
        "zone": "INTEGER",
        "fare": "DOUBLE",
    },
    "first.fares": {"ts": "TIMESTAMP", "day": "DATE", "price": "DOUBLE"},
}


@dataclass(slots=True)
class Case:
    """`gives` is the query inside of the filter; `stops` what keeps tables from being narrowed."""

    title: str
    dialect: str
    line: int
    by: str = "month(m) from 2019-01"
    part: str = "2019-02"
    is_known: bool = True
    is_utc: bool = False
    where: str | None = None
    stops: list[str] = field(default_factory=list[str])
    query: str = ""
    gives: str = ""

    @property
    def types(self) -> dict[str, dict[str, str]]:
        return _TYPES if self.is_known else {}


def read_cases(path: Path) -> list[Case]:
    """Cut a file at its titles. Behind `-- gives` stands what the query becomes; without it, it stays as it is."""
    cases: list[Case] = []
    is_result = False
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = re.fullmatch(r"-- (title|by|part|types|zone|where|stops|gives):? ?(.*)", line)
        if match is None:
            if cases and is_result:
                cases[-1].gives += f"{line}\n"
            elif cases:
                cases[-1].query += f"{line}\n"
            continue
        key, value = match.groups()
        if key == "title":
            cases.append(Case(value, path.stem, number))
            is_result = False
        elif key == "gives":
            is_result = True
        elif key == "stops":
            cases[-1].stops.append(value)
        elif key == "types":
            cases[-1].is_known = value != "unknown"
        elif key == "zone":
            cases[-1].is_utc = value == "UTC"
        else:
            setattr(cases[-1], key, value)
    for case in cases:
        case.query = case.query.strip("\n") + "\n"
        case.gives = (case.gives or case.query).strip("\n")
    return cases
