"""What is to be done for a statement: sent on in PostgreSQL's words, or done by the double itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sqlmat_assets_tests.redshift import designs, late_views, loading, unloading
from sqlmat_assets_tests.redshift.backend import Backend
from sqlmat_assets_tests.redshift.history import Query
from sqlmat_assets_tests.redshift.lexer import Name, Token, find_words, has_words, literal
from sqlmat_assets_tests.redshift.names import Words
from sqlmat_assets_tests.redshift.objects import ObjectStore
from sqlmat_assets_tests.redshift.refusals import UNSUPPORTED, Refused, check_statement
from sqlmat_assets_tests.redshift.rewriting import rewrite, rewriting, without_foreign_clauses, without_words
from sqlmat_assets_tests.redshift.statements import Statement, parse_statement

NO_COLUMNS_CHANGE = "42P16"


class Host(Protocol):
    """The session that a plan is for."""

    words: Words
    backend: Backend
    store: ObjectStore | None
    query: Query

    @property
    def has_late_views(self) -> bool: ...

    @property
    def has_snapshot(self) -> bool: ...

    @property
    def is_alone(self) -> bool: ...

    def run(self, sql: str) -> list[tuple[str | None, ...]]: ...

    def admin(self, sql: str) -> list[tuple[str | None, ...]]: ...

    def look(self, sql: str) -> list[tuple[str | None, ...]]: ...

    def note_late_view(self) -> None: ...

    def tell(self, severity: str, message: str) -> None: ...

    def control(self, statement: Statement) -> str: ...


@dataclass(slots=True)
class Plan:
    """How a statement is carried out.

    Attributes:
        sql: What PostgreSQL is sent, where it is sent anything.
        action: What the double does instead; it returns the command tag.
        before: What is looked at first.
        finish: What is left to do when PostgreSQL has done its part.
        outside: The words for what may not stand in a transaction block.
        bare: PostgreSQL does not run it in a transaction either.
        commits: It ends the transaction in which it stands.
    """

    statement: Statement
    sql: str = ""
    action: Callable[[Host], str] | None = None
    before: Callable[[Host], None] | None = None
    finish: Callable[[Host], None] | None = None
    outside: str = ""
    bare: bool = False
    commits: bool = False


def make_plan(text: str, host: Host) -> Plan:
    """Return what is to be done for a statement.

    Raises:
        Refused: Redshift would not do it.
    """
    statement = parse_statement(text)
    check_statement(statement)
    if statement.verb in {"select", "insert", "create table"}:
        plain = without_foreign_clauses(text) if statement.verb == "select" else text
        statement = parse_statement(late_views.expanded(plain, statement, host))
    elif statement.verb in {"update", "delete", "merge"}:
        statement = parse_statement(late_views.expanded(text, statement, host))
    make = PLANS.get(statement.verb)
    return _sent_on(statement, host) if make is None else make(statement, host)


def _sent_on(statement: Statement, host: Host) -> Plan:
    return Plan(statement, rewrite(statement.text, host.words))


def _create_table(statement: Statement, host: Host) -> Plan:
    edits = rewriting(statement.text, host.words)
    design = designs.take_design(statement, edits)
    if statement.target is not None and statement.target.name.startswith("#"):
        edits.insert(statement.tokens[0].end, " temporary")
    table = named(statement, host)
    return Plan(statement, edits.done(), finish=lambda host: designs.record(host.run, table, design))


def _create_view(statement: Statement, host: Host) -> Plan:
    if any(find_words(statement.tokens, "no", "schema", "binding")):
        return Plan(statement, action=lambda host: late_views.create(statement, named(statement, host), host))
    view = named(statement, host)
    counted: list[int] = []
    sql = rewrite(late_views.expanded(statement.text, statement, host), host.words)

    def count(host: Host) -> None:
        found = host.run(
            f"select count(*) from pg_attribute where attrelid = to_regclass({literal(view.sql)}) and attnum > 0"
        )
        counted.append(int(found[0][0] or 0))

    def compare(host: Host) -> None:
        count(host)
        if counted[0] and counted[-1] != counted[0]:
            raise Refused("cannot change number of columns in view", NO_COLUMNS_CHANGE)
        host.run(f"delete from pg_catalog.redshift_late_views where relid = {literal(view.sql)}::regclass")

    return Plan(statement, sql, before=count, finish=compare)


def _alter_table(statement: Statement, host: Host) -> Plan:
    tokens = statement.tokens[statement.behind :]
    change = designs.change_of(statement)
    if change is not None:

        def alter(host: Host) -> str:
            change(host.run)
            return "ALTER TABLE"

        return Plan(statement, action=alter)
    if has_words(tokens, 0, "append", "from"):
        return Plan(statement, action=lambda host: loading.append(statement, host), outside="ALTER TABLE APPEND")
    table = named(statement, host)
    if has_words(tokens, 0, "alter", "column") and any(token.is_word("type") for token in tokens):
        return _alter_type(statement, table, host)
    edits, design = rewriting(statement.text, host.words), designs.Design()
    if has_words(tokens, 0, "add"):
        item = tokens[1 + tokens[1].is_word("column") :]
        designs.take_column(statement.text, edits, design, item)
        if any(find_words(item, "not", "null")) and not any(token.is_word("default") for token in item):
            raise Refused(
                "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression", UNSUPPORTED
            )

    def finish(host: Host) -> None:
        if not has_words(tokens, 0, "add"):
            return
        for column, encoding in design.encodings.items():
            designs.set_encoding(host.run, table, column, encoding)
        host.run(f"select pg_catalog.redshift_finish({literal(table.sql)}::regclass)")

    return Plan(statement, edits.done(), finish=finish)


def _alter_type(statement: Statement, table: Name, host: Host) -> Plan:
    """VARCHAR columns may get another length, outside transactions; nothing else is changed in place.

    https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html; the words were met in flyway/flyway#2438,
    dbeaver/dbeaver#9449 and jazzband/django-redshift-backend#96.
    """
    tokens = statement.tokens[statement.behind :]
    at = next(place for place, token in enumerate(tokens) if token.is_word("type"))
    column, kind = tokens[2].value, tokens[at + 1 : at + 2]
    if any(token.is_word("using") for token in tokens):
        raise Refused("ALTER TABLE ALTER COLUMN does not support USING expression")
    if not kind or not kind[0].is_word("varchar", "nvarchar", "character"):
        raise Refused(f'cannot alter column "{column}": only the length of VARCHAR columns can be changed')
    length = next((int(token.value) for token in tokens[at:] if token.kind == "number"), 65535)

    def look(host: Host) -> None:
        found = host.run(
            "select format_type(a.atttypid, null), a.atttypmod - 4, a.atthasdef, c.encoding from pg_attribute a"
            " join pg_catalog.redshift_columns c on c.relid = a.attrelid and c.attnum = a.attnum"
            f" where a.attrelid = {literal(table.sql)}::regclass and a.attname = {literal(column)}"
        )
        for was, size, default, encoding in found:
            if was != "character varying":
                raise Refused(f'cannot alter column "{column}": only the length of VARCHAR columns can be changed')
            if default == "t" and int(size or 0) > length:
                raise Refused("cannot decrease a VARCHAR column size with default value")
            if encoding in {"bytedict", "runlength", "text255", "text32k"}:
                raise Refused(f'cannot alter column "{column}" with encoding {encoding}')

    return Plan(
        statement,
        rewrite(statement.text, host.words),
        before=look,
        finish=lambda host: _finish(host, table),
        outside="ALTER TABLE ALTER COLUMN",
    )


def _finish(host: Host, table: Name) -> None:
    host.run(f"select pg_catalog.redshift_finish({literal(table.sql)}::regclass)")


def _truncate(statement: Statement, host: Host) -> Plan:
    return Plan(statement, rewrite(statement.text, host.words), commits=True)


def _vacuum(statement: Statement, host: Host) -> Plan:
    """Sorting and reclaiming space are one thing here.

    https://docs.aws.amazon.com/redshift/latest/dg/r_VACUUM_command.html
    """
    words = ("full", "sort", "delete", "only", "reindex", "recluster", "boost")
    tokens: list[Token] = []
    for token in statement.tokens[1:]:
        if token.is_word("to"):
            break
        if not token.is_word(*words):
            tokens.append(token)
    table = statement.text[tokens[0].start : tokens[-1].end] if tokens else ""
    return Plan(statement, rewrite(f"vacuum {table}", host.words), outside="VACUUM", bare=True)


def _analyze(statement: Statement, host: Host) -> Plan:
    edits = rewriting(statement.text, host.words)
    without_words(edits, statement.tokens, "predicate", "columns")
    without_words(edits, statement.tokens, "all", "columns")
    return Plan(statement, edits.done())


def _database(statement: Statement, host: Host) -> Plan:
    return Plan(statement, rewrite(statement.text, host.words), outside=statement.verb.upper(), bare=True)


def _set(statement: Statement, host: Host) -> Plan:
    """Any level that a transaction asks for is the cluster's: https://docs.aws.amazon.com/redshift/latest/dg/r_BEGIN.html."""
    if any(token.is_word("transaction", "characteristics") for token in statement.tokens[1:3]):
        return Plan(statement, action=lambda _: "SET")
    return _sent_on(statement, host)


