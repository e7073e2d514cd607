"""`case.conf`: what a query that is tested takes for the partition, for the last build and for now."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import unit_tests as wording
from sqlmat_assets.errors.sql import Place
from sqlmat_assets.project.settings import nearest

PARTITION, LAST_BUILT, NOW = "partition", "last_built", "now"
_KEYS = (PARTITION, LAST_BUILT, NOW)
_LINE = re.compile(r"\s*(?P<key>\w+)\s*[=:]\s*(?P<value>.*?)\s*")


@dataclass(frozen=True, slots=True)
class CaseSettings:
    """The settings of one case; `places` are those of the values that are set."""

    partition: str | None = None
    last_built: datetime | None = None
    now: datetime | None = None
    places: dict[str, Place] = field(default_factory=dict[str, Place])


def parse_case(text: str, path: str) -> tuple[CaseSettings, tuple[Problem, ...]]:
    """Read the settings of a case: `key = value` or `key: value`, comments after `#` or `;`; never raises.

    Examples:
        >>> parse_case("now = 2026-01-31 12:00", "case.conf")[0].now.isoformat()
        '2026-01-31T12:00:00+00:00'
    """
    written: dict[str, str] = {}
    places: dict[str, Place] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if not stripped or stripped[0] in "#;":
            continue
        match = _LINE.fullmatch(line)
        column = line.find(stripped) + 1
        if match is None or not match["value"]:
            problems.append(wording.no_setting(stripped).at(path, number, column))
        elif (key := match["key"].lower()) not in _KEYS:
            problems.append(wording.unknown_setting(key, nearest(key, _KEYS), _KEYS).at(path, number, column))
        elif key in written:
            problems.append(wording.set_twice(key, places[key].line).at(path, number, column))
        else:
            written[key] = match["value"]
            places[key] = Place(path, number, match.start("value") + 1)
    moments: dict[str, datetime | None] = {}
    for key in (LAST_BUILT, NOW):
        moments[key] = _moment(written[key]) if key in written else None
        if key in written and moments[key] is None:
            place = places[key]
            problems.append(wording.no_moment(written[key]).at(place.path, place.line, place.column))
    found = CaseSettings(written.get(PARTITION), moments[LAST_BUILT], moments[NOW], places)
    return found, tuple(problems)


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
