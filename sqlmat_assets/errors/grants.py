"""Wording of what is told of who may read a table."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmat_assets.errors import MaterializeError, Problem


def unknown_grantees(found: Sequence[tuple[str, str, int, int]]) -> MaterializeError:
    """A table is to be read by somebody who is not there.

    Args:
        found: Each by name, with the file, line and column that name them.
    """
    problems = [
        Problem(
            path,
            line,
            column,
            f"`grant_select` names `{name}`, whom the warehouse does not know",
            "create this user, group or role there, or take it out of the setting",
        )
        for name, path, line, column in found
    ]
    return MaterializeError("\n".join(map(str, problems)))
