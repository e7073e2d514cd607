"""What is said of earlier versions of tables, and of putting one back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import nearest_hint, with_hint

_MOST_NAMED = 10


def moment(at: datetime) -> str:
    """When a version was published, as people type it.

    Examples:
        >>> moment(datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC))
        '2026-01-02 03:04:05.000678'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def _short(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _build(names: Sequence[str]) -> str:
    return " ".join(["sqlmat build", *(f"-s {name}" for name in names)])


def unknown(name: str, known: Sequence[str]) -> UsageError:
    """Nothing of that name was ever published here."""
    hint = nearest_hint(name, known) or "`sqlmat undo` puts back what was built here; check the warehouse"
    return UsageError(with_hint(f"no table `{name}` was built here", hint))


def not_ours(relation: str, kind: str) -> str:
    """Somebody has put something else into the place of the table."""
    hint = f"drop or rename that {kind} first"
    return with_hint(f"the {kind} in the place of `{relation}` is not what sqlmat published; nothing is undone", hint)


def nothing_kept(relation: str) -> str:
    """There is no version at all."""
    hint = "with `keep_versions = 3` in its settings, each build that changes its rows keeps the ones before"
    return with_hint(f"no earlier version of `{relation}` is kept; nothing is undone", hint)


def nothing_earlier(relation: str) -> str:
    """There are versions, but none that is earlier than what is in place."""
    hint = "`--list` shows what is kept, and `--to` puts back any of it"
    return with_hint(f"no version of `{relation}` before the one in place is kept; nothing is undone", hint)


def no_such_version(relation: str, typed: str) -> UsageError:
    """`--to` names no version."""
    return UsageError(with_hint(f"no version of `{relation}` was published at `{typed}`", "`--list` shows them"))


def several_versions(relation: str, typed: str) -> UsageError:
    """`--to` names more than one."""
    what = f"several versions of `{relation}` were published at `{typed}`"
    return UsageError(with_hint(what, "write more of the time, as `--list` shows it"))


def list_with(flag: str) -> UsageError:
    """To look and to change were asked for together."""
    return UsageError(with_hint(f"`--list` and `{flag}` cannot be given together", "leave one of them out"))


def no_good_version(names: Sequence[str]) -> str:
    """Tables downstream have no version to put back."""
    noun = "it" if len(names) == 1 else "them"
    what = f"no version of {_listed(names)} is kept that was not built from what goes; nothing is undone"
    return with_hint(what, f"undo without `--downstream`, then build {noun}: `{_build(names)}`")


def would_break(relation: str, broken: Sequence[tuple[str, str]]) -> str:
    """Views that could not be read after an undo: each with what the engine says."""
    named = [f"  `{view}`: {' '.join(said.split())}" for view, said in broken[:_MOST_NAMED]]
    if len(broken) > _MOST_NAMED:
        named.append(f"  and {len(broken) - _MOST_NAMED:,} more")
    count = "a view" if len(broken) == 1 else f"{len(broken):,} views"
    hint = "  hint: change these views so that they can be read with both versions, or drop them, then undo"
    return "\n".join(
        [f"{count} would no longer work with that version of `{relation}`; nothing is undone", *named, hint]
    )


def unreadable(relation: str, said: str) -> str:
    """A view was kept, and what it reads has changed since."""
    what = f"that version of `{relation}` cannot be read any more; nothing is undone: {' '.join(said.split())}"
    return with_hint(what, "put back what it reads first; or `--list` shows other versions for `--to`")


def changed_meanwhile(relation: str) -> str:
    """A run published at the same moment."""
    return with_hint(f"`{relation}` was published by somebody else at this moment; nothing is undone", "look again")


def put_back(
    relation: str, published_at: datetime, rows: int | None, commit: str | None, *, has_edits: bool | None = None
) -> str:
    """What is in place now."""
    told = [] if rows is None else [f"{rows:,} {'row' if rows == 1 else 'rows'}"]
    told += [] if commit is None else [f"commit {built_from(commit, has_edits=has_edits)}"]
    more = f" ({', '.join(told)})" if told else ""
    return f"put back `{relation}` of {_short(published_at)}{more}"


def undone(published_at: datetime) -> str:
    """What went, below what is in place now."""
    return f"in place of that of {_short(published_at)}, which is kept"


def gone(published_at: datetime) -> str:
    """Nothing was there, although it was published."""
    return f"in place of that of {_short(published_at)}, which somebody has dropped"


def redo(relation: str, published_at: datetime, *, is_downstream: bool = False) -> str:
    """How an undo is undone, together with the tables that it took along."""
    along = " --downstream" if is_downstream else ""
    return f'if that was wrong: sqlmat undo {relation}{along} --to "{moment(published_at)}"'


def is_held(relation: str) -> str:
    """What the service does from now on."""
    return f"the service leaves `{relation}` alone until its file is edited or somebody builds it"


def built_from_it() -> str:
    """The heading of the tables that were built from what went."""
    return "built from what was undone, and left as they are:"


def reader(relation: str, published_at: datetime, width: int, *, is_certain: bool) -> str:
    """One of them.

    Examples:
        >>> reader("a.b", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 5, is_certain=False)
        'a.b    2026-01-02 03:04:05 UTC  may have been'
    """
    more = "" if is_certain else "  may have been"
    return f"{relation:{width}}  {_short(published_at)}{more}"


def how_to_go_on(names: Sequence[str]) -> str:
    """What to do with tables downstream.

    Examples:
        >>> how_to_go_on(["a.b", "a.c"])
        '  hint: they are built anew by `sqlmat build -s a.b -s a.c`'
    """
    they_are = "it is" if len(names) == 1 else "they are"
    return f"  hint: {they_are} built anew by `{_build(names)}`"


def not_told(home: str, reason: str, held: str | None) -> str:
    """The warehouse is as it should be, and the service does not know; nothing builds the table that is `held`."""
    what = f"warning: the Dagster instance `{home}` was not told: {reason}"
    if held is None:
        return with_hint(what, "it shows what was there before, until the next build")
    hint = f"`{held}` is left alone all the same; the next run that comes to it, or `sqlmat build`, tells the instance"
    return with_hint(what, hint)


def built_from(commit: str | None, *, has_edits: bool | None) -> str:
    """The commit that rows were built from.

    Examples:
        >>> built_from("c0ffee1234", has_edits=True)
        'c0ffee12 + edits'
        >>> built_from("c0ffee1234", has_edits=None)
        'c0ffee12'
    """
    return "" if commit is None else f"{commit[:8]} + edits" if has_edits else commit[:8]


def in_place(put_back_at: datetime | None) -> str:
    """A line of the list.

    Examples:
        >>> in_place(None)
        'in place'
        >>> in_place(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
        'in place, put back 2026-01-02 03:04:05 UTC'
    """
    return "in place" if put_back_at is None else f"in place, put back {_short(put_back_at)}"


def was_undone(at: datetime) -> str:
    """A line of the list."""
    return f"undone {_short(at)}"


def nothing_to_list(relation: str) -> str:
    """There is nothing but what is in place."""
    hint = "with `keep_versions = 3` in its settings, each build that changes its rows keeps the ones before"
    return with_hint(f"no earlier version of `{relation}` is kept", hint)


def outcome(replaced_at: datetime | None) -> str:
    """The metadata of what was put back."""
    more = "" if replaced_at is None else f", in place of what was published at {_short(replaced_at)}"
    return f"put back by hand{more}"


def put_back_meanwhile(relation: str) -> str:
    """An undo was done while a run was building the table."""
    hint = f"what was put back stays; to build all the same: `{_build([relation])}`"
    return with_hint(f"`{relation}` was put back by hand while it was built", hint)


def left_alone(relation: str, at: datetime) -> str:
    """A build has come to a table that was put back."""
    how = f"edit its file, or build it by name: `{_build([relation])}`"
    return f"`{relation}` is left alone, because it was put back by hand at {_short(at)}; {how}"
