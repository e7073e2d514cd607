"""Which partitions of several tables are asked for, when people name some for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.moments import parse_moment
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange, join
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning, TimePartitioning
from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of each table that has some of the partitions; `outside` are those that could have them."""

    ranges: Mapping[Relation, tuple[Range, ...]]
    outside: tuple[Relation, ...] = ()


def ask(texts: Sequence[str], tables: Mapping[Relation, Partitioning], until: datetime) -> Asked:
    """Read `2019-01..2019-12`, or `FR,DE`, for tables of any partitions.

    A table of another grain gets the partitions that cover the time. Of tables by time and tables by values only those
    are asked that the text can mean.

    Args:
        texts: What people name; together all of it.
        tables: The tables by their partitions.
        until: The moment, for an end that is left open.

    Raises:
        TextError: No table has such a partition.
    """
    found: dict[Relation, list[Range]] = {}
    for item in _items(texts, tables.values()):
        for relation, range_ in _ask_one(item, tables, until).items():
            found.setdefault(relation, []).append(range_)
    kinds = {type(tables[relation]) for relation in found}
    outside = tuple(each for each, parts in tables.items() if each not in found and type(parts) in kinds)
    return Asked({relation: unite(ranges, tables[relation]) for relation, ranges in found.items()}, outside)


def unite(ranges: Iterable[Range], partitioning: Partitioning) -> tuple[Range, ...]:
    """Make as few ranges of some as can be, in the order of the partitions."""
    ranges = tuple(ranges)
    if isinstance(partitioning, TimePartitioning):
        return join(each for each in ranges if isinstance(each, TimeRange))
    named = {value for each in ranges if isinstance(each, ListRange) for value in each.values}
    values = tuple(value for value in partitioning.values if value in named)
    return (ListRange(values),) if values else ()


def single_ranges(ranges: Iterable[Range], partitioning: Partitioning) -> dict[str, Range]:
    """Every partition of some ranges by its key, in order."""
    found: dict[str, Range] = {}
    for each in ranges:
        if isinstance(partitioning, TimePartitioning) and isinstance(each, TimeRange):
            found |= {key: partitioning.bounds(key) for key in partitioning.keys(each)}
        elif isinstance(partitioning, ListPartitioning) and isinstance(each, ListRange):
            found |= {str(value): ListRange((value,)) for value in each.values}
    return found


def write(ranges: Iterable[Range], partitioning: Partitioning) -> tuple[str, ...]:
    """Some ranges as people write them: `2019-01..2019-03`, `2019-05`; each value of a list by itself."""
    found: list[str] = []
    for each in unite(ranges, partitioning):
        if isinstance(each, ListRange):
            found += map(str, each.values)
        elif isinstance(partitioning, TimePartitioning):
            first, last = partitioning.typed(each.start), partitioning.typed(partitioning.grain.step(each.end, -1))
            found.append(first if first == last else f"{first}..{last}")
    return tuple(found)


def _items(texts: Sequence[str], every: Iterable[Partitioning]) -> list[str]:
    """Divide at commas, but for values that have one."""
    values = {str(value) for parts in every if isinstance(parts, ListPartitioning) for value in parts.values}
    items: list[str] = []
    for text in texts:
        items += [text] if text in values else [part.strip() for part in text.split(",")]
    return items


def _ask_one(text: str, tables: Mapping[Relation, Partitioning], until: datetime) -> dict[Relation, Range]:
    found: dict[Relation, Range] = {}
    times: dict[Relation, TimeRange] = {}
    refused: dict[Relation, TextError] = {}
    for relation, parts in tables.items():
        try:
            if isinstance(parts, TimePartitioning):
                times[relation] = parts.parse_range(text, until)
            else:
                found[relation] = parts.parse_range(text)
        except TextError as error:
            refused[relation] = error
    if times:
        exact = [each for relation, each in times.items() if not _is_weekly(tables[relation])]
        for relation, parts in tables.items():
            if isinstance(parts, TimePartitioning):
                own = times.get(relation)
                if own is None or _is_weekly(parts):
                    # The weeks that begin in a month are not all that it is made of.
                    own = _covering(parts, [*(exact or times.values()), *([own] if own else [])])
                range_ = own and _until_open_end(own, parts, text, until)
                if range_ is not None:
                    found[relation] = range_
    if not found:
        raise _best(text, tables, refused)
    return found


def _is_weekly(parts: Partitioning) -> bool:
    return isinstance(parts, TimePartitioning) and parts.grain is Grain.WEEK


def _covering(parts: TimePartitioning, ranges: Sequence[TimeRange]) -> TimeRange | None:
    whole = reduce(TimeRange.hull, ranges)
    start = max(parts.grain.floor(whole.start), parts.start)
    end = parts.grain.ceil(whole.end)
    end = end if parts.end is None else min(end, parts.end)
    return TimeRange(start, end) if start < end else None


def _until_open_end(range_: TimeRange, parts: TimePartitioning, text: str, until: datetime) -> TimeRange | None:
    if not text.endswith(".."):
        return range_
    ended = parts.ended(until)
    if ended is None or ended.end <= range_.start:
        return None
    return TimeRange(range_.start, min(range_.end, ended.end))


def _best(text: str, tables: Mapping[Relation, Partitioning], refused: Mapping[Relation, TextError]) -> TextError:
    """What to say to somebody who meant one of the tables: a moment is none of a list."""
    is_time = parse_moment(text.partition("..")[0] or text.rpartition("..")[2]) is not None
    fits = [error for relation, error in refused.items() if isinstance(tables[relation], TimePartitioning) is is_time]
    return next(iter((*fits, *refused.values())))
