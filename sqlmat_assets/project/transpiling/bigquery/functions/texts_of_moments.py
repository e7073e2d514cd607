"""FORMAT_DATE, PARSE_DATE and their like."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.formats import read, written
from sqlmat_assets.project.transpiling.bigquery.moments import at_zone
from sqlmat_assets.project.transpiling.bigquery.translator import Said, cast, text
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EMULATED = Verdict.EMULATED
_NOTE = "with a format that is written out, of elements that both know"
_UNWRITTEN = "with a format that is not written out"


def _formatted(c: Call, format_: str, tree: exp.Expr, *, has_time: bool = True, is_utc: bool = False) -> Said:
    found = written(format_, tree, has_time=has_time, is_utc=is_utc)
    return c.refuse(f"with `{found}`") if isinstance(found, str) else Said(found, "STRING")


@function("FORMAT_DATE", _EMULATED, pages.FORMATS, _NOTE, count=(2, 2))
def _format_date(c: Call) -> Said:
    format_ = c.literal(0)
    return c.refuse(_UNWRITTEN) if format_ is None else _formatted(c, format_, cast(c.tree(1), "DATE"), has_time=False)


@function("FORMAT_DATETIME", _EMULATED, pages.FORMATS, _NOTE, count=(2, 2))
def _format_datetime(c: Call) -> Said:
    format_ = c.literal(0)
    return c.refuse(_UNWRITTEN) if format_ is None else _formatted(c, format_, cast(c.tree(1), "TIMESTAMP"))


@function("FORMAT_TIMESTAMP", _EMULATED, pages.FORMATS, f"{_NOTE}; in UTC, or in the zone", count=(2, 3))
def _format_timestamp(c: Call) -> Said:
    format_ = c.literal(0)
    if format_ is None:
        return c.refuse(_UNWRITTEN)
    zone = c.tree(2) if c.has(2) else text("UTC")
    return _formatted(c, format_, at_zone(cast(c.tree(1), "TIMESTAMPTZ"), zone), is_utc=not c.has(2))


def _parsed(c: Call, needed: str) -> exp.Expr | None:
    format_ = c.literal(0)
    return None if format_ is None else read(format_, c.tree(1), needed)


_UNREAD = "with a format that DuckDB reads otherwise"


@function("PARSE_DATE", _EMULATED, pages.FORMATS, f"{_NOTE}, and the year is one of them", count=(2, 2))
def _parse_date(c: Call) -> Said:
    format_ = c.literal(0) or ""
    found = _parsed(c, "y" if "%y" in format_ or "%D" in format_ or "%x" in format_ else "Y")
    if found is None or "%z" in format_:
        return c.refuse(_UNREAD)
    return Said(cast(found, "DATE"), "DATE")


@function("PARSE_DATETIME", _EMULATED, pages.FORMATS, f"{_NOTE}, and the year is one of them", count=(2, 2))
def _parse_datetime(c: Call) -> Said:
    found = _parsed(c, "Y")
    if found is None or "%z" in (c.literal(0) or ""):
        return c.refuse(_UNREAD)
    return Said(cast(found, "TIMESTAMP"), "DATETIME")


@function("PARSE_TIMESTAMP", _EMULATED, pages.FORMATS, f"{_NOTE}, and the year is one of them", count=(2, 3))
def _parse_timestamp(c: Call) -> Said:
    found = _parsed(c, "Y")
    if found is None:
        return c.refuse(_UNREAD)
    if "%z" in (c.literal(0) or ""):
        # With an offset DuckDB gives a moment.
        return c.refuse(_UNREAD) if c.has(2) else Said(cast(found, "TIMESTAMPTZ"), "TIMESTAMP")
    return Said(at_zone(found, c.tree(2) if c.has(2) else text("UTC")), "TIMESTAMP")
