"""The wording of what is wrong with schedules, time zones and conditions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors.project import TextError

_FIVE = "write five fields, minute, hour, day, month and weekday: `0 9 1 * *` is 9:00 on the first of each month"
_SPANS = {"months": "jan, apr-jun", "weekdays": "mon-fri", "days": "1, 15-20", "hours": "8-18"}


def _nearest(near: object | None) -> str | None:
    return None if near is None else f"did you mean `{near}`?"


def not_five_fields(text: str, meant: str | None, count: int) -> TextError:
    """A schedule that is no five fields; `meant` writes it as such."""
    if meant is not None:
        return TextError(f"`{text}` is no schedule of five fields", f"write `{meant}`")
    if count == 6:
        return TextError(f"`{text}` has six fields", "leave out the seconds")
    return TextError(f"`{text}` is no schedule of five fields", _FIVE)


def bad_cron_field(text: str, field: str, value: str, expected: str) -> TextError:
    """A field of a schedule that cannot be; `expected` says what it can be."""
    return TextError(f"`{value}` is no {field} in `{text}`", f"write {expected}")


def schedule_never(text: str) -> TextError:
    """A schedule for days that no year has."""
    return TextError(f"`{text}` never comes: no year has such a day", "correct the day or the month")


def no_timezone(text: str, near: object | None) -> TextError:
    """A time zone that is not in the IANA's list."""
    hint = _nearest(near) or "write the name of a region and a city, like `Europe/Berlin`, or `UTC`"
    return TextError(f"there is no time zone `{text}`", hint)


def empty_condition(text: str) -> TextError:
    """Nothing on one side of a `|`."""
    return TextError(f"`{text}` has an empty condition", "remove the `|`, or write a condition on both sides of it")


def no_condition(text: str, near: object | None) -> TextError:
    """A piece of a condition that begins with no known word."""
    hint = "write `months`, `weekdays`, `days` or `hours` before it: `weekdays mon-fri, hours 8-18 | days 1`"
    return TextError(f"`{text}` is no condition", _nearest(near) or hint)


def not_in_condition(text: str, field: str, first: int, last: int, names: Sequence[str]) -> TextError:
    """A number or a name that is none of those of a part of a condition."""
    known = f"`{names[0]}` to `{names[-1]}`, or " if names else ""
    what = f"`{text}` is none of the {field}" if text else f"`{field}` stands alone"
    return TextError(what, f"write {known}`{first}` to `{last}`, as a list or a range: `{field} {_SPANS[field]}`")


def no_such_day(text: str) -> TextError:
    """A condition for days that no year has."""
    return TextError(f"`{text}` never holds: no year has such a day", "correct the days or the months")
