"""The settings of a table: how they are written, and how they are inherited."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import settings as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project import values
from sqlmat_assets.project.conditions import Condition
from sqlmat_assets.project.keys import FOREIGN_KEYS, INTERVAL_KEYS, KEYS, MEANT_KEYS
from sqlmat_assets.project.partitions.spec import Partitioning
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.project.values import UNSORTED, GrantEdit, SortKey, ValueRefused


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The settings of one table after inheritance.

    `order_by` has columns, each with whether it goes down.
    """

    owner: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    grant_select: tuple[str, ...] = ()
    distkey: str | None = None
    sortkey: SortKey = UNSORTED
    diststyle: str | None = None
    cluster_by: tuple[str, ...] = ()
    partitions_stored_for: timedelta | None = None
    labels: tuple[tuple[str, str], ...] = ()
    encode: tuple[tuple[str, str], ...] = ()
    snapshots_interval: timedelta | None = None
    snapshots_stored_for: timedelta | None = None
    unique: tuple[tuple[str, ...], ...] = ()
    not_null: tuple[str, ...] = ()
    min_rows: int | None = None
    max_row_change: float | None = None
    adopt: bool = False
    time_limit: timedelta | None = None
    grace: timedelta | None = None
    columns: tuple[tuple[str, str], ...] = ()
    schedule: str | None = None
    timezone: str = "UTC"
    conditions: tuple[Condition, ...] = ()
    on_upstream_failure: str = "hold"
    skip_unchanged: bool = True
    mode: str = "replace"
    partition_by: Partitioning | None = None
    partitions_per_run: int | None = None
    unique_key: tuple[str, ...] = ()
    on_match: str = "keep"
    order_by: tuple[tuple[str, bool], ...] = ()
    on_change: str = "next"
    on_schema_change: str = "fail"
    keep_versions: int = 0
    budget: float | None = None

    @property
    def calendar(self) -> Calendar:
        """When the table is built by the calendar."""
        return Calendar(self.schedule, self.timezone, self.conditions)


