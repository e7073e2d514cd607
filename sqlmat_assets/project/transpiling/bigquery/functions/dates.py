"""Functions of dates, and those of moments that say the same with another name."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.intervals import DATE_SPANS, SPANS, TIME_SPANS, say_span
from sqlmat_assets.project.transpiling.bigquery.moments import (
    at_zone,
    boundaries,
    truncated,
    whole_spans,
)
from sqlmat_assets.project.transpiling.bigquery.numbers import plain
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    brackets,
    call,
    case,
    cast,
    is_type,
    number,
    text,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED
_TYPES = {"DATE": "DATE", "DATETIME": "TIMESTAMP", "TIMESTAMP": "TIMESTAMPTZ", "TIME": "TIME"}
_ZONED = "TIMESTAMP WITH TIME ZONE"


def moment(said: Said, kind: str | None = None) -> exp.Expr:
    """A moment; a string that is written out is one of that kind."""
    if said.kind == "STRING" and kind is not None:
        return cast(said.tree, _TYPES[kind])
    return said.tree


@function("CURRENT_DATE", _EMULATED, f"{pages.DATES}current_date", "in UTC, or in the zone", count=(0, 1))
def _current_date(c: Call) -> Said:
    return Said(cast(at_zone(call("NOW"), c.tree(0) if c.has(0) else text("UTC")), "DATE"), "DATE")


@function("CURRENT_DATETIME", _EMULATED, f"{pages.DATETIMES}current_datetime", count=(0, 1))
def _current_datetime(c: Call) -> Said:
    return Said(cast(at_zone(call("NOW"), c.tree(0) if c.has(0) else text("UTC")), "TIMESTAMP"), "DATETIME")


@function("CURRENT_TIMESTAMP", _EXACT, f"{pages.TIMESTAMPS}current_timestamp", "is NOW", count=(0, 0))
def _current_timestamp(c: Call) -> Said:
    del c
    return Said(call("NOW"), "TIMESTAMP")


@function("DATE", _EMULATED, f"{pages.DATES}date", "of numbers, of a moment, of one in a time zone", count=(1, 3))
def _date(c: Call) -> Said:
    match c.count:
        case 3:
            return Said(call("MAKE_DATE", *(cast(plain(c.say(index)), "BIGINT") for index in range(3))), "DATE")
        case 2:
            return Said(cast(at_zone(cast(c.tree(0), "TIMESTAMPTZ"), c.tree(1)), "DATE"), "DATE")
        case _:
            return Said(cast(c.tree(0), "DATE"), "DATE")


@function("DATETIME", _EMULATED, f"{pages.DATETIMES}datetime", count=(1, 6))
def _datetime(c: Call) -> Said:
    if c.count == 6:
        numbers = [cast(plain(c.say(index)), "BIGINT") for index in range(5)]
        return Said(call("MAKE_TIMESTAMP", *numbers, cast(plain(c.say(5)), "DOUBLE")), "DATETIME")
    if c.count == 1:
        return Said(cast(c.tree(0), "TIMESTAMP"), "DATETIME")
    second = c.say(1)
    if c.count > 2 or second.kind not in ("STRING", "TIME"):
        return c.refuse("of such arguments")
    if second.kind == "TIME":
        return Said(exp.Add(this=cast(c.tree(0), "DATE"), expression=second.tree), "DATETIME")
    return Said(cast(at_zone(cast(c.tree(0), "TIMESTAMPTZ"), second.tree), "TIMESTAMP"), "DATETIME")


@function(
    "TIMESTAMP",
    _EMULATED,
    f"{pages.TIMESTAMPS}timestamp",
    "what has no time zone is in UTC, or in the one",
    count=(1, 2),
)
def _timestamp(c: Call) -> Said:
    if c.has(1):
        # A string may have a zone of its own, which goes before.
        if c.say(0).kind == "STRING":
            return c.refuse("of a string, with a time zone")
        return Said(at_zone(cast(c.tree(0), "TIMESTAMP"), c.tree(1)), "TIMESTAMP")
    return Said(cast(c.tree(0), "TIMESTAMPTZ"), "TIMESTAMP")


def _shifted(c: Call, kind: str | None) -> Said:
    """A moment that is moved by an interval."""
    known = TIME_SPANS if kind == "TIMESTAMP" else SPANS if kind == "DATETIME" else DATE_SPANS | SPANS
    span = say_span(c.t, c.arguments[1], known, is_negative=c.name.endswith("_SUB"))
    if span is None:
        return c.refuse("of such an interval")
    said = c.say(0)
    default = kind or "DATE"
    if said.kind == "STRING":
        said = Said(cast(said.tree, _TYPES[default]), default)
    result = kind or said.kind
    value = cast(said.tree, _TYPES[kind]) if kind is not None and said.kind != kind else said.tree
    tree = exp.Add(this=brackets(value), expression=span)
    if result in _TYPES:
        return Said(cast(tree, _TYPES[result]) if result == "DATE" else tree, result)
    return Said(call("CAST_TO_TYPE", tree, value.copy()))


@function(
    "DATE_ADD, DATE_SUB",
    _EMULATED,
    f"{pages.DATES}date_add",
    "stays a DATE, which is a TIMESTAMP in DuckDB",
    count=(2, 2),
)
def _date_add(c: Call) -> Said:
    return _shifted(c, None)


@function("DATETIME_ADD, DATETIME_SUB", _EMULATED, f"{pages.DATETIMES}datetime_add", count=(2, 2))
def _datetime_add(c: Call) -> Said:
    return _shifted(c, "DATETIME")


@function("TIMESTAMP_ADD, TIMESTAMP_SUB", _EMULATED, f"{pages.TIMESTAMPS}timestamp_add", count=(2, 2))
def _timestamp_add(c: Call) -> Said:
    return _shifted(c, "TIMESTAMP")


@function(
    "DATE_DIFF",
    _EMULATED,
    f"{pages.DATES}date_diff",
    "counts the boundaries between dates, a week from Sunday; between timestamps what is whole",
    count=(3, 3),
)
def _date_diff(c: Call) -> Said:
    later, earlier, part = c.say(0), c.say(1), c.part(2)
    a, b = moment(later, "DATE"), moment(earlier, "DATE")
    counted = None if part is None else boundaries(a, b, part)
    if counted is None or part is None:
        return c.refuse("by such a part")
    if {later.kind, earlier.kind} & {"DATE", "DATETIME", "STRING"}:
        return Said(counted, "INT64")
    whole = whole_spans(cast(a.copy(), "TIMESTAMPTZ"), cast(b.copy(), "TIMESTAMPTZ"), part)
    if whole is None:
        return Said(counted, "INT64")
    return Said(case((is_type(a, _ZONED), whole), default=counted), "INT64")


@function("DATETIME_DIFF", _EMULATED, f"{pages.DATETIMES}datetime_diff", "counts boundaries", count=(3, 3))
def _datetime_diff(c: Call) -> Said:
    part = c.part(2)
    a, b = (cast(c.tree(index), "TIMESTAMP") for index in range(2))
    counted = None if part is None else boundaries(a, b, part)
    return c.refuse("by such a part") if counted is None else Said(counted, "INT64")


@function("TIMESTAMP_DIFF", _EMULATED, f"{pages.TIMESTAMPS}timestamp_diff", "counts what is whole", count=(3, 3))
def _timestamp_diff(c: Call) -> Said:
    part = c.part(2)
    a, b = (cast(c.tree(index), "TIMESTAMPTZ") for index in range(2))
    whole = None if part is None else whole_spans(a, b, part)
    return c.refuse("by such a part") if whole is None else Said(whole, "INT64")


@function("DATE_TRUNC", _EMULATED, f"{pages.DATES}date_trunc", "stays of its type; a week is from Sunday", count=(2, 2))
def _date_trunc(c: Call) -> Said:
    said = c.say(0)
    if said.kind == "STRING":
        said = Said(cast(said.tree, "DATE"), "DATE")
    return _truncated(c, said.tree, said.kind)


@function("DATETIME_TRUNC", _EMULATED, f"{pages.DATETIMES}datetime_trunc", count=(2, 2))
def _datetime_trunc(c: Call) -> Said:
    return _truncated(c, cast(c.tree(0), "TIMESTAMP"), "DATETIME")


@function("TIMESTAMP_TRUNC", _EMULATED, f"{pages.TIMESTAMPS}timestamp_trunc", "in UTC, or in the zone", count=(2, 3))
def _timestamp_trunc(c: Call) -> Said:
    value = cast(c.tree(0), "TIMESTAMPTZ")
    if not c.has(2):
        return _truncated(c, value, "TIMESTAMP")
    said = _truncated(c, at_zone(value, c.tree(2)), "DATETIME")
    return Said(at_zone(brackets(said.tree), c.tree(2)), "TIMESTAMP")


def _truncated(c: Call, tree: exp.Expr, kind: str | None) -> Said:
    part = c.part(1)
    made = None if part is None else truncated(tree, part)
    if made is None:
        return c.refuse("to such a part")
    if kind in _TYPES:
        return Said(cast(made, "DATE") if kind == "DATE" else made, kind)
    return Said(call("CAST_TO_TYPE", made, tree.copy()))


@function("LAST_DAY", _EMULATED, f"{pages.DATES}last_day", "of a month, quarter, year or week", count=(1, 2))
def _last_day(c: Call) -> Said:
    part = c.part(1) if c.has(1) else "MONTH"
    date = cast(c.tree(0), "DATE")
    if part == "MONTH":
        return Said(call("LAST_DAY", date), "DATE")
    lengths = {"QUARTER": call("TO_MONTHS", number(3)), "YEAR": call("TO_MONTHS", number(12))}
    start = None if part is None else truncated(date, part)
    if start is None or part is None or part == "ISOYEAR":
        return c.refuse("of such a part")
    length = lengths.get(part, call("TO_DAYS", number(7)))
    end = exp.Sub(this=exp.Add(this=start, expression=length), expression=call("TO_DAYS", number(1)))
    return Said(cast(end, "DATE"), "DATE")


@function("UNIX_DATE", _EMULATED, f"{pages.DATES}unix_date")
def _unix_date(c: Call) -> Said:
    epoch = cast(text("1970-01-01"), "DATE")
    return Said(call("DATE_DIFF", text("day"), epoch, cast(c.tree(0), "DATE")), "INT64")


@function("DATE_FROM_UNIX_DATE", _EMULATED, f"{pages.DATES}date_from_unix_date")
def _from_unix_date(c: Call) -> Said:
    epoch = cast(text("1970-01-01"), "DATE")
    return Said(exp.Add(this=epoch, expression=cast(plain(c.say(0)), "INTEGER")), "DATE")
