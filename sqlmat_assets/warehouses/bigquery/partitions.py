"""Which partition of a table a range is, where it is just one."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlglot import exp

from sqlmat_assets.warehouses.bigquery.link import Resource

_FORMATS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m"}
_LENGTHS = {"HOUR": timedelta(hours=1), "DAY": timedelta(days=1)}


def partition_of(where: exp.Expr, table: Resource) -> str | None:
    """The name of the partition whose rows are those of which a condition is true.

    Args:
        where: From a moment on, and before another.
        table: As the API tells it.

    Examples:
        >>> import sqlglot
        >>> text = "`a` >= CAST('2019-01-01' AS DATE) AND `a` < CAST('2019-02-01' AS DATE)"
        >>> where = sqlglot.parse_one(text, read="bigquery")
        >>> partition_of(where, {"timePartitioning": {"type": "MONTH", "field": "a"}})
        '201901'
        >>> partition_of(where, {"timePartitioning": {"type": "DAY", "field": "a"}})
    """
    time = table.get("timePartitioning")
    if not time or "field" not in time or time.get("type") not in _FORMATS:
        return None
    if (
        not isinstance(where, exp.And)
        or not isinstance(where.this, exp.GTE)
        or not isinstance(where.expression, exp.LT)
    ):
        return None
    names = {column.name for column in where.find_all(exp.Column)}
    start, end = _moment(where.this.expression), _moment(where.expression.expression)
    if names != {time["field"]} or start is None or end is None or end != _end(start, time["type"]):
        return None
    return start.strftime(_FORMATS[time["type"]])


def _moment(value: exp.Expr) -> datetime | None:
    text = value.this.name if isinstance(value, exp.Cast) else value.name
    try:
        found = datetime.fromisoformat(text.replace("+00", "+00:00") if text.endswith("+00") else text)
    except ValueError:
        return None
    return found.replace(tzinfo=None)


def _end(start: datetime, kind: str) -> datetime | None:
    if start != _floor(start, kind):
        return None
    if kind in _LENGTHS:
        return start + _LENGTHS[kind]
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def _floor(moment: datetime, kind: str) -> datetime:
    if kind == "HOUR":
        return moment.replace(minute=0, second=0, microsecond=0)
    day = datetime.combine(date(moment.year, moment.month, moment.day), datetime.min.time())
    return day if kind == "DAY" else day.replace(day=1)
