"""The wording of snapshots: the rows of a table as they were, in its `_history`."""

from __future__ import annotations

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.errors.usage import with_hint


def column_taken(relation: str, history: str, column: str) -> TextError:
    """The table itself has a column with the name of the one that is added in the history."""
    return TextError(
        f"`{relation}` has a column `{column}`, which is the one that its snapshots get in `{history}`",
        "give the column another name, or remove `snapshots_interval`",
    )


def history_is_built(relation: str, path: str, history: str, other: str) -> TextError:
    """Another file of the project makes the table that is to hold the snapshots."""
    return TextError(
        f"the snapshots of `{relation}` (`{path}`) would be kept in `{history}`, which `{other}` makes",
        "give one of the two files another name, or remove `snapshots_interval`",
    )


def stored_without_interval() -> TextError:
    """It is said how long snapshots stay, and not how often they are taken."""
    return TextError(
        "`snapshots_stored_for` has no effect without `snapshots_interval`", "set `snapshots_interval` as well"
    )


def stored_too_short(stored_for: str, interval: str) -> TextError:
    """Snapshots are gone before the next one is due."""
    return TextError(
        f"snapshots are removed after {stored_for} although the next one is due only after {interval}",
        "set `snapshots_stored_for` to no less than `snapshots_interval`",
    )


def history_begins_later(relation: str, history: str, base: str, column: str) -> TextError:
    """A table reads the history of one that depends on it, so that neither can be built first."""
    return TextError(
        f"`{relation}` reads `{history}`, which begins with the first build of `{base}`, and `{base}` depends on "
        f"`{relation}`: until then neither can be built",
        f"if it is not there yet, make an empty `{history}` with the columns of `{base}` and `{column}` (TIMESTAMP)",
    )


def name_too_long(history: str, longest: int, engine: str) -> str:
    """The engine has no names as long as that of the history."""
    return with_hint(
        f"the snapshots would be kept in `{history}`, a name longer than the {longest} bytes that {engine} allows",
        "give the table a shorter name, or remove `snapshots_interval`",
    )


def history_is_view(history: str) -> str:
    """There is a view where the snapshots are to be kept."""
    return with_hint(
        f"the snapshots would be kept in `{history}`, which is a view", "rename it, or remove `snapshots_interval`"
    )


def history_is_table(history: str) -> str:
    """There is a table that was built from a file where the snapshots are to be kept."""
    return with_hint(
        f"the snapshots would be kept in `{history}`, a table that was built from a file",
        f"rename that table, drop it (`sqlmat orphans --drop {history}`), or remove `snapshots_interval`",
    )


def history_is_foreign(history: str, column: str, type_: str | None) -> str:
    """There is a table that does not look like snapshots where they are to be kept; `type_` is that of its column."""
    found = f"has no column `{column}`" if type_ is None else f"has a column `{column}` of the type {type_}"
    return with_hint(
        f"the snapshots would be kept in `{history}`, which is there and {found}",
        f"rename it, give it a column `{column}` of the type TIMESTAMP, or remove `snapshots_interval`",
    )
