"""The wording of everything that can be wrong with partitions, and of what keeps a table from being read in part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.errors.sql import Place

_EXAMPLE = "write `month(column) from 2019-01`, `day(column) from 2019-01-01` or `column in (a, b)`"
_STARTS = {"hour": "2019-01-01T00", "day": "2019-01-01", "week": "2019-01-07", "month": "2019-01"}
_ENDS = {"hour": "2019-01-31T23", "day": "2019-01-31", "week": "2019-01-28", "month": "2019-12"}
_MOST_SHOWN = 5


def _listed(words: Iterable[object]) -> str:
    every = [f"`{word}`" for word in words]
    return ", ".join([*every[:_MOST_SHOWN], "…"] if len(every) > _MOST_SHOWN else every)


# The setting `partition_by`


def no_partitioning(text: str) -> TextError:
    """Nothing of the notation is in it."""
    return TextError(f"`{text}` says nothing of partitions", _EXAMPLE)


def unknown_grain(word: str, column: str, near: str | None) -> TextError:
    """`monthly(x)`, `year(x)`."""
    hint = f"write `{near}({column})`" if near else "write `hour`, `day`, `week` or `month`"
    return TextError(f"`{word}` is no length of a partition", hint)


def no_column(text: str) -> TextError:
    """`month() from …`, `month(a, b) from …`."""
    return TextError(f"`{text}` is no name of a column", "name one column of the SELECT, without a table before it")


def no_start(text: str, grain: str) -> TextError:
    """A grain and no `from`."""
    return TextError(f"`{text}` does not say where the first partition begins", f"write `{text} from {_STARTS[grain]}`")


def bad_moment(word: str, text: str, grain: str) -> TextError:
    """What stands behind `from` or `to` is no moment."""
    example = (_STARTS if word == "from" else _ENDS)[grain]
    return TextError(f"`{text}` is no {grain}", f"write it like `{word} {example}`")


def not_the_beginning(text: str, grain: str, suggestion: str) -> TextError:
    """A moment inside a partition where its beginning is meant."""
    return TextError(f"no {grain} begins at `{text}`", f"write `{suggestion}`, where the {grain} around it begins")


def to_before_from(first: str, last: str) -> TextError:
    """An end before the start."""
    return TextError(f"the last partition `{last}` is before the first, `{first}`", "exchange them")


def bad_list(text: str) -> TextError:
    """The values do not read as a list."""
    return TextError(
        f"`{text}` is no list of values", "write `column in (FR, DE)`, with quotes around what has a comma in it"
    )


def empty_list(column: str) -> TextError:
    """`country in ()`."""
    return TextError(f"the list of the values of `{column}` is empty", f"write `{column} in (a, b)`")


def bad_value(value: str, reason: str) -> TextError:
    """A value that cannot be the key of a partition."""
    return TextError(f"`{value}` cannot be a partition: {reason}", "leave it out, or rename it in the SELECT")


def repeated_value(value: str) -> TextError:
    """A value that is listed twice."""
    return TextError(f"`{value}` is listed twice", "leave one out")


# Keys and ranges on the command line


def bad_key(text: str, grain: str, example: str) -> TextError:
    """A key that is no moment."""
    return TextError(f"`{text}` is no partition", f"write a {grain}, like `{example}`, or two with `..` between")


def outside(text: str, first: str, last: str | None) -> TextError:
    """A key before the first partition or behind the last."""
    until = f"to `{last}`" if last else "on"
    return TextError(f"`{text}` is outside of the partitions, from `{first}` {until}")


def unknown_value(text: str, values: Iterable[object], near: str | None) -> TextError:
    """A key that is not in the list."""
    hint = f"did you mean `{near}`?" if near else f"the partitions are {_listed(values)}"
    return TextError(f"`{text}` is no partition", hint)


def reversed_range(first: str, last: str) -> TextError:
    """`2019-12..2019-01`."""
    return TextError(f"`{first}` is behind `{last}`", f"write `{last}..{first}`")


def empty_range(text: str) -> TextError:
    """A range without a partition."""
    return TextError(f"no partition is in `{text}`")


# `@partition_start` and `@partition_end`


def marker_without_partitions(place: Place, marker: str) -> Problem:
    """The query of a table that is not partitioned names the bounds of one."""
    return place.problem(
        f"`{marker}` has no value: the table is not partitioned", "set `partition_by`, or write the value"
    )


def marker_of_list(place: Place, marker: str) -> Problem:
    """A list has values and no bounds."""
    return place.problem(
        f"`{marker}` has no value: the table is partitioned by a list", "leave it out; the values are filtered anyway"
    )


def unknown_marker(place: Place, marker: str, near: str) -> Problem:
    """`@partition_begin`."""
    return place.problem(f"`{marker}` is not known", f"did you mean `{near}`?")


# The partitioned column


def missing_column(column: str, near: str | None, columns: Iterable[str]) -> TextError:
    """The SELECT does not give the column that the table is partitioned by."""
    hint = f"did you mean `{near}`?" if near else f"its columns are {_listed(columns)}"
    return TextError(f"`partition_by` names `{column}`, which the SELECT does not give", hint)


# What keeps a table from being read in part


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A clause that a range is not taken past, and the line in which it stands."""

    clause: str
    line: int

    def __str__(self) -> str:
        return f"{self.clause} in line {self.line}"


def prevented(tables: Iterable[object], obstacle: Obstacle) -> str:
    """Why tables are read in full."""
    names = _listed(tables)
    return f"{names} {'are' if ', ' in names else 'is'} read in full because of {obstacle}"
