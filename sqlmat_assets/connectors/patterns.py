"""Patterns of the names of files: `*`, `?`, `**` and `[…]`."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"[*?\[]")


def fixed_part(pattern: str) -> str:
    """How every name begins that a pattern means.

    Examples:
        >>> fixed_part("events/2019-*/a.csv"), fixed_part("events/a.csv")
        ('events/2019-', 'events/a.csv')
        >>> fixed_part("events/[*]/*.csv")
        'events/*/'
    """
    fixed: list[str] = []
    for piece in _pieces(pattern):
        if _SPECIAL.match(piece) and not _is_letter(piece):
            break
        fixed.append(piece[1] if _is_letter(piece) else piece)
    return "".join(fixed)


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The regular expression for the whole of a name.

    Examples:
        >>> bool(compile_pattern("ev/*.csv").fullmatch("ev/a.csv"))
        True
        >>> [bool(compile_pattern("ev/*.csv").fullmatch(name)) for name in ("ev_old/a.csv", "ev/x/a.csv")]
        [False, False]
        >>> [bool(compile_pattern("ev/**/*.csv").fullmatch(name)) for name in ("ev/a.csv", "ev/x/y/a.csv")]
        [True, True]
    """
    return re.compile("".join(map(_translated, _pieces(pattern))), re.DOTALL)


def escape(name: str) -> str:
    """The pattern that means one name.

    Examples:
        >>> escape("ev/[1]*.csv")
        'ev/[[]1][*].csv'
    """
    return _SPECIAL.sub(r"[\g<0>]", name)


def _pieces(pattern: str) -> list[str]:
    return re.findall(r"\*\*/|\*+|\?|\[!?\]?[^\]/]*\]|\[|[^*?\[]+", pattern)


def _is_letter(piece: str) -> bool:
    """Whether a piece means one letter: `[*]`."""
    return len(piece) == 3 and piece[0] == "[" and piece[2] == "]"


def _translated(piece: str) -> str:
    if piece == "**/":
        return "(?:[^/]+/)*"
    if piece == "**":
        return ".*"
    if piece.startswith("*"):
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece.startswith("[") and len(piece) > 2:
        is_negated = piece[1] == "!"
        letters = re.sub(r"[\\\[\]^&~|]", r"\\\g<0>", piece[2:-1] if is_negated else piece[1:-1])
        return f"(?!/)[{'^' if is_negated else ''}{letters}]"
    return re.escape(piece)
