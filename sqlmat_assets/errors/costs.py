"""Wording of what queries cost."""

from __future__ import annotations

from collections.abc import Sequence

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")
_STEP = 1024
_LEAST = 0.00001


def money(usd: float) -> str:
    """A sum in US dollars, with as many digits as tell anything.

    Examples:
        >>> money(0), money(0.000001), money(0.0000596), money(0.1234), money(1234.5)
        ('$0.00', '<$0.00001', '$0.00006', '$0.12', '$1,234.50')
    """
    if usd == 0 or usd >= 0.01:
        return f"${usd:,.2f}"
    return f"${usd:.5f}" if usd >= _LEAST else f"<${_LEAST:.5f}"


def size(count: float) -> str:
    """A number of bytes.

    Examples:
        >>> size(0), size(1536), size(10 << 20), size(3 << 40)
        ('0 bytes', '1.5 KiB', '10.0 MiB', '3.0 TiB')
    """
    power = 0
    while count >= _STEP and power < len(_UNITS) - 1:
        count /= _STEP
        power += 1
    return f"{count:.0f} {_UNITS[0]}" if not power else f"{count:,.1f} {_UNITS[power]}"


def above_budget(relation: str, usd: float, budget: float) -> str:
    """A table whose queries would cost more than its setting admits."""
    return (
        f"building `{relation}` would cost {money(usd)} by its dry run, and its `budget` is {money(budget)}\n"
        "  hint: have the query read fewer columns or partitions, or raise `budget`"
    )


def above_daily_budget(relation: str, usd: float, spent: float, budget: float) -> str:
    """A table for which there is not enough left today."""
    return (
        f"building `{relation}` would cost {money(usd)} by its dry run; {money(spent)} of the `daily_budget` of "
        f"{money(budget)} are spent today (UTC)\n"
        "  hint: build it tomorrow, or raise `daily_budget` in `global.conf`"
    )


def reads(read: int, usd: float, per_day: float | None) -> str:
    """What a build of a table reads.

    Examples:
        >>> reads(3 << 30, 0.018, 0.432)
        'reads 3.0 GiB, which costs $0.02, and $0.43 a day'
        >>> reads(0, 0, None)
        'reads 0 bytes, which costs $0.00'
    """
    daily = "" if per_day is None else f", and {money(per_day)} a day"
    return f"reads {size(read)}, which costs {money(usd)}{daily}"


def guessed(relations: Sequence[str]) -> str:
    """Tables that are not there yet."""
    named = ", ".join(f"`{each}`" for each in relations)
    return f"with a guess at {named}, not built yet"


def over_budget(budget: float) -> str:
    """What `sqlmat build` will come to."""
    return f"above its `budget` of {money(budget)}: a build is refused"


def over_daily_budget(usd: float, budget: float) -> str:
    """All of it is more than may be spent in a day."""
    return f"all of it, {money(usd)}, is above the `daily_budget` of {money(budget)}: a part of it is refused"


def not_known(why: str) -> str:
    """A table whose costs nobody can tell."""
    return f"what it costs is not known: {why}"


def columns_not_known(relation: str) -> str:
    """A table that is not there and of which nobody can tell how it will look."""
    return f"`{relation}` is not built yet, and its columns are not known"


def temporary_tables() -> str:
    """A query of several statements, which a dry run does not follow to its end."""
    return "it makes temporary tables, and a dry run makes none"


def priced(usd_per_tib: float) -> str:
    """What stands above the sums."""
    return f"costs by dry runs, at {money(usd_per_tib)} for a TiB"


def without(count: int) -> str:
    """How many tables are in no sum."""
    return f"without {count:,} table{'' if count == 1 else 's'} whose costs are not known"


def bills_nothing(label: str) -> str:
    """An engine on which there is nothing to tell."""
    return f"{label} bills for nothing that is read"


def nothing_spent(days: int) -> str:
    """No build of any kind."""
    return f"nothing was spent in the last {days:,} day{'' if days == 1 else 's'}"
