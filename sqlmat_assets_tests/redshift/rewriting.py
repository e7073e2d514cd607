"""Redshift's SQL as PostgreSQL understands it: what is written differently is changed, the rest stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot

from sqlmat_assets_tests.redshift.lexer import (
    Edits,
    Token,
    at_commas,
    closing,
    find_words,
    has_words,
    quoted,
    tokens_of,
    words_of,
)
from sqlmat_assets_tests.redshift.names import Words

VERSION = (
    "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat "
    "3.4.2-6.fc3), Redshift 1.0.12103"
)
RENAMED = {
    "nvl": "coalesce",
    "pg_get_viewdef": "pg_catalog.redshift_viewdef",
    "current_database": "pg_catalog.redshift_database",
}
DATE_PART_FIRST = frozenset({"dateadd", "datediff", "date_part", "date_trunc"})
POSTGRES_SETTINGS = words_of(
    """
    application_name client_encoding datestyle extra_float_digits search_path seed session_authorization
    session statement_timeout timezone time local transaction all
    """
)
UNKNOWN_TO_POSTGRES = ("qualify", "top")


def rewrite(text: str, words: Words) -> str:
    """Return a statement, or a part of one, for PostgreSQL."""
    return rewriting(text, words).done()


def rewriting(text: str, words: Words) -> Edits:
    """Return the changes that any statement needs."""
    tokens = tokens_of(text)
    edits = Edits(text)
    for at, token in enumerate(tokens):
        if token.is_name:
            _name(edits, tokens, at, words)
            _call(edits, tokens, at, words)
    _settings(edits, tokens)
    return edits


def without_foreign_clauses(text: str) -> str:
    """Return a query without clauses that PostgreSQL has no words for."""
    if not any(token.is_word(*UNKNOWN_TO_POSTGRES) for token in tokens_of(text)):
        return text
    return sqlglot.transpile(text, read="redshift", write="postgres")[0]


def _name(edits: Edits, tokens: Sequence[Token], at: int, words: Words) -> None:
    token = tokens[at]
    short = words.shortened(token.value)
    written = edits.text[token.start : token.end]
    if short != token.value or short.startswith("#") or (token.kind == "quoted" and written != quoted(token.value)):
        edits.replace(token.start, token.end, quoted(short))


def _call(  # noqa: PLR0912 - one case for each word
    edits: Edits, tokens: Sequence[Token], at: int, words: Words
) -> None:
    token = tokens[at]
    if token.kind != "word":
        return
    called = at + 1 < len(tokens) and tokens[at + 1].is_symbol("(")
    before = tokens[at - 1] if at else None
    match token.value:
        case "nvl" | "pg_get_viewdef" | "current_database" if called:
            edits.replace(token.start, token.end, RENAMED[token.value])
        case "version" if called:
            edits.replace(token.start, tokens[closing(tokens, at + 1)].end, f"'{VERSION}'::text")
        case function if called and function in words.answers:
            edits.replace(token.start, tokens[closing(tokens, at + 1)].end, f"{words.answers[function]}")
        case "sysdate" if not called:
            edits.replace(token.start, token.end, "(statement_timestamp() at time zone 'utc')")
        case "approximate":
            edits.replace(token.start, token.end, "")
        case "super" if before is not None and (before.is_symbol("::") or before.is_word("as")):
            edits.replace(token.start, token.end, "jsonb")
        case "nvarchar" | "varchar" if called and has_words(tokens, at + 2, "max"):
            edits.replace(token.start, tokens[at + 3].end, "varchar(65535)")
        case "nvarchar" if before is not None and before.is_symbol("::"):
            edits.replace(token.start, token.end, "varchar")
        case "listagg" if called:
            _listagg(edits, tokens, at)
        case "decode" if called:
            _decode(edits, tokens, at, words)
        case part if part in DATE_PART_FIRST and called and tokens[at + 2].kind == "word":
            if at + 3 < len(tokens) and tokens[at + 3].is_symbol(","):
                edits.replace(tokens[at + 2].start, tokens[at + 2].end, f"'{tokens[at + 2].value}'")
        case _:
            return


def _listagg(edits: Edits, tokens: Sequence[Token], at: int) -> None:
    """LISTAGG(a, ',') WITHIN GROUP (ORDER BY b) is string_agg(a, ',' ORDER BY b)."""
    end = closing(tokens, at + 1)
    begin = at + 2
    distinct = tokens[begin].is_word("distinct")
    begin += distinct
    value = at_commas(tokens[begin:end])
    if not value:
        return
    written = edits.text[value[0][0].start : value[0][-1].end]
    edits.replace(tokens[at].start, tokens[at].end, "string_agg")
    edits.insert(value[0][0].start, "(")
    edits.replace(value[0][-1].end, value[0][-1].end, ")::text" + ("" if len(value) > 1 else ", ''"))
    if not has_words(tokens, end + 1, "within", "group"):
        return
    last = closing(tokens, end + 3)
    if distinct:
        edits.replace(tokens[end].start, tokens[last].end, f" order by ({written})::text)")
    else:
        edits.replace(tokens[end].start, tokens[end + 3].end, " ")


def _decode(edits: Edits, tokens: Sequence[Token], at: int, words: Words) -> None:
    """DECODE(a, 1, 'x', 'y') is CASE; NULL is equal to NULL in it."""
    end = closing(tokens, at + 1)
    parts = [rewrite(edits.text[part[0].start : part[-1].end], words) for part in at_commas(tokens[at + 2 : end])]
    if len(parts) < 3:
        return
    value, rest = parts[0], parts[1:]
    pairs = zip(rest[0 : len(rest) // 2 * 2 : 2], rest[1::2], strict=True)
    cases = "".join(f" when ({value}) is not distinct from ({key}) then {answer}" for key, answer in pairs)
    otherwise = f" else {rest[-1]}" if len(rest) % 2 else ""
    edits.replace(tokens[at].start, tokens[end].end, f"case{cases}{otherwise} end")


def _settings(edits: Edits, tokens: Sequence[Token]) -> None:
    """Settings of Redshift's own are PostgreSQL's settings of a class `redshift`."""
    if not tokens or not tokens[0].is_word("set", "show", "reset"):
        return
    at = 2 if has_words(tokens, 1, "session") or has_words(tokens, 1, "local") else 1
    if at < len(tokens) and tokens[at].kind == "word" and tokens[at].value not in POSTGRES_SETTINGS:
        edits.insert(tokens[at].start, "redshift.")


def without_words(edits: Edits, tokens: Sequence[Token], *words: str) -> None:
    """Leave out words that PostgreSQL does not know and that change nothing here."""
    for at in find_words(tokens, *words):
        edits.remove(tokens[at : at + len(words)])
