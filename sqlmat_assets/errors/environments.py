"""What is said of environments, where changes are tried."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import nearest_hint, with_hint


def bad_name(name: str) -> UsageError:
    """Not every name can be a part of that of a schema."""
    hint = "write letters and digits, with single underscores between them, such as `joan` or `pr_12`"
    return UsageError(with_hint(f"`{name}` cannot be the name of an environment", hint))


def is_production(name: str) -> UsageError:
    """A name that would make people believe that they build what everybody reads."""
    hint = "leave out `--env` and `SQLMAT_ENV` to build what everybody reads, or take another name"
    return UsageError(with_hint(f"`{name}` cannot be the name of an environment", hint))


def too_long(schema: str, most_bytes: int, engine: str) -> UsageError:
    """The engine would cut the name of a schema."""
    what = f"the schema `{schema}` of the environment is too long a name for {engine}, which takes {most_bytes} bytes"
    return UsageError(with_hint(what, "take a shorter name"))


def collides(name: str, schema: str, path: str) -> UsageError:
    """A schema of the environment is one that the project has for itself."""
    return UsageError(
        with_hint(f"the environment `{name}` would be built in `{schema}`, which `{path}` uses", "take another name")
    )


def is_another(relation: str, environment: str | None) -> str:
    """What is in the place of a table was built elsewhere, in an environment or as production."""
    owner = "a table of production" if environment is None else f"a table of the environment `{environment}`"
    return with_hint(f"`{relation}` is {owner}", "rename the schema, or drop that table")


def reads_past(relation: str, views: Sequence[str], table: str, environment: str) -> str:
    """A table would read production by way of a view although what the view reads was built aside."""
    way = " by way of ".join(f"`{view}`" for view in reversed(views))
    what = f"`{relation}` reads production's rows of `{table}` by way of {way}"
    selection = views[0] if len(views) == 1 else f"'{' or '.join(views)}'"
    what += f", and `{table}` was built in `{environment}`"
    return with_hint(what, f"build {'that view' if len(views) == 1 else 'those views'} there too: `-s {selection}`")


def built_in(name: str) -> str:
    """Where a build went."""
    return f"in the environment `{name}`; production is as it was"


def none_found(warehouse: str) -> str:
    """Nothing was ever built aside."""
    return f"no environment in {warehouse}: `sqlmat build --env NAME` makes one"


def how_to_drop() -> str:
    """What to do with the environments that are listed."""
    return "they stay until somebody drops them: `sqlmat env drop NAME`"


def unknown(name: str, known: Sequence[str]) -> UsageError:
    """There is neither a table nor an instance of it."""
    hint = nearest_hint(name, known) or "`sqlmat env list` lists them"
    return UsageError(with_hint(f"there is no environment `{name}`", hint))


def is_open(name: str, url: str) -> UsageError:
    """Its UI runs."""
    return UsageError(with_hint(f"`sqlmat dev --env {name}` runs: {url}", "end it first"))


def dropped(name: str, tables: Sequence[str], warehouse: str) -> str:
    """What was done.

    Examples:
        >>> dropped("dev", ["first__dev.cities"], "w.duckdb")
        'dropped the environment `dev` from w.duckdb: `first__dev.cities`'
    """
    listed = ", ".join(f"`{table}`" for table in tables) or "it had no tables"
    return f"dropped the environment `{name}` from {warehouse}: {listed}"


def left(schema: str, names: Sequence[str]) -> str:
    """What somebody else made in a schema of an environment."""
    listed = ", ".join(f"`{schema}.{name}`" for name in names)
    return f"kept the schema `{schema}`: sqlmat did not make {listed}"


def is_read(name: str, views: Sequence[str]) -> str:
    """Views that somebody made can only be read while an environment is there."""
    listed, read = ", ".join(f"`{view}`" for view in views), "reads" if len(views) == 1 else "read"
    return with_hint(f"the environment `{name}` is not dropped: {listed} {read} it", "change or drop those first")


def changed_meanwhile(name: str) -> str:
    """A table was published while the environment was dropped."""
    return with_hint(
        f"the environment `{name}` is being built by somebody else at this moment; nothing is dropped", "wait for that"
    )


def folder_stays(folder: str, reason: str) -> str:
    """The instance of an environment cannot be removed."""
    return f"warning: the folder `{folder}` cannot be removed: {reason}"
