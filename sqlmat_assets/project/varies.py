"""Why the rows of a query may differ although no table that it reads changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.errors import sql as wording
from sqlmat_assets.project.functions import BARE, BARE_ANYWHERE, PURE, SYNTAX, TYPES, VARYING
from sqlmat_assets.project.references import Names, Reference
from sqlmat_assets.project.syntax import Syntax

_NAME_OF_TIME = re.compile(r"\s*(now|today|tomorrow|yesterday)\b", re.IGNORECASE)
_WITH_NAMES_OF_TIMES = frozenset({"postgres", "redshift"})
# `pg_catalog.now()` is `now()`; of what else has a schema nobody knows.
_QUALIFIERS = {
    "bigquery": frozenset({"safe"}),
    "postgres": frozenset({"pg_catalog"}),
    "redshift": frozenset({"pg_catalog"}),
}
_PURE_QUALIFIERS = {"bigquery": frozenset({"net", "hll_count"})}
# What has a value for each build, and the same for the same one.
_NAMES = frozenset({"partition_start", "partition_end", "last_built"})
_SAMPLES = frozenset({"sample", "tablesample"})
_SAMPLE = re.compile("sample", re.IGNORECASE)
_NO_FUNCTIONS = frozenset(
    {
        TokenType.COMMA,
        TokenType.DOT,
        TokenType.L_PAREN,
        TokenType.R_PAREN,
        TokenType.NUMBER,
        TokenType.ALIAS,
        TokenType.SELECT,
        TokenType.FROM,
        TokenType.EQ,
        TokenType.AND,
        TokenType.IN,
    }
)
# With two arguments it does not look at the clock.
_AGE = "age"


def varies_by(syntax: Syntax, references: Iterable[Reference], text: str, dialect: str) -> str | None:
    """Say which part of a text makes its rows differ from one time to the next, the first one; None for none.

    Args:
        syntax: The text, read.
        references: Every reading of a table in it.
        text: The text.
        dialect: duckdb, postgres, redshift or bigquery.
    """
    if syntax.problem is not None:
        return wording.varies(wording.UNREAD, 1)
    found = [*_of_tables(references, text, dialect)]
    for statement in syntax.statements:
        if statement.tree is None or isinstance(statement.tree, exp.Command):
            found.append((statement.start, wording.UNREAD))
        else:
            found += _of_tokens(statement.tokens, statement.tree, dialect)
            if _SAMPLE.search(text):
                found += _of_samples(statement.tree, statement.tokens)
    if not found:
        return None
    start, what = min(found)
    return wording.varies(what, text.count("\n", 0, start) + 1)


def _of_tables(references: Iterable[Reference], text: str, dialect: str) -> Iterator[tuple[int, str]]:
    """Yield files, system views, and names that may stand for other tables tomorrow."""
    names = Names(dialect)
    for reference in references:
        is_bare = dialect == "bigquery" and len(reference.parts) == 1
        is_other = not is_bare and names.identity(reference.parts, reference.quoted) is None
        is_past = dialect == "bigquery" and "@" in text[reference.start : reference.end]
        if is_other or is_past or reference.is_wildcard:
            yield reference.start, wording.varying_table(str(reference))


def _of_samples(tree: exp.Expr, tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    words = [token.start for token in tokens if token.text.lower() in _SAMPLES]
    if words and any(sample.args.get("seed") is None for sample in tree.find_all(exp.TableSample)):
        yield words[0], wording.UNSEEDED


def _of_tokens(tokens: Sequence[Token], tree: exp.Expr, dialect: str) -> Iterator[tuple[int, str]]:
    bare = BARE.get(dialect, BARE_ANYWHERE)
    kinds = [token.token_type for token in tokens]
    calls: list[tuple[int, str]] = []
    for index, kind in enumerate(kinds):
        what = None
        if kind is TokenType.L_PAREN:
            what = _of_call(tokens, index - 1, dialect) if index and kinds[index - 1] not in _NO_FUNCTIONS else None
            if what is not None:
                calls.append((tokens[index - 1].start, what))
            continue
        if kind in _NO_FUNCTIONS:
            continue
        token = tokens[index]
        if kind is TokenType.STRING:
            if dialect in _WITH_NAMES_OF_TIMES and _NAME_OF_TIME.match(token.text):
                what = wording.varying_value(f"'{token.text}'")
        elif kind is TokenType.PARAMETER:
            named = tokens[index + 1].text.lower() if index + 1 < len(tokens) else ""
            is_other = dialect == "bigquery" and named not in _NAMES
            what = wording.varying_value("@") if is_other else None
        elif kind is TokenType.SHOW or kind is TokenType.PRAGMA:
            what = wording.varying_value(token.text) if kinds[max(index - 1, 0)] is TokenType.L_PAREN else None
        elif kind is not TokenType.IDENTIFIER and token.text.lower() in bare and not _is_name(kinds, index):
            what = wording.varying_value(token.text)
        if what is not None:
            yield token.start, what
    if calls:
        names = _names_with_columns(tree)
        yield from (call for call in calls if call[0] not in names)


def _is_name(kinds: Sequence[TokenType], index: int) -> bool:
    """Whether a word is a part of a name, an alias, or the function of a call."""
    after = kinds[index + 1] if index + 1 < len(kinds) else None
    before = kinds[index - 1] if index > 0 else None
    return after in (TokenType.DOT, TokenType.L_PAREN) or before in (TokenType.DOT, TokenType.ALIAS)


def _names_with_columns(tree: exp.Expr) -> set[object]:
    """Give where the names in `t(a, b)` begin that call nothing."""
    return {
        alias.this.meta.get("start")
        for alias in tree.find_all(exp.TableAlias)
        if alias.args.get("columns") and isinstance(alias.this, exp.Identifier)
    }


def _of_call(tokens: Sequence[Token], index: int, dialect: str) -> str | None:
    """Say what is wrong with the function that is called here; None where the word calls none, or a harmless one."""
    if not (tokens[index].text[:1].isalpha() or tokens[index].text[:1] == "_"):
        return None
    first = index
    while first >= 2 and tokens[first - 1].token_type is TokenType.DOT:
        first -= 2
    written = ".".join(token.text for token in tokens[first : index + 1 : 2])
    name = tokens[index].text.lower().rpartition(" ")[2]
    pure = PURE.get(dialect, ())
    if first < index and dialect != "duckdb":
        qualifier = tokens[first].text.lower() if index - first == 2 else ""
        if qualifier in _PURE_QUALIFIERS.get(dialect, ()):
            return None
        if qualifier not in _QUALIFIERS.get(dialect, ()):
            return wording.unknown_call(written)
    elif name in SYNTAX or name in TYPES:
        return None
    if name in pure or (name == _AGE and _has_two_arguments(tokens, index + 1)):
        return None
    return wording.varying_call(written) if name in VARYING else wording.unknown_call(written)


def _has_two_arguments(tokens: Sequence[Token], opening: int) -> bool:
    depth = 0
    for token in tokens[opening:]:
        if token.token_type is TokenType.L_PAREN:
            depth += 1
        elif token.token_type is TokenType.R_PAREN:
            depth -= 1
            if depth == 0:
                return False
        elif token.token_type is TokenType.COMMA and depth == 1:
            return True
    return False
