"""The wording of what can be wrong with the settings of a project, in a `.conf` or on top of a SQL file."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors.project import TextError


def not_a_setting(line: str) -> TextError:
    """A line of a `.conf` without a separator."""
    return TextError(f"`{line}` is no setting", "write `key = value`, or begin the line with `#` if it is a comment")


def unknown_key(key: str, near: str | None, known: Sequence[str]) -> TextError:
    """A key of a `.conf` that nobody reads."""
    hint = f"did you mean `{near}`?" if near else "the settings are " + ", ".join(f"`{name}`" for name in known)
    return TextError(f"there is no setting `{key}`", hint)


def foreign_key(key: str, hint: str) -> TextError:
    """A setting as other tools call it."""
    return TextError(f"there is no setting `{key}`", hint)


def interval_key(key: str) -> TextError:
    """A setting that would say how often a table is built."""
    return TextError(
        f"there is no setting `{key}`: the interval stands in the file's name",
        "rename the SQL file, like `cities - 24h.sql`",
    )


def near_key(key: str, near: str) -> TextError:
    """A comment line that looks like a setting with a slip in its key."""
    return TextError(
        f"`{key}` is no setting and counts as description", f"write `{near}` if that is what you mean, else ignore this"
    )


def key_only_global(key: str) -> TextError:
    """A key of the project in another file."""
    return TextError(f"`{key}` is a setting of the whole project", "move it to `global.conf`")


def sign_not_here(key: str, sign: str) -> TextError:
    """`+=` or `-=` on a key that holds no list to edit."""
    return TextError(f"`{key}` cannot be changed with `{sign}=`", f"write the whole value: `{key} = …`")


def nothing_to_edit(key: str, sign: str) -> TextError:
    """`+=` or `-=` without a value."""
    return TextError(f"`{key} {sign}=` names nobody", f"write the users after it, or `{key} = null` for none at all")


def duplicate_key(key: str, line: int) -> TextError:
    """A key that one file sets twice."""
    return TextError(f"`{key}` is set twice, first in line {line}", "keep one of the two")


def bad_value(key: str, value: str, expected: str, example: str) -> TextError:
    """A value that the key cannot have; `expected` says what it can be."""
    return TextError(f"`{key}` cannot be `{value}`: it is {expected}", f"write it like `{key} = {example}`")


def bad_interval(key: str, error: TextError) -> TextError:
    """A value that should be an interval, with its key."""
    return TextError(f"`{key}`: {error.what}", error.hint)
