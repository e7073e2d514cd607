"""Formats of dates and times, such as `%Y-%m`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import product

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery.translator import call, cast, number, text

_ELEMENT = re.compile(r"%(E4Y|E[*0-9]S|Ez|E[a-zA-Z]|.)", re.DOTALL)
_SHORT = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "X": "%H:%M:%S", "D": "%m/%d/%y", "x": "%m/%d/%y", "R": "%H:%M", "h": "%b"}
_OF_DATES = frozenset("aAbBdjmuUVwWyYGQe%")
_OF_TIMES = frozenset("HIMpSks%") | {"E3S", "E6S"}
_OF_ZONES = frozenset("Zz")
# Those that DuckDB writes alike, and how the others are written there, of a moment in UTC.
_WRITTEN = frozenset("aAbBdHIjmMpSuUVwWyYG%")
_SPELT = {"E4Y": "%Y", "E3S": "%S.%g", "E6S": "%S.%f", "Z": "UTC", "z": "+0000", "Ez": "+00:00"}
# Those that DuckDB reads alike, some of them in one of several spellings.
_READ = frozenset("dHIjmMpSyY%")
_READINGS = {"b": ("%b", "%B"), "B": ("%b", "%B"), "E*S": ("%S", "%S.%f"), "E4Y": ("%Y",), "e": ("%d",), "z": ("%z",)}


def _elements(format_: str) -> list[str]:
    """A format cut into elements and what stands between them; short ones are written out."""
    found: list[str] = []
    end = 0
    for match in _ELEMENT.finditer(format_):
        if match.start() > end:
            found.append(format_[end : match.start()])
        element = match[1]
        found += _elements(_SHORT[element]) if element in _SHORT else [f"%{element}"]
        end = match.end()
    return [*found, format_[end:]] if end < len(format_) else found


def _name(element: str) -> str | None:
    return element[1:] if element.startswith("%") and len(element) > 1 else None


def written(
    format_: str, tree: exp.Expr, *, has_date: bool = True, has_time: bool = True, is_utc: bool = False
) -> exp.Expr | str:
    """A moment as a text; the element of the format instead, where one is not known.

    Args:
        format_: As BigQuery reads it.
        tree: A TIMESTAMP or a DATE of DuckDB.
        has_date: Whether elements of dates may be.
        has_time: Whether elements of times may be.
        is_utc: Whether those of time zones may be.
    """
    known = (_OF_DATES | {"E4Y"} if has_date else frozenset("%")) | (_OF_TIMES if has_time else frozenset())
    known |= _OF_ZONES | {"Ez"} if is_utc else frozenset()
    parts: list[exp.Expr] = []
    plain = ""
    for each in _elements(format_):
        name = _name(each)
        if name is not None and name not in known:
            return each
        if name is None or name in _WRITTEN or name in _SPELT:
            plain += _SPELT.get(name or "", each)
            continue
        if plain:
            parts.append(call("STRFTIME", tree.copy(), text(plain)))
        plain = ""
        parts.append(_computed(name, tree.copy()))
    if plain or not parts:
        parts.append(call("STRFTIME", tree, text(plain)))
    joined = parts[0]
    for part in parts[1:]:
        joined = exp.DPipe(this=joined, expression=part)
    return joined


def _computed(name: str, tree: exp.Expr) -> exp.Expr:
    match name:
        case "Q":
            return cast(call("QUARTER", tree), "VARCHAR")
        case "s":
            return cast(exp.IntDiv(this=call("EPOCH_US", tree), expression=number(1_000_000)), "VARCHAR")
        case _:
            value = call("DAY" if name == "e" else "HOUR", tree)
            return call("LPAD", cast(value, "VARCHAR"), number(2), text(" "))


def read(format_: str, tree: exp.Expr, needed: Collection[str]) -> exp.Expr | None:
    """A text as a TIMESTAMP of DuckDB; None where the format is not read alike there.

    Args:
        format_: As BigQuery reads it.
        tree: The text, around which there may be white space.
        needed: The elements without which BigQuery and DuckDB add different ones.
    """
    elements = _elements(format_)
    names = {name for each in elements if (name := _name(each)) is not None}
    spelt = {name.replace("E4Y", "Y") for name in names}
    if not names <= _READ | _READINGS.keys() or not set(needed) <= spelt or {"Y", "y"} <= spelt:
        return None
    # BigQuery reads as much white space as there is.
    if any(letter.isspace() for each in elements if _name(each) is None for letter in each.replace(" ", "")):
        return None
    options: list[Sequence[str]] = [_READINGS.get(_name(each) or "", (each,)) for each in elements]
    formats = ["".join(option) for option in product(*options)]
    written_ = text(formats[0]) if len(formats) == 1 else exp.Array(expressions=[text(each) for each in formats])
    return call("STRPTIME", call("TRIM", tree), written_)