# To compare all rows with the published ones costs a scan there, and scans are what is paid for.
_DEFAULTS = {"bigquery": ModelSettings(skip_unchanged=False)}
_RESETS = frozenset({"", "null", "none"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands; line and column count from 1."""

    path: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Setting:
    """One line that sets a key; `value` is None where it resets, `place` is that of the value as written."""

    key: str
    value: object
    place: Place


@dataclass(frozen=True, slots=True)
class Settings:
    """What one file sets, in its order, what is wrong with it, and which keys have a value that cannot be."""

    lines: tuple[Setting, ...] = ()
    problems: tuple[Problem, ...] = ()
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Line:
    """One line as written: `grant_select -= jane`."""

    key: str
    sign: str
    value: str
    key_place: Place
    value_place: Place


def parse_conf(text: str, path: str, *, is_global: bool = False) -> Settings:
    """Read a `.conf`: `key = value` or `key: value` lines, comments after `#` or `;`.

    Args:
        text: The file's text.
        path: The file, for messages.
        is_global: Whether the keys of the whole project may stand in it.
    """
    lines: list[_Line] = []
    problems: list[Problem] = []
    for number, written in enumerate(text.split("\n"), 1):
        stripped = written.strip()
        if not stripped or stripped[0] in "#;":
            continue
        line = _split(written, path, number)
        spaced = re.match(r"\w+(?: \w+)+(?=\s*[=:])", stripped)
        if line is None and spaced is not None and (near := nearest(spaced[0].replace(" ", "_").lower(), KEYS)):
            error = wording.unknown_key(spaced[0], near, ())
            problems.append(error.at(path, number, _column(written, stripped)))
        elif line is None:
            problems.append(wording.not_a_setting(stripped).at(path, number, _column(written, stripped)))
        elif line.key in INTERVAL_KEYS:
            problems.append(wording.interval_key(line.key).at(path, number, line.key_place.column))
        elif line.key in FOREIGN_KEYS:
            error = wording.foreign_key(line.key, FOREIGN_KEYS[line.key])
            problems.append(error.at(path, number, line.key_place.column))
        elif line.key not in KEYS:
            near = nearest(line.key, KEYS)
            known = [key.name for key in KEYS.values() if is_global or not key.is_global]
            problems.append(wording.unknown_key(line.key, near, known).at(path, number, line.key_place.column))
        else:
            lines.append(line)
    return _parse_lines(lines, problems, is_global=is_global)


def parse_header(header: Iterable[tuple[int, str]], text: str, path: str) -> tuple[Settings, str | None]:
    """Read the comment lines on top of a SQL file: settings, and what else they say.

    Args:
        header: Each comment line: its number and its text without the comment's signs.
        text: The whole file, to find the columns of the settings.
        path: The file, for messages.

    Returns:
        The settings, and the description: all other lines, or None where nothing is left.
    """
    written = text.split("\n")
    lines: list[_Line] = []
    problems: list[Problem] = []
    description: list[str] = []
    for number, comment in header:
        line = _split(comment.strip(), path, number, max(written[number - 1].find(comment.strip()), 0))
        if line is not None and line.key in KEYS:
            lines.append(line)
            continue
        if line is not None and line.key in INTERVAL_KEYS:
            error = wording.interval_key(line.key)
            problems.append(error.at(path, number, line.key_place.column, is_warning=True))
        elif line is not None and (near := _meant(line.key)) is not None:
            error = wording.near_key(line.key, near)
            problems.append(error.at(path, number, line.key_place.column, is_warning=True))
        description.append(comment.strip())
    return _parse_lines(lines, problems, is_global=False), "\n".join(description).strip() or None


def inherit(layers: Iterable[Settings], dialect: str = "duckdb") -> tuple[ModelSettings, dict[str, Place]]:
    """Put the files' settings over one another, the widest first.

    Args:
        layers: What each file sets.
        dialect: The SQL of the project, on which defaults depend.

    Returns:
        The settings, and for each key that has a value the place that set it last.
    """
    layers = tuple(layers)
    found: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for layer in layers:
        for line in layer.lines:
            places[line.key] = line.place
            if line.key == "grant_select":
                continue
            if line.value is None:
                found.pop(line.key, None)
                places.pop(line.key)
            elif not KEYS[line.key].is_global:
                found[line.key] = line.value
    grantees = tuple(sorted(inherit_grantees(layers)))
    return replace(default_settings(dialect), grant_select=grantees, **found), places


def inherit_grantees(layers: Iterable[Settings]) -> dict[str, Place]:
    """Say who may read a table, each with the place that names them last.

    Args:
        layers: What each file sets, the widest first.
    """
    grantees: dict[str, Place] = {}
    for line in (line for layer in layers for line in layer.lines if line.key == "grant_select"):
        edit = line.value if isinstance(line.value, GrantEdit) else GrantEdit(replaced_by=())
        named = frozenset((*(edit.replaced_by or ()), *edit.added))
        after = edit.apply(frozenset(grantees))
        grantees = {name: line.place if name in named else grantees[name] for name in after}
    return grantees


def default_settings(dialect: str) -> ModelSettings:
    """Give the settings of a table that nobody has set anything for.

    Args:
        dialect: The SQL of the project.
    """
    return _DEFAULTS.get(dialect, ModelSettings())


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that this one is most likely a slip of."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.8)
    return found[0] if found else None


def _meant(key: str) -> str | None:
    return MEANT_KEYS.get(key) or nearest(key, KEYS)


def _column(written: str, part: str) -> int:
    return written.find(part) + 1


def _split(written: str, path: str, number: int, offset: int = 0) -> _Line | None:
    """Split a line at its first `=` or `:`; None where there is neither, or nothing like a key before it."""
    cut = min((at for at in (written.find("="), written.find(":")) if at >= 0), default=-1)
    left, value = written[:cut].strip(), written[cut + 1 :].strip()
    sign = left[-1] if cut >= 0 and left.endswith(("+", "-")) else ""
    key = left.removesuffix(sign).strip()
    if cut < 0 or not key or any(letter.isspace() for letter in key):
        return None
    start = len(written) - len(written.lstrip())
    key_place = Place(path, number, offset + start + 1)
    value_start = cut + 1 + len(written[cut + 1 :]) - len(written[cut + 1 :].lstrip())
    return _Line(
        key.lower(), sign, value, key_place, Place(path, number, offset + value_start + 1) if value else key_place
    )


def _parse_lines(lines: Iterable[_Line], problems: list[Problem], *, is_global: bool) -> Settings:
    found: list[Setting] = []
    first: dict[str, int] = {}
    refused: set[str] = set()
    for line in lines:
        where = (line.key_place.path, line.key_place.line, line.key_place.column)
        if not line.sign and (earlier := first.setdefault(line.key, where[1])) != where[1]:
            problems.append(wording.duplicate_key(line.key, earlier).at(*where))
            continue
        if KEYS[line.key].is_global and not is_global:
            problems.append(wording.key_only_global(line.key).at(*where))
            continue
        if line.sign and line.key != "grant_select":
            problems.append(wording.sign_not_here(line.key, line.sign).at(*where))
            continue
        try:
            value = _parse_value(line)
        except TextError as error:
            place = line.value_place
            problems.append(error.at(place.path, place.line, place.column))
            refused.add(line.key)
        else:
            found.append(Setting(line.key, value, line.value_place))
    return Settings(tuple(found), tuple(problems), frozenset(refused))


def _parse_value(line: _Line) -> object:
    key = KEYS[line.key]
    is_reset = line.value.lower() in _RESETS
    if is_reset and not line.sign:
        return None
    if is_reset:
        raise wording.nothing_to_edit(line.key, line.sign)
    try:
        return values.parse_grants(line.value, line.sign) if line.sign else key.parse(line.value)
    except TextError as error:
        raise wording.bad_interval(key.name, error) from error
    except ValueRefused as refusal:
        raise wording.bad_value(key.name, line.value, str(refusal), key.example) from refusal
