"""Parts of dates and times: truncating to them, counting them, taking them out."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery.translator import brackets, call, cast, number, text

_WEEKDAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
_TRUNCATED = frozenset(
    {"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY", "MONTH", "QUARTER", "YEAR", "ISOYEAR"}
)
_COUNTED = _TRUNCATED - {"ISOYEAR"}
_WHOLE = frozenset({"MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DAY"})


def at_zone(tree: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """A moment in a time zone: the clock there, or the moment at which the clock there shows this."""
    return call("TIMEZONE", zone, tree)


def week_shift(part: str) -> int | None:
    """How many days a week of this kind begins before Monday; None where the part is no week.

    Examples:
        >>> week_shift("WEEK"), week_shift("ISOWEEK"), week_shift("WEEK(SATURDAY)"), week_shift("MONTH")
        (1, 0, 2, None)
    """
    if part in ("ISOWEEK", "WEEK"):
        return int(part == "WEEK")
    day = part.removeprefix("WEEK(").removesuffix(")")
    if not part.startswith("WEEK(") or day not in _WEEKDAYS:
        return None
    return (1 - _WEEKDAYS.index(day)) % 7


def truncated(tree: exp.Expr, part: str) -> exp.Expr | None:
    """The start of the part in which a moment is, as DuckDB gives it; None where it has no such part."""
    shift = week_shift(part)
    if shift is None:
        return call("DATE_TRUNC", text(part.lower()), tree) if part in _TRUNCATED else None
    if not shift:
        return call("DATE_TRUNC", text("week"), tree)
    days = call("TO_DAYS", number(shift))
    week = call("DATE_TRUNC", text("week"), exp.Add(this=brackets(tree), expression=days))
    return exp.Sub(this=week, expression=days.copy())


def boundaries(later: exp.Expr, earlier: exp.Expr, part: str) -> exp.Expr | None:
    """How many parts begin between two moments."""
    if part == "ISOYEAR":
        return exp.Sub(this=call("ISOYEAR", later), expression=call("ISOYEAR", earlier))
    if week_shift(part) is None:
        return call("DATE_DIFF", text(part.lower()), earlier, later) if part in _COUNTED else None
    starts = [cast(made, "DATE") for each in (earlier, later) if (made := truncated(each, part)) is not None]
    # Whole weeks, so that nothing is lost.
    return exp.IntDiv(this=call("DATE_DIFF", text("day"), *starts), expression=number(7))


def whole_spans(later: exp.Expr, earlier: exp.Expr, part: str) -> exp.Expr | None:
    """How many whole parts are between two moments."""
    return call("DATE_SUB", text(part.lower()), earlier, later) if part in _WHOLE else None
