"""What is said of tables that differ from an earlier state of their files, and of git, which knows that state."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import with_hint

_MOST_SHOWN = 5


def no_git() -> UsageError:
    """There is no program called git."""
    return UsageError(with_hint("`changed` needs git, and it is not there", "install git, or name the tables"))


def not_in_git(folder: str, reason: str) -> UsageError:
    """The project folder is in no repository that git would read."""
    what = f"`changed` compares with an earlier commit, and git does not know `{folder}`: {reason}"
    return UsageError(with_hint(what, "name the tables, or put the folder into a git repository"))


def no_commit(folder: str) -> UsageError:
    """The repository is empty."""
    hint = "commit first; until then every table is new"
    return UsageError(with_hint(f"the git repository of `{folder}` has no commit yet", hint))


def unknown_revision(name: str, *, is_shallow: bool) -> UsageError:
    """`--since` names no commit."""
    if is_shallow:
        hint = f"this clone is shallow: fetch it, for example `git fetch --depth=1 origin {name}`"
    else:
        hint = "name a commit, a tag or a branch, for example `--since origin/main`"
    return UsageError(with_hint(f"git knows no commit `{name}`", hint))


def no_common_commit(branch: str, *, is_shallow: bool) -> UsageError:
    """It cannot be found where this branch began."""
    hint = "name a commit with `--since`"
    if is_shallow:
        hint = f"this clone is shallow: run `git fetch --unshallow`, or {hint}"
    return UsageError(with_hint(f"git finds no commit that `HEAD` and `{branch}` have in common", hint))


def git_failed(command: str, reason: str) -> UsageError:
    """Git itself could not do what it was asked for."""
    return UsageError(f"`git {command}` failed: {reason}")


def needs_changed() -> UsageError:
    """`--since` without anything that goes by it."""
    return UsageError(with_hint("`--since` says what `changed` is compared with", "add `-s changed` or `-s changed+`"))


def compared(revision: str, commit: str, branch: str | None, new: int, changed: int, removed: Sequence[object]) -> str:
    """With what the tables were compared, and how many differ.

    Args:
        revision: What was asked for.
        commit: What that is.
        branch: The branch that the commit is shared with, where nobody has named a revision.
        new: Tables that were not there.
        changed: Tables that are other ones now.
        removed: Tables that are gone.
    """
    place = commit[:7] if branch is None and revision == commit else f"{commit[:7]} ({_place(revision, branch)})"
    counts = [(new, "new"), (changed, "changed"), (len(removed), "removed")]
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count) or "no table has changed"
    return f"since {place}: {told}"


def removed_tables(removed: Sequence[object]) -> str:
    """Tables whose files are gone."""
    shown = ", ".join(f"`{table}`" for table in removed[:_MOST_SHOWN])
    more = f" and {len(removed) - _MOST_SHOWN:,} more" if len(removed) > _MOST_SHOWN else ""
    one = len(removed) == 1
    what = f"{shown}{more} {'has no file any more and is' if one else 'have no files any more and are'} not built"
    stays = "it stays" if one else "they stay"
    return with_hint(what, f"in the warehouse {stays} until somebody drops {'it' if one else 'them'}: `sqlmat orphans`")


def _place(revision: str, branch: str | None) -> str:
    return f"`{revision}`" if branch is None else f"where this branch left `{branch}`"
