"""What a statement is: its verb and the table that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmat_assets_tests.redshift.lexer import Name, Token, has_words, name_at, tokens_of, words_of

FILLERS = words_of(
    """
    or replace temp temporary local global unlogged unique external
    """
)
ROW_VERBS = frozenset({"insert", "update", "delete", "merge"})
READS = frozenset({"select", "insert", "update", "delete", "merge", "create table", "unload"})
QUEUED = frozenset({*READS, "copy", "create materialized view", "refresh"})
ENDS = frozenset({"commit", "rollback"})
SYNONYMS = {
    "start": "begin",
    "end": "commit",
    "abort": "rollback",
    "analyse": "analyze",
    "values": "select",
    "table": "select",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        verb: In lower case, with the kind of object for what makes, changes or drops one: `create table`.
        target: The table or view that it is about, if it names one.
        behind: The place of the token behind the target.
    """

    text: str
    tokens: Sequence[Token]
    verb: str
    target: Name | None = None
    behind: int = 0

    @property
    def reads(self) -> bool:
        return self.verb in READS

    @property
    def queues(self) -> bool:
        return self.verb in QUEUED

    def slice(self, start: int, end: int | None = None) -> str:
        """Return the text from one token to another, the last one included."""
        tokens = self.tokens[start : None if end is None else end + 1]
        return self.text[tokens[0].start : tokens[-1].end] if tokens else ""


def parse_statement(text: str) -> Statement:
    """Return what a statement is."""
    tokens = tokens_of(text)
    at = _main(tokens)
    first = tokens[at].value if at < len(tokens) else ""
    verb = SYNONYMS.get(first, first)
    if first == "(":
        verb = "select"
    if verb in {"create", "alter", "drop"}:
        return _of_object(text, tokens, verb, at + 1)
    at += 1
    if (
        (verb in {"insert", "merge"} and has_words(tokens, at, "into"))
        or (verb == "delete" and has_words(tokens, at, "from"))
        or (verb in {"truncate", "lock"} and has_words(tokens, at, "table"))
    ):
        at += 1
    elif verb not in {"update", "copy", "insert", "delete", "truncate", "lock", "merge"}:
        return Statement(text, tokens, verb)
    target, behind = name_at(tokens, at)
    return Statement(text, tokens, verb, target, behind)


def _main(tokens: Sequence[Token]) -> int:
    """Return the place of the first word that says what happens, behind WITH."""
    if not tokens or not tokens[0].is_word("with"):
        return 0
    depth = 0
    for at, token in enumerate(tokens):
        depth += token.is_symbol("(") - token.is_symbol(")")
        if depth == 0 and token.is_word("select", *ROW_VERBS):
            return at
    return 0


def _of_object(text: str, tokens: Sequence[Token], verb: str, at: int) -> Statement:
    while at < len(tokens) and tokens[at].value in FILLERS:
        at += 1
    kind = tokens[at].value if at < len(tokens) else ""
    at += 1
    if kind == "materialized":
        kind, at = "materialized view", at + 1
    for words in (("if", "not", "exists"), ("if", "exists"), ("only",)):
        if has_words(tokens, at, *words):
            at += len(words)
    target, behind = name_at(tokens, at)
    return Statement(text, tokens, f"{verb} {kind}", target, behind)
