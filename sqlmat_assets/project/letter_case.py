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
_NAMES_AS_DATA = frozenset(
    {
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
_SYMBOLS_OF_NAMES = frozenset({TokenType.L_BRACE, TokenType.COLON_EQ})
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
    if dialect in _KEEPING and _makes_data_of_names(tokens, mentioned):
        return frozenset(index for index, token in enumerate(tokens) if _may_be_name(tokens, index, token, dialect))
    kept = set(_behind_unknown(tokens, mentioned, dialect))
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


def _makes_data_of_names(tokens: Sequence[Token], mentioned: Mentioned) -> bool:
    # A column that is called as a table here may be the whole row.
    if not mentioned.lone_columns.isdisjoint(mentioned.heads()):
        return True
    for token in tokens:
        if token.token_type in _SYMBOLS_OF_NAMES:
            return True
        word = token.text.lower()
        if word in _NAMES_AS_DATA or "json" in word:
            return True
    return False


def _may_be_name(tokens: Sequence[Token], index: int, token: Token, dialect: str) -> bool:
    if TokenType.DOT in (_type(tokens, index - 1), _type(tokens, index + 1)):
        return True
    return (
        token.token_type is TokenType.VAR
        or token.token_type in Dialect.get_or_raise(dialect).parser_class.ID_VAR_TOKENS
    )


def _chains(tokens: Sequence[Token]) -> Iterator[list[int]]:
    """Yield the places of the names of each `a.b.c`; of one behind a bracket, `f(x).b.c`, the first is -1."""
    index = 0
    while index < len(tokens):
        if _type(tokens, index + 1) is not TokenType.DOT:
            index += 1
            continue
        is_head = tokens[index].token_type not in (TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE)
        chain = [index if is_head else -1]
        while _type(tokens, index + 1) is TokenType.DOT:
            index += 2
            if index < len(tokens):
                chain.append(index)
        yield chain


def _behind_unknown(tokens: Sequence[Token], mentioned: Mentioned, dialect: str) -> Iterator[int]:
    """Yield what may be a part of a value: `c` of `t.b.c`, and all of `b.c` where no `b` is read."""
    starts = {
        table.parts[0].meta.get("start"): len(table.parts) if dialect != "bigquery" else 0 for table in mentioned.tables
    }
    heads = mentioned.heads()
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
