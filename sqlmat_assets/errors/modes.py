"""The wording of settings that say how a table is built and do not go together."""

from __future__ import annotations

from dataclasses import replace

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.errors.sql import Place


def merge_without_key() -> TextError:
    """`mode = merge` and nothing to tell rows apart by."""
    return TextError("`mode = merge` needs a `unique_key`", "set `unique_key` to the columns that tell rows apart")


def append_without_end() -> TextError:
    """`mode = append` and a SELECT that gives the same rows each time."""
    return TextError(
        "`mode = append` would add every row again with each build",
        "set a `unique_key`, or let the query read only what is new: `where updated_at > @last_built`",
    )


def key_without_mode() -> TextError:
    """`unique_key` on a table that is replaced."""
    return TextError(
        "`unique_key` has no effect: each build replaces the whole table",
        "write `unique` for a check, or set `mode = merge`",
    )


def only_with_merge(key: str) -> TextError:
    """`on_match` or `order_by` on a table that is not merged."""
    return TextError(f"`{key}` has no effect without `mode = merge`", f"set `mode = merge`, or remove `{key}`")


def only_in_parts(key: str) -> TextError:
    """`on_change` or `on_schema_change` on a table that is replaced as a whole."""
    return TextError(
        f"`{key}` has no effect: each build replaces the whole table",
        f"remove `{key}`, or set `partition_by` or a `mode`",
    )


def only_with_partitions(key: str) -> TextError:
    """`partitions_per_run` on a table that has no partitions."""
    return TextError(f"`{key}` has no effect without `partition_by`", f"set `partition_by`, or remove `{key}`")


def not_for_kind(key: str, kind: str) -> TextError:
    """How a table is built, said of one that is no query."""
    if key == "columns":
        return TextError("the columns of a load stand in its own file", "write them under `columns:` there")
    said = {"data": "a data file is always loaded whole", "processed": "a processed table is always built whole"}
    return TextError(f"`{key}` is for tables of a query: {said.get(kind, 'this one is none')}", f"remove `{key}`")


def not_for_view(key: str) -> TextError:
    """How rows are built, kept or laid out, said of a view."""
    return TextError(f"`{key}` is for tables: a view has no rows of its own", f"remove `{key}`, or `mode = view`")


def view_with_interval(interval: str) -> TextError:
    """An interval in the name of a view's file."""
    return TextError(
        f"a view is as old as what it reads: `{interval}` only counts for tables below it that have no interval",
        "leave it out of the file's name, and give those tables an interval of their own",
    )


def view_of_itself(relation: object) -> TextError:
    """A view whose query reads the view."""
    return TextError(f"`{relation}` is a view and reads itself", "set another `mode`, or read another table")


def several_statements(key: str) -> TextError:
    """A query with statements before its SELECT, of a table that is more than the rows of one query."""
    return TextError(
        f"`{key}` needs a query that is one SELECT, and this one has statements before it",
        f"remove `{key}`, or let another file make what the statements make",
    )


def view_on_result() -> TextError:
    """`-- on: result` above a check of a view."""
    return TextError("`on: result` has no meaning for a view, which is always all of its rows", "remove the line")


def last_built_without_mode(place: Place) -> Problem:
    """`@last_built` in a query whose rows replace all others."""
    return place.problem(
        "`@last_built` would leave out the older rows: each build replaces the whole table",
        "set `mode` to `append` or `merge`, or leave it out",
    )


def unknown_name(place: Place, written: str, meant: str, *, is_warning: bool) -> Problem:
    """`@last_build`, `@start_ds`."""
    problem = place.problem(f"`{written}` is not known", f"did you mean `{meant}`?")
    return replace(problem, is_warning=is_warning)


def name_in_check(place: Place, written: str) -> Problem:
    """`@partition_start` in a check."""
    return place.problem(
        f"`{written}` has no value in a check", "leave it out: a check sees the rows that are about to be published"
    )


def starts_in_future(path: str, first: str) -> Problem:
    """A table whose first partition has not begun."""
    return Problem(
        path, 0, 0, f"the first partition `{first}` has not begun", "correct `partition_by` behind `from`",
        is_warning=True,
    )  # fmt: skip
