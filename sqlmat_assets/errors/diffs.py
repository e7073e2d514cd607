"""What `sqlmat diff` says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import nearest_hint, with_hint


def nothing_to_compare_with(table: str) -> UsageError:
    """One table was named, and no environment."""
    hint = f"name two: `sqlmat diff {table} other.table`, or an environment: `sqlmat diff {table} --env joan`"
    return UsageError(with_hint(f"`{table}` is compared with nothing", hint))


def too_many_names(names: Sequence[str]) -> UsageError:
    """More was named than two tables and a folder, or than a table and a folder with `--env`."""
    shown = ", ".join(f"`{name}`" for name in names)
    hint = "name two tables and the folder, or with `--env` one table and the folder"
    return UsageError(with_hint(f"it is not clear what {shown} should be", hint))


def table_and_environment(table: str, environment: str) -> UsageError:
    """A second table was named beside `--env`, which names it already."""
    hint = f"leave out `{table}`, or `--env {environment}`"
    return UsageError(with_hint(f"with `--env` a table is compared with its own, and not with `{table}`", hint))


def not_a_table_name(name: str) -> UsageError:
    """What was named is no `schema.table`."""
    return UsageError(with_hint(f"`{name}` is not schema.table", "write for example `first.cities`"))


def no_warehouse(label: str) -> UsageError:
    """There is nothing yet in which tables could be."""
    return UsageError(with_hint(f"there is no warehouse {label} yet", "run `sqlmat build` first, or name another"))


def no_such_table(name: str, known: Iterable[str], label: str) -> UsageError:
    """The warehouse has no such table."""
    return UsageError(with_hint(f"there is no table `{name}` in {label}", nearest_hint(name, known)))


def not_built_there(name: str, table: str, environment: str, label: str) -> UsageError:
    """The table was not built in the environment."""
    hint = f"build it: `sqlmat build --env {environment} -s {table}`"
    return UsageError(with_hint(f"there is no table `{name}` in {label}", hint))


def same_table(name: str) -> UsageError:
    """A table was to be compared with itself."""
    return UsageError(with_hint(f"`{name}` is one table and not two", "name another table to compare it with"))


def key_not_in_both(column: str, table: str, columns: Iterable[str]) -> UsageError:
    """`--key` names a column that one of the tables does not have."""
    known = list(columns)
    hint = nearest_hint(column, known) or f"its columns are {', '.join(f'`{name}`' for name in known)}"
    return UsageError(with_hint(f"`{table}` has no column `{column}`", hint))


def empty_key() -> UsageError:
    """`--key` without a name in it."""
    return UsageError(with_hint("`--key` names no column", "write for example `--key country,city_id`"))


def by_key(columns: Sequence[str], source: str) -> str:
    """By which columns rows are told apart, and who says so."""
    return f"by {_columns(columns)} ({source})"


def from_option() -> str:
    """The key was typed."""
    return "`--key`"


def from_setting(setting: str, table: str) -> str:
    """The key is a setting of the table."""
    return f"`{setting}` of `{table}`"


def by_whole_rows() -> str:
    """There is no key."""
    return "by whole rows, in any order: there is no key (`--key COLUMNS` names one)"


def are_equal(rows: int, columns: int) -> str:
    """Nothing differs."""
    return f"equal: {_counted(rows, 'row')}, {_counted(columns, 'column')}"


def reordered() -> str:
    """The columns are the same, and stand elsewhere."""
    return "the columns stand in another order"


def nothing_shared() -> str:
    """There is no column to compare."""
    return "no column is in both tables, so no row is"


def becomes(before: str, after: str) -> str:
    """A value or a type that is another one now."""
    return f"{before} → {after}"


def repeated(table: str, keys: int, rows: int) -> str:
    """Keys of a table are there more than once."""
    is_ = "is" if keys == 1 else "are"
    return (
        f"warning: {_counted(keys, 'key')} of `{table}` {is_} there more than once, in {_counted(rows, 'row')}; "
        "a row of such a key counts as changed only where no other of its rows differs, else as removed and added"
    )


def nulls(table: str, rows: int) -> str:
    """Keys with a NULL in them."""
    have = "has" if rows == 1 else "have"
    return f"{_counted(rows, 'row')} of `{table}` {have} NULL in the key, which is taken for a value like any other"


def more_columns(count: int) -> str:
    """Columns of a row that are not shown."""
    return f"and {_counted(count, 'more column')}"


def sampled(kind: str, shown: int, count: int) -> str:
    """The title of some rows: `added rows, 5 of 20,000`."""
    rows = "row" if count == 1 else "rows"
    return f"{kind} {rows}" if shown >= count else f"{kind} {rows}, {shown:,} of {count:,}"


def share(count: int, of: int) -> str:
    """A part of some rows.

    Examples:
        >>> share(1, 3), share(1, 1_000_000), share(999_999, 1_000_000), share(0, 0)
        ('33.33%', '<0.01%', '>99.99%', '0.00%')
    """
    percent = 100 * count / of if of else 0.0
    if 0 < percent < 0.01:
        return "<0.01%"
    if 99.99 < percent < 100:
        return ">99.99%"
    return f"{percent:.2f}%"


def _columns(columns: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
