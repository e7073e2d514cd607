"""The settings of a table: which keys there are, how they are written, how they are inherited."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import project as wording
from sqlmat_assets.project import values
from sqlmat_assets.project.conditions import Condition, parse_conditions
from sqlmat_assets.project.intervals import parse_interval
from sqlmat_assets.project.partitions.spec import Partitioning
from sqlmat_assets.project.schedules import Calendar, parse_cron, parse_timezone
from sqlmat_assets.project.values import GrantEdit, ValueRefused


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The settings of one table after inheritance."""

    owner: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    grant_select: tuple[str, ...] = ()
    distkey: str | None = None
    sortkey: tuple[str, ...] = ()
    diststyle: str | None = None
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
    unique_key: tuple[str, ...] = ()
    on_match: str = "keep"
    order_by: tuple[tuple[str, bool], ...] = ()
    on_change: str = "next"
    on_schema_change: str = "fail"

    @property
    def calendar(self) -> Calendar:
        """When the table is built by the calendar."""
        return Calendar(self.schedule, self.timezone, self.conditions)


@dataclass(frozen=True, slots=True)
class Key:
    """One setting as people write it."""

    name: str
    example: str
    meaning: str
    parse: Callable[[str], object]
    is_global: bool = False


def _no_sign(text: str) -> GrantEdit:
    return values.parse_grants(text, "")


KEYS: Mapping[str, Key] = {
    key.name: key
    for key in (
        Key("owner", "data-eng@example.com, team:core", "Who answers for the table", values.parse_owners),
        Key("tags", "domain=finance, pii", "Tags in the catalogue", values.parse_tags),
        Key(
            "grant_select",
            "-metabase, +joan",
            "Who may read the table: a list, or what to add to and take from the inherited one; "
            "`grant_select += joan` and `grant_select -= metabase` say the same",
            _no_sign,
        ),
        Key("distkey", "city_id", "Redshift: the column that rows are distributed by", values.parse_column),
        Key("sortkey", "country, city_id", "Redshift: the columns that rows are sorted by", values.parse_columns),
        Key(
            "diststyle",
            "all",
            "Redshift: how rows are distributed: `auto`, `even`, `key` or `all`",
            values.parse_choice("auto", "even", "key", "all"),
        ),
        Key("snapshots_interval", "24h", "How often the rows are kept in `<table>_history`", parse_interval),
        Key("snapshots_stored_for", "90d", "How long rows stay in `<table>_history`", parse_interval),
        Key(
            "unique",
            "(country, city), id",
            "Checks: each column, or each group in parentheses, has no value twice",
            values.parse_column_groups,
        ),
        Key("not_null", "id, city", "Checks: each column is never NULL", values.parse_columns),
        Key("min_rows", "1", "Check: the table has at least so many rows", values.parse_count),
        Key(
            "max_row_change",
            "20%",
            "Check: the count of rows differs from the published table's by at most so much",
            values.parse_fraction,
        ),
        Key("adopt", "true", "Replace a table of this name that something else has made", values.parse_boolean),
        Key("time_limit", "30m", "How long the query may run before it is cancelled", parse_interval),
        Key(
            "grace",
            "2h",
            "How late the table may be; else a tenth of its interval, at least 10 minutes; with a schedule, an hour",
            parse_interval,
        ),
        Key(
            "schedule",
            "0 9 1 * *",
            "When the table is built, in place of an interval in its file's name: minute, hour, day, month and weekday "
            "as in cron; [more](#schedules)",
            parse_cron,
        ),
        Key(
            "timezone",
            "Europe/Berlin",
            "Where the times of `schedule` and `conditions` are meant; else UTC",
            parse_timezone,
        ),
        Key(
            "conditions",
            "weekdays mon-fri, hours 8-18 | days 1",
            "At which times the table is built at all; [more](#conditions)",
            parse_conditions,
        ),
        Key(
            "on_upstream_failure",
            "build",
            "What happens when the last build of a table that it reads has failed: `hold` (the default) waits for it, "
            "`build` goes on with the rows that it holds",
            values.parse_choice("hold", "build"),
        ),
        Key(
            "skip_unchanged",
            "false",
            "Whether a table is left as it is when nothing that it reads has changed; else `true`, on BigQuery `false`",
            values.parse_boolean,
        ),
        Key(
            "columns",
            "id bigint, price decimal(10, 2)",
            "Data files: types of columns, in place of those found in the file",
            values.parse_typed_columns,
        ),
        Key("dialect", "duckdb", "The SQL that the files are written in", values.parse_word, is_global=True),
        Key(
            "catalog", "my-project", "The catalog (BigQuery: project) of the tables", values.parse_word, is_global=True
        ),
        Key(
            "catalog_aliases",
            "my-project-dev, legacy",
            "Other names of that catalog in the SQL",
            values.parse_words,
            is_global=True,
        ),
    )
}
# Where other tools say how often a table is built.
_INTERVAL_KEYS = frozenset({"interval", "freshness", "refresh", "frequency", "every"})
_SCHEDULE_KEYS = frozenset({"cron", "cron_schedule", "schedule_interval"})
# To compare all rows with the published ones costs a scan there, and scans are what is paid for.
_DEFAULTS = {"bigquery": ModelSettings(skip_unchanged=False)}
# What other tools call what a table here has.
_FOREIGN_KEYS = {
    "unique_key": "write `unique`",
    "grants": "write `grant_select`",
    "grant": "write `grant_select`",
    "description": "write a comment on top of the SQL file",
    "dist": "write `distkey` or `diststyle`",
    "sort": "write `sortkey`",
    "depends_on": "leave it out: what a table reads is taken from its SQL",
    **dict.fromkeys(_SCHEDULE_KEYS, "write `schedule`"),
    **dict.fromkeys(("tz", "time_zone"), "write `timezone`"),
    **{
        key: f"write `conditions = {key} {span}`"
        for key, span in (("months", "jan-mar"), ("weekdays", "mon-fri"), ("days", "1-5"), ("hours", "8-18"))
    },
}
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
        elif line.key in _INTERVAL_KEYS:
            problems.append(wording.interval_key(line.key).at(path, number, line.key_place.column))
        elif line.key in _FOREIGN_KEYS:
            error = wording.foreign_key(line.key, _FOREIGN_KEYS[line.key])
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
        if line is not None and line.key in _INTERVAL_KEYS:
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
    found: dict[str, Any] = {}
    places: dict[str, Place] = {}
    grantees: frozenset[str] = frozenset()
    for layer in layers:
        for line in layer.lines:
            places[line.key] = line.place
            if isinstance(line.value, GrantEdit):
                grantees = line.value.apply(grantees)
            elif line.key == "grant_select":
                grantees = frozenset()
            elif line.value is None:
                found.pop(line.key, None)
                places.pop(line.key)
            elif not KEYS[line.key].is_global:
                found[line.key] = line.value
    settings = replace(default_settings(dialect), grant_select=tuple(sorted(grantees)), **found)
    return settings, places


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
    return "schedule" if key in _SCHEDULE_KEYS else nearest(key, KEYS)


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
        except wording.TextError as error:
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
    except wording.TextError as error:
        raise wording.bad_interval(key.name, error) from error
    except ValueRefused as refusal:
        raise wording.bad_value(key.name, line.value, str(refusal), key.example) from refusal
