"""Which words of a statement mean something else in other letters: `Cities` and `cities`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.project.scope import iter_tables

# These keep a name as it was written, and what they make of a row has its names in it: `{"City": 1}`.
_KEEPING = frozenset({"bigquery", "duckdb"})
_KNOWN = _KEEPING | {"redshift"}
_NAMES_AS_DATA = frozenset(
    {
        "{",
        ":=",
        "alias",
        "columns",
        "describe",
        "named_struct",
        "pg_typeof",
        "pivot",
        "row",
        "show",
        "struct",
        "struct_insert",
        "struct_keys",
        "struct_pack",
        "struct_update",
        "summarize",
        "typeof",
        "union_value",
        "unpivot",
    }
)
# sqlglot takes these for names anywhere; engines do behind AS and before a colon only.
_RESERVED = frozenset(
    {
        TokenType.ALL,
        TokenType.ANY,
        TokenType.ASC,
        TokenType.CASE,
        TokenType.DESC,
        TokenType.END,
        TokenType.EXISTS,
        TokenType.FALSE,
        TokenType.IN,
        TokenType.IS,
        TokenType.LIMIT,
        TokenType.NULL,
        TokenType.OVER,
        TokenType.TRUE,
    }
)
_BEFORE_ANY_NAME = frozenset({TokenType.DOT, TokenType.ALIAS})
_AFTER_ANY_NAME = frozenset({TokenType.DOT, TokenType.COLON, TokenType.COLON_EQ})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})
_BEFORE_NAMES = frozenset({"model", "table", "procedure", "connection"})


@dataclass(slots=True)
class Mentioned:
    """What a tree says about names: tables, common table expressions, other queries and columns that stand alone."""

    tables: list[exp.Table] = field(default_factory=list)
    ctes: set[str] = field(default_factory=set)
    queries: set[str] = field(default_factory=set)
    lone_columns: set[str] = field(default_factory=set)

    def add(self, node: exp.Expr) -> None:
        """Take note of one node."""
        if isinstance(node, exp.Column):
            if node.args.get("table") is None:
                self.lone_columns.add(node.name.lower())
        elif isinstance(node, exp.Table):
            if isinstance(node.this, (exp.Identifier, exp.Dot)):
                self.tables.append(node)
        elif isinstance(node, exp.CTE):
            self.ctes.add(node.alias.lower())
        elif isinstance(node, exp.Subquery):
            self.queries.add(node.alias.lower())

    def heads(self) -> set[str]:
        """What rows are called by: `c` of `c.city`; not what UNNEST or a path yields, which may be a value."""
        named = {id(table): table.alias_or_name.lower() for table in self.tables}
        all_heads = {*named.values(), *self.queries}
        paths = {
            id(table) for table in self.tables if len(table.parts) > 1 and table.parts[0].name.lower() in all_heads
        }
        return ({name for key, name in named.items() if key not in paths} | self.queries) - {""}


def words_to_keep(
    tokens: Sequence[Token], tree: exp.Expr, mentioned: Mentioned, dialect: str
) -> frozenset[int] | range:
    """Give the places of the tokens whose letter case counts; those in quotes and literals always do.

    PostgreSQL folds every name. The others do not fold the parts of a JSON value (`j.Name`), BigQuery neither the
    names of tables and of people's functions; where names become data, all count.
    """
    if dialect == "postgres":
        return frozenset()
    heads = mentioned.heads()
    if dialect not in _KNOWN or (dialect in _KEEPING and _makes_data_of_names(tokens, mentioned, heads)):
        return frozenset(_names(tokens, dialect))
    kept = set(_behind_unknown(tokens, mentioned, heads, dialect))
    if dialect == "bigquery":
        tables = _table_starts(tree, mentioned, dialect)
        if tables is None:
            return range(len(tokens))
        functions = Dialect.get_or_raise(dialect).parser_class.FUNCTIONS
        for index, token in enumerate(tokens):
            is_call = token.token_type is TokenType.VAR and _type(tokens, index + 1) is TokenType.L_PAREN
            follows = index > 0 and tokens[index - 1].text.lower() in _BEFORE_NAMES
            if token.start in tables or follows or (is_call and token.text.upper() not in functions):
                kept.add(index)
    return frozenset(kept)


def _type(tokens: Sequence[Token], index: int) -> TokenType | None:
    return tokens[index].token_type if 0 <= index < len(tokens) else None


def _makes_data_of_names(tokens: Sequence[Token], mentioned: Mentioned, heads: set[str]) -> bool:
    # A column that is called as a table here may be the whole row.
    if not mentioned.lone_columns.isdisjoint(heads):
        return True
    words = {token.text.lower() for token in tokens}
    return not _NAMES_AS_DATA.isdisjoint(words) or any("json" in word for word in words)


def _names(tokens: Sequence[Token], dialect: str) -> Iterator[int]:
    """Yield what may be a name at all."""
    possible = Dialect.get_or_raise(dialect).parser_class.ID_VAR_TOKENS - _RESERVED
    for index, token in enumerate(tokens):
        before, after = _type(tokens, index - 1), _type(tokens, index + 1)
        is_name = before in _BEFORE_ANY_NAME or after in _AFTER_ANY_NAME
        if is_name or token.token_type is TokenType.VAR or token.token_type in possible:
            yield index


def _chains(tokens: Sequence[Token]) -> Iterator[list[int]]:
    """Yield the places of the names of each `a.b.c`; of one behind a bracket, `f(x).b.c`, the first is -1."""
    chain: list[int] = []
    for index, token in enumerate(tokens):
        if token.token_type is not TokenType.DOT:
            continue
        if not chain or chain[-1] != index - 1:
            if chain:
                yield chain
            is_head = _type(tokens, index - 1) not in _CLOSING
            chain = [index - 1 if is_head else -1]
        if index + 1 < len(tokens):
            chain.append(index + 1)
    if chain:
        yield chain


def _behind_unknown(tokens: Sequence[Token], mentioned: Mentioned, heads: set[str], dialect: str) -> Iterator[int]:
    """Yield what may be a part of a value: `c` of `t.b.c`, and all of `b.c` where no `b` is read."""
    starts = {
        table.parts[0].meta.get("start"): len(table.parts) if dialect != "bigquery" else 0 for table in mentioned.tables
    }
    schemas = {part.name.lower() for table in mentioned.tables for part in table.parts[:-1]}
    for chain in _chains(tokens):
        if chain[0] < 0:
            yield from chain[1:]
            continue
        head = tokens[chain[0]]
        known = starts.get(head.start, 0)
        word = head.text.lower()
        if known:
            pass
        elif word in heads:
            known = 2
        elif word in schemas and len(chain) > 1 and tokens[chain[1]].text.lower() in heads:
            known = 3
        yield from chain[known:]


def _table_starts(tree: exp.Expr, mentioned: Mentioned, dialect: str) -> frozenset[int] | None:
    """Give where the names of tables begin in the text; None when that of one is not known."""
    tables = mentioned.tables
    if any(len(table.parts) == 1 and table.name.lower() in mentioned.ctes for table in tables):
        physical = {id(table) for table in iter_tables(tree, dialect)}
        tables = [
            table
            for table in tables
            if id(table) in physical or len(table.parts) > 1 or table.name.lower() not in mentioned.ctes
        ]
    starts: set[int] = set()
    for table in tables:
        for part in table.parts:
            start = part.meta.get("start")
            if isinstance(start, int):
                starts.add(start)
            elif not (isinstance(part, exp.Identifier) and part.quoted):
                return None
    return frozenset(starts)
