"""Tables of PostgreSQL: psycopg asks what they have, ADBC fetches the rows as Arrow."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any

import psycopg
from sqlglot import exp

from sqlmat_assets.connectors.databases import Asked, Batch, Kind, SourceColumn, Stream, greatest_query
from sqlmat_assets.connectors.shown import without_secrets
from sqlmat_assets.errors import SourceError
from sqlmat_assets.errors import sources as wording

_DIALECT = "postgres"
# Texts that do not depend on how a server is set up, and a hand that cannot write.
_SETTINGS = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "SET LOCAL TimeZone = 'UTC'",
    "SET LOCAL DateStyle = 'ISO'",
    "SET LOCAL IntervalStyle = 'postgres'",
)
_BATCH_BYTES = 4 << 20
# Of a table that is larger than 64 MB halves are fetched beside each other.
_MANY_PAGES = 8192
_PAGES = """
SELECT pg_relation_size(oid) / current_setting('block_size')::int FROM pg_class
WHERE oid = to_regclass(%s) AND relkind = 'r'
"""
_CONNECT_SECONDS = 10
_KINDS = {
    "smallint": Kind.INTEGER,
    "integer": Kind.INTEGER,
    "bigint": Kind.INTEGER,
    "oid": Kind.INTEGER,
    "numeric": Kind.DECIMAL,
    "real": Kind.FLOAT,
    "double precision": Kind.FLOAT,
    "boolean": Kind.BOOLEAN,
    "json": Kind.JSON,
    "jsonb": Kind.JSON,
    "bytea": Kind.BYTES,
    "date": Kind.DATE,
    "time without time zone": Kind.TIME,
    "timestamp without time zone": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.MOMENT,
}
# What ADBC reads as it is.
_PLAIN = frozenset(_KINDS.values()) - {Kind.DECIMAL, Kind.JSON}
_PLAIN_TEXTS = ("text", "character varying", "character", "name")
_SIZE = re.compile(r"\(([0-9, -]+)\)")
_DESCRIBED = "SELECT format_type(t.o, t.m) FROM unnest(%s::oid[], %s::int[]) WITH ORDINALITY AS t(o, m, n) ORDER BY t.n"
# The first day that PostgreSQL has, in days and in microseconds since 1970. What it calls infinite, and what is behind
# the last moment that Arrow can say, comes as something before it.
_FIRST_DAY = -2_440_588
_FIRST_MOMENT = _FIRST_DAY * 86_400_000_000
# What sorts behind everything else.
_ENDLESS = frozenset({"NaN", "Infinity", "infinity"})
_LOST = re.compile(
    r"(?i)terminat|connection|could not (receive|send)|shut|unexpected eof|starting up|too many|recovery"
)
_NOT_TRUSTED = re.compile(r"certificate verify failed|root certificate file|server certificate for ")
_NO_TLS = re.compile(r"does not support SSL")
_MAY_NOT = re.compile(r"(?i)authentication failed|permission denied|no pg_hba|password")


class PostgresSource:
    """A database of a PostgreSQL server, by its URL."""

    is_told_only = False

    def __init__(self, url: str) -> None:
        self._url = url
        self.label = without_secrets(url)

    def describe(self, asked: Asked) -> tuple[SourceColumn, ...]:
        query = exp.select("*").from_(asked.source(_DIALECT)).limit(0)
        with self._explained(), self._connect() as connection:
            found = connection.execute(query.sql(_DIALECT).encode()).description or []
            oids, modifiers = [each.type_code for each in found], [_modifier(each) for each in found]
            types = connection.execute(_DESCRIBED, (oids, modifiers)).fetchall()
        return tuple(_described(each.name, str(type_)) for each, (type_,) in zip(found, types, strict=True))

    def find_greatest(self, asked: Asked) -> str | None:
        if asked.key is None:
            return None
        query = greatest_query(asked, _column(asked.key.name), exp.DataType.build("text"), _DIALECT)
        with self._explained(), self._connect() as connection:
            ((value, has_others),) = connection.execute(query.sql(_DIALECT).encode()).fetchall()
        if has_others:
            raise wording.without_key(self.label, asked.key.name)
        if value in _ENDLESS:
            raise wording.key_without_end(self.label, asked.key.name, str(value))
        return None if value is None else str(value)

    @contextmanager
    def open_rows(self, asked: Asked) -> Generator[Stream]:
        query = _query(asked)
        with self._explained(), self._connect() as first, ExitStack() as stack:
            # All parts see the rows as they were at this moment.
            ((snapshot,),) = first.execute("SELECT pg_export_snapshot()").fetchall()
            parts = [query.copy().where(each) for each in _ranges(asked, first)] or [query]
            cursors = [stack.enter_context(_open_cursor(self._url, str(snapshot))) for _ in parts]
            for cursor, part in zip(cursors, parts, strict=True):
                cursor.execute(part.sql(_DIALECT))
            readers = [cursor.fetch_record_batch() for cursor in cursors]

            def cancel() -> None:
                for cursor in cursors:
                    cursor.adbc_cancel()

            batches = [self._batches(reader, asked) for reader in readers]
            yield Stream(readers[0].schema, batches, cancel, query.sql(_DIALECT))

    def _batches(self, reader: Any, asked: Asked) -> Iterator[Batch]:
        with self._explained():
            for batch in reader:
                for column in asked.columns:
                    if column.kind in (Kind.DATE, Kind.TIMESTAMP, Kind.MOMENT):
                        _refuse_infinite(batch.column(column.name), column, self.label)
                yield batch

    def _connect(self) -> psycopg.Connection:
        connection = psycopg.connect(self._url, connect_timeout=_CONNECT_SECONDS)
        for setting in _SETTINGS:
            connection.execute(setting.encode())
        return connection

    @contextmanager
    def _explained(self) -> Generator[None]:
        import pyarrow as pa

        errors: list[type[BaseException]] = [psycopg.Error, pa.ArrowException, OSError]
        try:
            from adbc_driver_manager import dbapi
        except ImportError:
            pass
        else:
            errors.append(dbapi.Error)
        try:
            yield
        except SourceError:
            raise
        except tuple(errors) as error:
            raise _worded(self.label, str(error)) from error


@contextmanager
def _open_cursor(url: str, snapshot: str) -> Generator[Any]:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise wording.no_client("PostgreSQL", "databases") from None
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        first, *others = _SETTINGS
        name = exp.Literal.string(snapshot).sql(_DIALECT)
        for setting in (first, f"SET TRANSACTION SNAPSHOT {name}", *others):
            cursor.execute(setting)
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)})
        yield cursor


def _ranges(asked: Asked, connection: psycopg.Connection) -> list[exp.Expr]:
    """The halves of a large table, by where its rows lie; none of what is small, no table, or read by its key."""
    if not asked.table or asked.key is not None:
        return []
    found = connection.execute(_PAGES, (asked.source(_DIALECT).sql(_DIALECT),)).fetchone()
    if found is None or int(found[0]) < _MANY_PAGES:
        return []
    place = exp.Cast(this=exp.Literal.string(f"({int(found[0]) // 2},0)"), to=exp.DataType.build("tid", udt=True))
    ctid = exp.column("ctid")
    return [exp.LT(this=ctid, expression=place), exp.GTE(this=ctid.copy(), expression=place.copy())]


def _modifier(column: psycopg.Column) -> int:
    """What a type says beside its name, as PostgreSQL writes it: the length of a text, the digits of a number."""
    if column.precision is not None and column.scale is not None:
        return ((column.precision << 16) | (column.scale & 0x7FF)) + 4
    return -1


def _described(name: str, type_: str) -> SourceColumn:
    bare = _SIZE.sub("", type_)
    if bare.endswith("[]"):
        return SourceColumn(name, type_, Kind.ARRAY)
    size = _SIZE.search(type_)
    scale = int(size[1].partition(",")[2] or 0) if bare == "numeric" and size is not None else None
    return SourceColumn(name, type_, _KINDS.get(bare, Kind.TEXT), scale)


def _query(asked: Asked) -> exp.Select:
    columns = [exp.alias_(_carried(column), column.name, quoted=True) for column in asked.columns]
    query = exp.select(*columns).from_(asked.source(_DIALECT))
    if asked.key is not None:
        key = _column(asked.key.name)
        # Literals take the type of the column, so that its index serves.
        if asked.after is not None:
            query = query.where(exp.GT(this=key, expression=exp.Literal.string(asked.after)))
        if asked.upto is not None:
            query = query.where(exp.LTE(this=key.copy(), expression=exp.Literal.string(asked.upto)))
    return query


def _carried(column: SourceColumn) -> exp.Expr:
    """A column in a type that comes through without loss."""
    value: exp.Expr = _column(column.name)
    if column.kind is Kind.ARRAY:
        # As texts, because numbers of JSON lose digits.
        texts = exp.Cast(this=value, to=exp.DataType.build("text[]", dialect=_DIALECT))
        value = exp.Anonymous(this="array_to_json", expressions=[texts])
    elif column.kind in _PLAIN or column.type.startswith(_PLAIN_TEXTS):
        return value
    return exp.Cast(this=value, to=exp.DataType.build("text"))


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True))


def _refuse_infinite(values: Any, column: SourceColumn, label: str) -> None:
    import pyarrow as pa

    compute: Any = import_module("pyarrow.compute")
    is_date = pa.types.is_date32(values.type)
    least = compute.min(values.view(pa.int32() if is_date else pa.int64())).as_py()
    if least is not None and least < (_FIRST_DAY if is_date else _FIRST_MOMENT):
        raise wording.beyond_time(label, column.name)


def _worded(label: str, said: str) -> SourceError:
    words = said.strip().removeprefix("[libpq] ").split("\n")[0]
    if _NOT_TRUSTED.search(said):
        return wording.not_trusted(label, words.rpartition(" failed: ")[2], "sslrootcert")
    if _NO_TLS.search(said):
        return wording.no_tls(label, words.rpartition(" failed: ")[2])
    if _MAY_NOT.search(said):
        return wording.may_not_read(label, words, "check the login of its connection, and its rights")
    if _LOST.search(said):
        return wording.cannot_reach(label, words)
    return wording.refused(label, words)
