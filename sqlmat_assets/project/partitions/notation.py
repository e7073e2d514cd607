"""The setting `partition_by`: text to value."""

from __future__ import annotations

import difflib
import re
from datetime import datetime

from sqlmat_assets.errors import partitions as wording
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.moments import parse_moment
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.project.values import ValueRefused, parse_column

_TIME = re.compile(r"(\w+)\s*\(([^()]*)\)(?:\s+from\s+(\S+))?(?:\s+to\s+(\S+))?", re.IGNORECASE)
_LIST = re.compile(r"(.+?)\s+in\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_ITEM = re.compile(r"\s*(?:'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"|([^,'\"]*?))\s*(?:,|$)")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_NEAR = {
    "hourly": "hour",
    "hours": "hour",
    "daily": "day",
    "days": "day",
    "date": "day",
    "weekly": "week",
    "weeks": "week",
    "isoweek": "week",
    "monthly": "month",
    "months": "month",
}


def parse_partition_by(text: str) -> Partitioning:
    """Read `month(pickup_datetime) from 2019-01 to 2019-12` or `country in (FR, DE, 'x, y')`.

    Both moments name partitions, and both are included; without `to` new partitions keep coming. In a list, whole
    numbers without quotes are numbers, everything else is text.

    Raises:
        TextError: It is written in another way, or says what cannot be.

    Examples:
        >>> parse_partition_by("country in (FR, 7, 'x, y')").values
        ('FR', 7, 'x, y')
    """
    text = text.strip()
    time = _TIME.fullmatch(text)
    list_ = _LIST.fullmatch(text)
    if list_ is not None and (time is None or time[1].lower() == "in"):
        return _list(list_[1], list_[2], text)
    if time is None:
        raise wording.no_partitioning(text)
    word, inside, first, last = time.groups()
    column = _column(inside)
    grain = _grain(word, inside.strip())
    if first is None:
        raise wording.no_start(f"{grain}({inside.strip()})", grain)
    start = _moment("from", first, grain)
    if last is None:
        return TimePartitioning(column, grain, start)
    end = _moment("to", last, grain)
    if end < start:
        raise wording.to_before_from(first, last)
    return TimePartitioning(column, grain, start, grain.step(end))


def format_partition_by(partitioning: Partitioning) -> str:
    """Write it as people do, so that `parse_partition_by` reads the same.

    Examples:
        >>> format_partition_by(parse_partition_by("month( m )  from 2019-01 to 2019-12"))
        'month(m) from 2019-01 to 2019-12'
        >>> format_partition_by(parse_partition_by("c in (FR, '08', 7, 'x, y')"))
        "c in (FR, '08', 7, 'x, y')"
    """
    if isinstance(partitioning, ListPartitioning):
        return f"{partitioning.column} in ({', '.join(map(_written, partitioning.values))})"
    text = f"{partitioning.grain}({partitioning.column}) from {partitioning.typed(partitioning.start)}"
    if partitioning.end is None:
        return text
    return f"{text} to {partitioning.typed(partitioning.grain.step(partitioning.end, -1))}"


def _written(value: str | int) -> str:
    if isinstance(value, int) or (value.isidentifier() and value.lower() != "null"):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _grain(word: str, column: str) -> Grain:
    lower = word.lower()
    if lower in set(Grain):
        return Grain(lower)
    near = difflib.get_close_matches(lower, [grain.value for grain in Grain], n=1, cutoff=0.8)
    raise wording.unknown_grain(word, column, _NEAR.get(lower) or (near[0] if near else None))


def _column(text: str) -> str:
    try:
        column = parse_column(text)
    except ValueRefused as refusal:
        raise wording.no_column(text.strip()) from refusal
    if "." in column and not text.strip().startswith(('"', "`")):
        raise wording.no_column(text.strip())
    return column


def _moment(word: str, text: str, grain: Grain) -> datetime:
    written = parse_moment(text)
    if written is None or written.grain is None or written.grain.is_longer(grain):
        raise wording.bad_moment(word, text, grain)
    start = grain.floor(written.start)
    if start != written.start:
        raise wording.not_the_beginning(text, grain, start.strftime(grain.typed_format))
    return start


def _list(column: str, inside: str, text: str) -> ListPartitioning:
    name = _column(column)
    if not inside.strip():
        raise wording.empty_list(name)
    values: list[str | int] = []
    at = 0
    while at <= len(inside):
        match = _ITEM.match(inside, at)
        if match is None:
            raise wording.bad_list(text)
        values.append(_value(match, text))
        is_last = not match[0].endswith(",")
        if is_last and match.end() < len(inside):
            raise wording.bad_list(text)
        if is_last:
            break
        at = match.end()
    keys = [str(value) for value in values]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise wording.repeated_value(key)
    return ListPartitioning(name, tuple(values))


def _value(match: re.Match[str], text: str) -> str | int:
    single, double, bare = match.groups()
    if single is not None:
        return _text(single.replace("''", "'"))
    if double is not None:
        return _text(double.replace('""', '"'))
    if not bare:
        raise wording.bad_list(text)
    if bare.lower() == "null":
        raise wording.bad_value(bare, "a row without a value belongs to no partition")
    return int(bare) if _NUMBER.fullmatch(bare) else _text(bare)


def _text(value: str) -> str:
    # Dagster refuses control characters and three dots in a key; two of them divide the ends of a range.
    if not value or not value.isprintable():
        shown = value.encode("unicode_escape").decode()
        raise wording.bad_value(shown, "it has no text, or signs that cannot be shown")
    if ".." in value:
        raise wording.bad_value(value, "`..` divides the ends of a range")
    return value
