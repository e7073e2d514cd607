"""The physical design of tables: taken out of the statements, kept beside them, and checked as Redshift does.

https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlmat_assets_tests.redshift.lengths import lengths_of
from sqlmat_assets_tests.redshift.lexer import (
    Edits,
    Name,
    Token,
    at_commas,
    closing,
    find_words,
    has_words,
    literal,
    name_at,
    quoted,
)
from sqlmat_assets_tests.redshift.refusals import (
    NO_COLUMN,
    SYNTAX,
    UNSUPPORTED,
    Refused,
    absent_type,
    syntax_error,
)
from sqlmat_assets_tests.redshift.statements import Statement
from sqlmat_assets_tests.redshift.vocabulary import ABSENT_TYPES, SERIAL

Run = Callable[[str], list[tuple[str | None, ...]]]
DEFAULT_LENGTH = 256


@dataclass(slots=True)
class Design:
    """What a statement says of how a table is stored."""

    diststyle: str | None = None
    distkey: str | None = None
    sortstyle: str | None = None
    sortkeys: list[str] = field(default_factory=list[str])
    encodings: dict[str, str] = field(default_factory=dict[str, str])
    backup: bool = True
    keys: list[str] = field(default_factory=list[str])
    like: Name | None = None
    lengths: dict[int, int] = field(default_factory=dict[int, int])

    def check(self) -> None:
        if self.diststyle == "key" and self.distkey is None:
            raise Refused("DISTKEY column must be specified when DISTSTYLE is KEY", SYNTAX)
        if self.distkey is not None and self.diststyle not in {None, "key"}:
            raise Refused(
                f"DISTKEY column cannot be specified when DISTSTYLE is {(self.diststyle or '').upper()}", SYNTAX
            )


def column_numbers(run: Run, table: Name) -> dict[str, int]:
    """Return the numbers of the columns of a table, by name."""
    rows = run(
        "select attname, attnum from pg_catalog.pg_attribute where attnum > 0 and not attisdropped and attrelid ="
        f" {literal(table.sql)}::regclass order by attnum"
    )
    return {name or "": int(number or 0) for name, number in rows}


def record(run: Run, table: Name, design: Design) -> None:
    """Keep the design of a table that was just made, and make it count bytes."""
    if run(f"select from pg_catalog.redshift_designs where relid = {literal(table.sql)}::regclass"):
        return
    numbers = column_numbers(run, table)

    def number(column: str) -> int:
        if column not in numbers:
            raise Refused(f'column "{column}" named in key does not exist', NO_COLUMN)
        return numbers[column]

    distkey = "null" if design.distkey is None else str(number(design.distkey))
    diststyle = design.diststyle or ("key" if design.distkey else "auto")
    sortkeys = ",".join(str(number(column)) for column in design.sortkeys)
    keys = ",".join(str(number(column)) for column in design.keys)
    encodings = json.dumps({str(number(column)): encoding for column, encoding in design.encodings.items()})
    if design.like is not None:
        run(
            "insert into pg_catalog.redshift_designs (relid, diststyle, distkey, sortstyle, sortkeys, "
            "encodings, backup)"
            f" select {literal(table.sql)}::regclass, diststyle, distkey, sortstyle, sortkeys, encodings, backup"
            f" from pg_catalog.redshift_designs where relid = {literal(design.like.sql)}::regclass on "
            f"conflict do nothing"
        )
    run(
        "insert into pg_catalog.redshift_designs (relid, diststyle, distkey, sortstyle, sortkeys, "
        "encodings, backup, keys)"
        f" values ({literal(table.sql)}::regclass, {literal(diststyle)}, {distkey}, {literal(design.sortstyle)},"
        f" '{{{sortkeys}}}', {literal(encodings)}::jsonb, {design.backup}, '{{{keys}}}') on conflict do nothing"
    )
    for name, at in numbers.items():
        if at in design.lengths and _is_text(run, table, at):
            run(f"alter table {table.sql} alter column {quoted(name)} type varchar({design.lengths[at]})")
    for column in design.keys:
        run(f'alter table {table.sql} alter column "{column}" set not null')
    run(f"select pg_catalog.redshift_finish({literal(table.sql)}::regclass)")


def _is_text(run: Run, table: Name, at: int) -> bool:
    """Say whether a column has the type that PostgreSQL gives to literals."""
    where = f"attrelid = {literal(table.sql)}::regclass and attnum = {at}"
    return run(f"select atttypid from pg_catalog.pg_attribute where {where}") == [("25",)]


def take_design(statement: Statement, edits: Edits) -> Design:
    """Take what PostgreSQL does not know out of a CREATE TABLE and return it."""
    tokens, design, at = statement.tokens, Design(), statement.behind
    if at < len(tokens) and tokens[at].is_symbol("("):
        end = closing(tokens, at)
        if not _is_query(tokens, end):
            _columns(statement, edits, design, tokens[at + 1 : end])
        at = end + 1
    while at < len(tokens) and not tokens[at].is_word("as"):
        at = _attribute(tokens, at, edits, design)
    if at < len(tokens):
        design.lengths = lengths_of(statement.slice(at + 1))
    design.check()
    return design


def _is_query(tokens: Sequence[Token], end: int) -> bool:
    """Say whether what stands in parentheses are only names, for a query behind AS."""
    return any(token.is_word("as") for token in tokens[end + 1 :])


def _attribute(tokens: Sequence[Token], at: int, edits: Edits, design: Design) -> int:
    """Take one attribute of a table and return the place behind it."""
    begin = at
    if tokens[at].is_word("compound", "interleaved"):
        design.sortstyle = tokens[at].value
        at += 1
    if at + 1 >= len(tokens):
        return at + 1
    after = tokens[at + 1]
    match tokens[at].value:
        case "diststyle":
            design.diststyle = after.value
            at += 2
        case "backup":
            design.backup = after.value == "yes"
            at += 2
        case "encode" | "sortkey" if after.is_word("auto"):
            if tokens[at].is_word("sortkey"):
                design.sortstyle = "auto"
            at += 2
        case "distkey" | "sortkey" if after.is_symbol("("):
            end = closing(tokens, at + 1)
            names = [token.value for token in tokens[at + 2 : end] if token.is_name]
            if tokens[at].is_word("distkey"):
                if len(names) != 1:
                    raise Refused("DISTKEY must name one column", SYNTAX)
                design.distkey = names[0]
            else:
                design.sortkeys = names
                design.sortstyle = design.sortstyle or "compound"
            at = end + 1
        case _:
            return at + 1
    edits.remove(tokens[begin:at])
    return at


def _columns(statement: Statement, edits: Edits, design: Design, tokens: Sequence[Token]) -> None:
    items = at_commas(tokens)
    kept = 0
    for item in items:
        first = item[0]
        constraint = item[2] if first.is_word("constraint") and len(item) > 2 else first
        if constraint.is_word("check", "exclude"):
            raise Refused("CHECK constraints are not supported", UNSUPPORTED)
        if first.is_word("like"):
            design.like, _ = name_at(item, 1)
        elif first.kind == "word" and (
            first.is_word("constraint") or (constraint.is_word("primary", "unique", "foreign"))
        ):
            if constraint.is_word("primary"):
                design.keys = [token.value for token in item[item.index(constraint) + 2 :] if token.is_name]
            _leave_out(edits, item, tokens, first_one=kept == 0)
            continue
        else:
            take_column(statement.text, edits, design, item)
        kept += 1


def _leave_out(edits: Edits, item: Sequence[Token], tokens: Sequence[Token], *, first_one: bool) -> None:
    """Remove an item of a list together with one of its commas."""
    start, end = item[0].start, item[-1].end
    before = [token for token in tokens if token.is_symbol(",") and token.end <= start]
    after = [token for token in tokens if token.is_symbol(",") and token.start >= end]
    if first_one and after:
        end = after[0].end
    elif before:
        start = before[-1].start
    edits.replace(start, end, "")


def take_column(  # noqa: PLR0912 - one case for each thing that may stand there
    text: str, edits: Edits, design: Design, item: Sequence[Token]
) -> None:
    """Take what PostgreSQL does not know out of the definition of a column."""
    if len(item) < 2:
        return
    name, kind = item[0].value, item[1]
    _type(edits, name, item)
    at = 2
    while at < len(item):
        end = at + 1
        match item[at].value:
            case "encode" if end < len(item):
                design.encodings[name], end = item[end].value, at + 2
                edits.remove(item[at:end])
            case "distkey":
                design.distkey = name
                edits.remove(item[at:end])
            case "sortkey":
                design.sortkeys, design.sortstyle = [*design.sortkeys, name], design.sortstyle or "compound"
                edits.remove(item[at:end])
            case "identity" if end < len(item) and item[end].is_symbol("("):
                end = _identity(edits, item, at)
            case "primary":
                design.keys.append(name)
                edits.remove(item[at : at + 2])
                end = at + 2
            case "unique":
                edits.remove(item[at:end])
            case "references":
                _, end = name_at(item, at + 1)
                if end < len(item) and item[end].is_symbol("("):
                    end = closing(item, end) + 1
                edits.remove(item[at:end])
            case "collate":
                end = at + 2
                edits.remove(item[at:end])
            case "check":
                raise Refused("CHECK constraints are not supported", UNSUPPORTED)
            case _:
                pass
        at = end
    if any(token.is_symbol("[") for token in item):
        raise syntax_error(next(token for token in item if token.is_symbol("[")), text)
    if kind.is_word("generated"):
        raise syntax_error(kind, text)


def _type(edits: Edits, column: str, item: Sequence[Token]) -> None:
    kind = item[1]
    length = len(item) > 2 and item[2].is_symbol("(")
    match kind.value:
        case "jsonb":
            raise absent_type("jsonb")
        case value if value in SERIAL or value in ABSENT_TYPES:
            raise Refused(f'column "{column}" has unsupported type "{value}"')
        case "super":
            edits.replace(kind.start, kind.end, "jsonb")
        case "text" | "bpchar":
            edits.replace(
                kind.start,
                kind.end,
                f"varchar({DEFAULT_LENGTH})" if kind.value == "text" else f"char({DEFAULT_LENGTH})",
            )
        case "varchar" | "nvarchar" if not length:
            edits.replace(kind.start, kind.end, f"varchar({DEFAULT_LENGTH})")
        case "nvarchar" if not item[3].is_word("max"):
            edits.replace(kind.start, kind.end, "varchar")
        case "character" if (
            len(item) > 2 and item[2].is_word("varying") and not (len(item) > 3 and item[3].is_symbol("("))
        ):
            edits.replace(kind.start, item[2].end, f"varchar({DEFAULT_LENGTH})")
        case "varbyte":
            edits.replace(kind.start, item[closing(item, 2)].end if length else kind.end, "bytea")
        case "numeric" | "decimal" if not length:
            edits.replace(kind.start, kind.end, "numeric(18,0)")
        case _:
            return


def _identity(edits: Edits, item: Sequence[Token], at: int) -> int:
    end = closing(item, at + 1)
    start, step = (token.value for token in item[at + 2 : end] if token.kind == "number")
    told = at and item[at - 1].is_word("as")
    how = "" if told else "generated always as "
    edits.replace(
        item[at].start, item[end].end, f"{how}identity (start {start} increment {step} minvalue {min(int(start), 0)})"
    )
    return end + 1


def change_of(statement: Statement) -> Callable[[Run], None] | None:
    """Return how an ALTER TABLE changes only the design, or None where it changes the table."""
    table, tokens = statement.target, statement.tokens[statement.behind :]
    if table is None:
        return None
    if has_words(tokens, 0, "alter", "column") and any(find_words(tokens, "encode")):
        name, encoding = tokens[2].value, tokens[-1].value
        return lambda run: set_encoding(run, table, name, encoding)
    if has_words(tokens, 0, "add") and tokens[1].is_word("constraint", "primary", "unique", "foreign", "check"):
        if any(token.is_word("check") for token in tokens[:4]):
            raise Refused("CHECK constraints are not supported", UNSUPPORTED)
        return _nothing
    if not has_words(tokens, 0, "alter") or tokens[1].is_word("column"):
        return None
    if not tokens[1].is_word("distkey", "diststyle", "sortkey", "compound", "interleaved", "encode"):
        return None
    return lambda run: _alter_design(run, table, tokens[1:])


def _nothing(_: Run) -> None:
    """Keys are taken, and not enforced."""


def set_encoding(run: Run, table: Name, column: str, encoding: str) -> None:
    numbers = column_numbers(run, table)
    if column not in numbers:
        raise Refused(f'column "{column}" of relation "{table.name}" does not exist', NO_COLUMN)
    change = json.dumps({str(numbers[column]): encoding})
    _update(run, table, f"encodings = encodings || {literal(change)}::jsonb")


def _alter_design(run: Run, table: Name, tokens: Sequence[Token]) -> None:
    numbers = column_numbers(run, table)
    names = [
        token.value
        for token in tokens[1:]
        if token.is_name and not token.is_word("sortkey", "key", "distkey", "auto", "none")
    ]
    missing = [name for name in names if name not in numbers and not tokens[0].is_word("diststyle", "encode")]
    if missing:
        raise Refused(f'column "{missing[0]}" of relation "{table.name}" does not exist', NO_COLUMN)
    listed = ",".join(str(numbers[name]) for name in names if name in numbers)
    match tokens[0].value:
        case "distkey":
            _update(run, table, f"diststyle = 'key', distkey = {listed}")
        case "diststyle" if tokens[1].is_word("key"):
            _update(run, table, f"diststyle = 'key', distkey = {listed}")
        case "diststyle":
            _update(run, table, f"diststyle = {literal(tokens[1].value)}, distkey = null")
        case "sortkey" if tokens[1].is_word("auto", "none"):
            style = "'auto'" if tokens[1].is_word("auto") else "null"
            _update(run, table, f"sortstyle = {style}, sortkeys = '{{}}'")
        case "encode":
            _update(run, table, "encodings = '{}'")
        case _:
            style = "interleaved" if tokens[0].is_word("interleaved") else "compound"
            _update(run, table, f"sortstyle = '{style}', sortkeys = '{{{listed}}}'")


def _update(run: Run, table: Name, change: str) -> None:
    run(f"update pg_catalog.redshift_designs set {change} where relid = {literal(table.sql)}::regclass")
