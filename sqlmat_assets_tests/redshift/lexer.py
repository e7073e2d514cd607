"""SQL as tokens, with the place of each in the text, so that the rest of a statement stays as it was written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

PIECES = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    |(?P<string>[eE]?'(?:[^'\\]|\\.|'')*')
    |(?P<dollar>\$(?P<mark>\w*)\$.*?\$(?P=mark)\$)
    |(?P<parameter>\$\d+)
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    |(?P<word>[^\W\d][\w$]*|\#\w+)
    |(?P<symbol>::|->>|->|\#>>|\#>|@>|<@|\|\||[<>!=]=|<>|.)""",
    re.VERBOSE | re.DOTALL,
)


def words_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What may follow a table in FROM without being its alias.
AFTER_TABLE = words_of(
    """
    where group order having limit offset union intersect except minus join inner left right full cross
    natural on using set when window qualify for fetch pivot unpivot with as returning then
    """
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        kind: `word`, `quoted`, `string`, `dollar`, `parameter`, `number` or `symbol`.
        value: What it stands for: words and quoted names in lower case, strings without quotes.
    """

    kind: str
    value: str
    start: int
    end: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.value in words

    def is_symbol(self, *symbols: str) -> bool:
        return self.kind == "symbol" and self.value in symbols

    @property
    def is_name(self) -> bool:
        return self.kind in {"word", "quoted"}


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a table or view as a statement gives it."""

    schema: str | None
    name: str

    @property
    def sql(self) -> str:
        return quoted(self.name) if self.schema is None else f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(slots=True)
class Edits:
    """Changes to a text, by place."""

    text: str
    changes: list[tuple[int, int, str]] = field(default_factory=list[tuple[int, int, str]])

    def replace(self, start: int, end: int, new: str) -> None:
        self.changes.append((start, end, new))

    def insert(self, at: int, new: str) -> None:
        self.changes.append((at, at, new))

    def remove(self, tokens: Sequence[Token]) -> None:
        if tokens:
            self.replace(tokens[0].start, tokens[-1].end, " ")

    def done(self) -> str:
        """Return the text with all changes; a change inside another one is forgotten."""
        parts: list[str] = []
        at = 0
        for start, end, new in sorted(self.changes, key=lambda change: (change[0], change[1] > change[0], -change[1])):
            if start < at:
                continue
            parts += [self.text[at:start], new]
            at = end
        return "".join([*parts, self.text[at:]])


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | None) -> str:
    """Return a string literal that means the same with and without backslash escapes."""
    if value is None:
        return "NULL"
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def fold(name: str) -> str:
    """Return a name with its ASCII letters in lower case, as Redshift folds it, quoted or not."""
    return name.lower() if name.isascii() else "".join(one.lower() if one.isascii() else one for one in name)


@lru_cache(maxsize=512)
def tokens_of(text: str) -> tuple[Token, ...]:
    """Return the tokens of a text, without spaces and comments."""
    found: list[Token] = []
    for piece in PIECES.finditer(text):
        kind = piece.lastgroup or "symbol"
        if piece["dollar"] is not None:
            kind = "dollar"
        if kind == "space":
            continue
        found.append(Token(kind, _value(kind, piece.group()), piece.start(), piece.end()))
    return tuple(found)


def _value(kind: str, written: str) -> str:
    match kind:
        case "word":
            return fold(written)
        case "quoted":
            return fold(written[1:-1].replace('""', '"'))
        case "string":
            inner = written[written.index("'") + 1 : -1].replace("''", "'")
            return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), inner)
        case "dollar":
            mark = written.index("$", 1) + 1
            return written[mark:-mark]
        case _:
            return written


def split(text: str) -> list[str]:
    """Return the statements of a text; empty ones are left out."""
    statements: list[str] = []
    begin: int | None = None
    end = 0
    for token in tokens_of(text):
        if token.is_symbol(";"):
            if begin is not None:
                statements.append(text[begin:end])
            begin = None
            continue
        begin = token.start if begin is None else begin
        end = token.end
    if begin is not None:
        statements.append(text[begin:end])
    return statements


def closing(tokens: Sequence[Token], at: int) -> int:
    """Return the place of the parenthesis that closes the one at `at`, or of the last token."""
    depth = 0
    for place in range(at, len(tokens)):
        if tokens[place].is_symbol("("):
            depth += 1
        elif tokens[place].is_symbol(")"):
            depth -= 1
            if depth == 0:
                return place
    return len(tokens) - 1


def at_commas(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return the tokens between the commas that stand outside parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += token.is_symbol("(", "[") - token.is_symbol(")", "]")
        if depth == 0 and token.is_symbol(","):
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def name_at(tokens: Sequence[Token], at: int) -> tuple[Name, int]:
    """Return the name of one, two or three parts at a place, and the place behind it."""
    parts: list[str] = []
    while at < len(tokens) and tokens[at].is_name:
        parts.append(tokens[at].value)
        at += 1
        if len(parts) == 3 or at + 1 >= len(tokens) or not tokens[at].is_symbol(".") or not tokens[at + 1].is_name:
            break
        at += 1
    return Name(parts[-2] if len(parts) > 1 else None, parts[-1] if parts else ""), at


def has_words(tokens: Sequence[Token], at: int, *words: str) -> bool:
    """Say whether these words stand at a place, one behind the other."""
    return all(at + step < len(tokens) and tokens[at + step].is_word(word) for step, word in enumerate(words))


def find_words(tokens: Sequence[Token], *words: str) -> Iterable[int]:
    """Yield the places at which these words stand, one behind the other."""
    first, *others = words
    for at, token in enumerate(tokens):
        if token.value == first and token.kind == "word" and (not others or has_words(tokens, at + 1, *others)):
            yield at
