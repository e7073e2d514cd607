"""Comments: on top of a file, and beside the columns of a SELECT."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from sqlglot.dialects.dialect import Dialect

# BigQuery's own switches between its dialects; they say nothing about the table.
_SWITCHES = frozenset({"standardsql", "legacysql"})
_DEPS = re.compile(r"deps\s*[:=]\s*(?P<names>.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment; `text[start:end]` is it with its marks, `body` is it without."""

    body: str
    start: int
    end: int
    body_start: int


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """One line of the comments on top of a file, without its marks; empty lines of a comment are kept."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Header:
    """The top of a file: its lines, and the names that `deps:` lines state, each with its offset in the text.

    The `deps:` lines are not among the lines; `deps` is None when there is none.
    """

    lines: tuple[HeaderLine, ...]
    deps: tuple[tuple[str, int], ...] | None = None


def read_comments(text: str, start: int, end: int, dialect: str) -> list[Comment]:
    """Read the comments from an offset on, up to the first character that is neither space nor comment."""
    nests = _nests(dialect)
    marks = ("--", "#") if dialect == "bigquery" else ("--",)
    comments: list[Comment] = []
    at = start
    while at < end:
        mark = next((mark for mark in marks if text.startswith(mark, at)), None)
        if mark is not None:
            close = text.find("\n", at, end)
            close = end if close < 0 else close
            comments.append(Comment(text[at + len(mark) : close], at, close, at + len(mark)))
            at = close
        elif text.startswith("/*", at):
            inner, close = _block_end(text, at, end, nests=nests)
            comments.append(Comment(text[at + 2 : inner], at, close, at + 2))
            at = close
        elif text[at].isspace() or text[at] == "\ufeff":
            at += 1
        else:
            break
    return comments


@cache
def _nests(dialect: str) -> bool:
    return bool(Dialect.get_or_raise(dialect).tokenizer_class.NESTED_COMMENTS)


def _block_end(text: str, start: int, end: int, *, nests: bool) -> tuple[int, int]:
    """Give where a block comment's body and where the comment ends."""
    depth, at = 1, start + 2
    while depth:
        close = text.find("*/", at, end)
        if close < 0:
            return end, end
        opening = text.find("/*", at, close) if nests else -1
        if opening >= 0:
            depth, at = depth + 1, opening + 2
        else:
            depth, at = depth - 1, close + 2
    return at - 2, at


def lines_of(comment: Comment) -> list[tuple[int, str]]:
    """Split a comment into lines without the marks that only draw a box: (offset of the line, text)."""
    lines: list[tuple[int, str]] = []
    at = comment.body_start
    for line in comment.body.split("\n"):
        bare = line.strip()
        if bare.startswith("*"):
            bare = bare.lstrip("*").strip()
        lines.append((at + (line.find(bare) if bare else 0), bare))
        at += len(line) + 1
    while lines and not lines[0][1] and len(lines) > 1:
        lines.pop(0)
    while lines and not lines[-1][1] and len(lines) > 1:
        lines.pop()
    return lines


def read_header(text: str, dialect: str) -> Header:
    """Read the comments on top of a file; needs no SQL to follow that can be read."""
    lines: list[HeaderLine] = []
    deps: list[tuple[str, int]] | None = None
    for comment in read_comments(text, 0, len(text), dialect):
        for offset, line in lines_of(comment):
            stated = _DEPS.fullmatch(line)
            if stated:
                deps = [*(deps or []), *_split_names(stated["names"], offset + stated.start("names"))]
            elif line.lower() not in _SWITCHES:
                lines.append(HeaderLine(text.count("\n", 0, offset) + 1, line))
    return Header(tuple(lines), None if deps is None else tuple(deps))


def _split_names(names: str, offset: int) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    at = 0
    for piece in names.split(","):
        bare = piece.strip()
        if bare:
            found.append((bare, offset + at + piece.index(bare)))
        at += len(piece) + 1
    return found


def described(comments: list[Comment]) -> str | None:
    """Make one description of comments; rulers made of dashes say nothing."""
    words = [line for comment in comments for _, line in lines_of(comment) if any(map(str.isalnum, line))]
    return " ".join(words) or None
