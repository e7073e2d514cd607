"""What is said of tables that no file makes any more."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors import Problem, UsageError
from sqlmat_assets.errors.usage import nearest_hint, with_hint


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def none_found(warehouse: str) -> str:
    """Every table has its file."""
    return f"no orphans: every table that sqlmat made in {warehouse} has its file"


def how_to_drop() -> str:
    """What to do with the tables that are listed."""
    return "they stay until somebody drops them: `sqlmat orphans --drop TABLE`, or `--drop-all`"


def of_environments(count: int) -> str:
    """Tables that were left out because they are those of environments."""
    return f"left out: {count} {'table' if count == 1 else 'tables'} of environments"


def of_others() -> str:
    """Tables without a file here that the project has not made, as far as anybody knows."""
    return "not made by this project, so another one may have their files (`--drop-all` leaves them alone):"


def note_project(project: str | None) -> str:
    """Which project has made a table."""
    return "nobody knows which project made it" if project is None else f"made by {project}"


def note_renamed(names: Sequence[str]) -> str:
    """Tables of the project that are made as the orphan was."""
    return f"renamed to {_listed(names)}?"


def note_readers(names: Sequence[str]) -> str:
    """Tables of the project and views that read the orphan."""
    return f"still read by {_listed(names)}"


def note_gone() -> str:
    """The table is recorded and is not there."""
    return "somebody has dropped it; only the record is left"


def dropped(names: Sequence[str], warehouse: str) -> str:
    """What was done."""
    counted = f"{len(names) or 'no'} {'table' if len(names) == 1 else 'tables'}"
    if not names:
        return f"dropped {counted} from {warehouse}"
    return f"dropped {counted} from {warehouse}: {_listed(names)}"


def kept(name: str, readers: Sequence[str], *, has_views: bool = False) -> str:
    """A table that was not dropped with all others."""
    return with_hint(f"kept `{name}`: {_listed(readers)} {_read(readers)} it", _change_first(has_views=has_views))


def _change_first(*, has_views: bool) -> str:
    return "build, change or drop those first" if has_views else "change those first"


def _read(readers: Sequence[str]) -> str:
    return "reads" if len(readers) == 1 else "read"


def may_be_hidden(path: str) -> str:
    """A file that cannot be told may be that of a listed table."""
    return with_hint(f"`{path}` has problems that may hide a table, so nothing can be dropped", "mend it first")


def problems_may_hide(problems: Sequence[Problem]) -> UsageError:
    """Tables are to be dropped, and some file cannot be told."""
    told = "\n".join(f"  {problem.path}: {problem.what}" for problem in problems)
    return UsageError(
        with_hint(
            f"nothing is dropped while files have problems that may hide a table\n{told}",
            "mend them first; `sqlmat check` tells more",
        )
    )


def dangling_link() -> str:
    """A link in the project folder that leads nowhere."""
    return "the link leads nowhere, so it is not known what is there"


def both_flags() -> UsageError:
    """Some and all were asked for."""
    return UsageError(with_hint("`--drop` and `--drop-all` cannot be given together", "leave one of them out"))


def project_is_empty(folder: str) -> UsageError:
    """A project without tables would make an orphan of everything."""
    hint = "check the folder, or name each table with `--drop`"
    return UsageError(with_hint(f"there is no table in `{folder}`, so `--drop-all` would drop everything", hint))


def project_is_strange(folder: str, warehouse: str) -> UsageError:
    """None of the project's tables was ever built there, so what is there may be another project's."""
    hint = "check the folder and the warehouse, or name each table with `--drop`"
    what = f"no table of `{folder}` was ever built in {warehouse}, so `--drop-all` would drop everything in it"
    return UsageError(with_hint(what, hint))


def has_its_file(name: str, path: str, *, is_quarantined: bool) -> UsageError:
    """A table is to be dropped that a file makes."""
    if is_quarantined:
        return UsageError(with_hint(f"`{name}` is no orphan: `{path}` makes it and has problems", "mend the file"))
    return UsageError(with_hint(f"`{name}` is no orphan: `{path}` makes it", "remove the file first"))


def is_of_environment(name: str) -> UsageError:
    """A table is to be dropped that belongs to an environment."""
    return UsageError(f"`{name}` is no orphan: it is a table of an environment")


def is_read(name: str, readers: Sequence[str], *, has_views: bool = False) -> UsageError:
    """A table is to be dropped that tables of the project read, or views in the warehouse."""
    what = f"`{name}` is not dropped: {_listed(readers)} {_read(readers)} it"
    return UsageError(with_hint(what, _change_first(has_views=has_views)))


def not_made_here(name: str) -> UsageError:
    """A table is to be dropped that sqlmat has no record of."""
    return UsageError(
        with_hint(f"`{name}` is there, but sqlmat did not make it", "drop it with the tools of the engine")
    )


def unknown(name: str, known: Sequence[str]) -> UsageError:
    """A table is to be dropped that is not there."""
    hint = nearest_hint(name, known) or "`sqlmat orphans` lists them"
    return UsageError(with_hint(f"there is no orphan `{name}`", hint))


def changed_meanwhile(name: str) -> str:
    """A table was published or dropped after it was found to be an orphan."""
    return with_hint(
        f"`{name}` was published or dropped by somebody else at this moment; nothing is dropped", "look again"
    )
