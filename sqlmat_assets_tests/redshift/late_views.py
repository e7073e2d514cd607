"""Views WITH NO SCHEMA BINDING: their query is put in wherever they are read, so that nothing ties them to a table.

In PostgreSQL each has a view of its name that reads nothing, for grants, renames and listings.
https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html; the words on names without a schema were met in
dbt-labs/redshift#55.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from sqlmat_assets_tests.redshift.lexer import (
    AFTER_TABLE,
    Edits,
    Name,
    Token,
    find_words,
    literal,
    name_at,
    quoted,
    tokens_of,
)
from sqlmat_assets_tests.redshift.protocol import ServerError
from sqlmat_assets_tests.redshift.refusals import SYNTAX, Refused
from sqlmat_assets_tests.redshift.rewriting import rewrite
from sqlmat_assets_tests.redshift.statements import Statement

if TYPE_CHECKING:
    from sqlmat_assets_tests.redshift.plans import Host

DEEPEST = 20
Views = dict[tuple[str | None, str], str]


def create(statement: Statement, view: Name, host: Host) -> str:
    """Make a late-binding view and return the command tag."""
    tokens = statement.tokens
    begin = next(iter(find_words(tokens[statement.behind :], "as")), None)
    end = next(iter(find_words(tokens, "with", "no", "schema", "binding")))
    if begin is None:
        raise Refused("syntax error at end of input", SYNTAX)
    written = statement.slice(statement.behind + begin + 1, end - 1)
    _check_qualified(written)
    columns = _columns(rewrite(written, host.words), host)
    replaces = any(token.is_word("replace") for token in tokens[:3])
    _make_placeholder(view, columns, host, replaces=replaces)
    told = f"create view {view.sql} as {written} with no schema binding"
    host.run(f"delete from pg_catalog.redshift_late_views where relid = {literal(view.sql)}::regclass")
    host.run(
        "insert into pg_catalog.redshift_late_views (relid, query, written)"
        f" values ({literal(view.sql)}::regclass, {literal(written)}, {literal(told)})"
    )
    host.note_late_view()
    return "CREATE VIEW"


def expanded(text: str, statement: Statement, host: Host) -> str:
    """Return a statement with the queries of late-binding views in the place of their names."""
    if not host.has_late_views:
        return text
    for _ in range(DEEPEST):
        views = _mentioned(tokens_of(text), host)
        edits = Edits(text)
        _replace(edits, tokens_of(text), views, statement.target)
        if not edits.changes:
            return text
        text = edits.done()
    raise Refused("infinite recursion detected in rules for relation", "42P17")


def _mentioned(tokens: Sequence[Token], host: Host) -> Views:
    """Return the queries of the late-binding views whose names occur, by the forms that mean them."""
    names = {host.words.shortened(token.value) for token in tokens if token.is_name}
    listed = ", ".join(map(literal, sorted(names)))
    found = host.look(
        "select n.nspname, c.relname, v.query, pg_catalog.pg_table_is_visible(c.oid) from "
        "pg_catalog.redshift_late_views v"
        " join pg_catalog.pg_class c on c.oid = v.relid join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        f" where c.relname in ({listed})"
    )
    queries: Views = {}
    for schema, name, query, visible in found:
        plain = host.words.restored(name or "")
        queries[schema, plain] = query or ""
        if visible == "t":
            queries[None, plain] = query or ""
    return queries


def _replace(edits: Edits, tokens: Sequence[Token], views: Views, target: Name | None) -> None:
    at = 0
    while at < len(tokens):
        if not tokens[at].is_name:
            at += 1
            continue
        if _is_column(tokens, at, views):
            edits.replace(tokens[at].start, tokens[at + 2].start, "")
            at += 5
            continue
        name, behind = name_at(tokens, at)
        query = views.get((name.schema, name.name))
        before = tokens[at - 1] if at else None
        column = behind < len(tokens) and tokens[behind].is_symbol(".")
        reads = before is not None and (before.is_word("from", "join", "using") or before.is_symbol(",", "("))
        if query is None or name == target:
            schema = tokens[at].value
            if name.schema is not None and (None, schema) not in views and (schema, name.name) not in views:
                at = behind
                continue
            at += 1 if query is None else behind - at
            continue
        if reads and not column and (name.schema is not None or not before_is_list(tokens, at)):
            alias = behind < len(tokens) and (
                tokens[behind].kind == "quoted"
                or (
                    tokens[behind].kind == "word"
                    and (tokens[behind].is_word("as") or tokens[behind].value not in AFTER_TABLE)
                )
            )
            edits.replace(
                tokens[at].start, tokens[behind - 1].end, f"({query})" + ("" if alias else f" as {quoted(name.name)}")
            )
        at = behind


def _is_column(tokens: Sequence[Token], at: int, views: Views) -> bool:
    """Say whether `schema.view.column` stands here."""
    if at + 4 >= len(tokens) or not (tokens[at + 1].is_symbol(".") and tokens[at + 3].is_symbol(".")):
        return False
    return (tokens[at].value, tokens[at + 2].value) in views


def before_is_list(tokens: Sequence[Token], at: int) -> bool:
    """Say whether an unqualified name behind a comma or parenthesis stands in a list of columns, not of tables."""
    depth = 0
    for place in range(at - 1, -1, -1):
        token = tokens[place]
        if token.is_symbol(")"):
            depth += 1
        elif token.is_symbol("("):
            if depth == 0:
                return True
            depth -= 1
        elif depth == 0 and token.is_word("select", "by", "where", "on", "set", "values", "having"):
            return True
        elif depth == 0 and token.is_word("from", "join", "using"):
            return False
    return True


def _check_qualified(query: str) -> None:
    try:
        tree = parse_one(query, read="redshift")
    except SqlglotError:
        return
    named = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    if any(not table.db and table.name not in named for table in tree.find_all(exp.Table)):
        message = "All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING."
        raise Refused(message, SYNTAX)


def _columns(query: str, host: Host) -> list[tuple[str, str]]:
    """Return the names and types of a query, or none where its tables are not there."""
    host.run("savepoint redshift_look")
    try:
        columns = host.backend.describe(query)
    except ServerError as error:
        if error.sqlstate == SYNTAX:
            raise
        columns = []
    host.run("rollback to savepoint redshift_look")
    return [(name, "text" if kind == "unknown" else kind) for name, kind, _ in columns]


def _make_placeholder(view: Name, columns: list[tuple[str, str]], host: Host, *, replaces: bool) -> None:
    listed = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns) or "null::text as unresolved"
    query = f"as select {listed} where false"
    if not replaces:
        host.run(f"create view {view.sql} {query}")
        return
    host.run("savepoint redshift_replace")
    try:
        host.run(f"create or replace view {view.sql} {query}")
    except ServerError:
        host.run("rollback to savepoint redshift_replace")
        host.run(f"drop view {view.sql}")
        host.run(f"create view {view.sql} {query}")