def _grant(statement: Statement, host: Host) -> Plan:
    edits = rewriting(statement.text, host.words)
    for before, token in itertools.pairwise(statement.tokens):
        if token.is_word("role") and (before.is_word("to", "from") or before.is_symbol(",")):
            edits.remove((token,))
    return Plan(statement, edits.done())


def named(statement: Statement, host: Host) -> Name:
    """Return the target under the name that PostgreSQL has for it."""
    target = statement.target or Name(None, "")
    return Name(target.schema and host.words.shortened(target.schema), host.words.shortened(target.name))


def _control(statement: Statement, host: Host) -> Plan:
    return Plan(statement, action=lambda host: host.control(statement))


PLANS: dict[str, Callable[[Statement, Host], Plan]] = {
    "begin": _control,
    "commit": _control,
    "rollback": _control,
    "alter table": _alter_table,
    "analyze": _analyze,
    "copy": lambda statement, _: Plan(
        statement, action=lambda host: loading.copy(statement, named(statement, host), host)
    ),
    "create database": _database,
    "create table": _create_table,
    "create view": _create_view,
    "drop database": _database,
    "grant": _grant,
    "revoke": _grant,
    "set": _set,
    "truncate": _truncate,
    "unload": lambda statement, _: Plan(statement, action=lambda host: unloading.unload(statement, host)),
    "vacuum": _vacuum,
}
