"""Tables of MariaDB and MySQL: PyMySQL asks what they have, connectorx fetches the rows, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from typing import IO, Any
from urllib.parse import quote, unquote, urlsplit

from sqlglot import exp

from sqlmat_assets.connectors import mysql_child
from sqlmat_assets.connectors.databases import Asked, Batch, Kind, Schema, SourceColumn, Stream, greatest_query
from sqlmat_assets.connectors.mysql_tls import explain_tls, read_tls
from sqlmat_assets.connectors.shown import without_secrets
from sqlmat_assets.errors import SourceError
from sqlmat_assets.errors import sources as wording

_DIALECT = "mysql"
_PORT = 3306
# Moments in one zone, and a hand that cannot write.
_SETTINGS = ("SET time_zone = '+00:00'", "SET SESSION TRANSACTION READ ONLY")
_BATCH_ROWS = 20_000
_CONNECT_SECONDS = 10
_UNSIGNED, _BINARY = 32, 63
# https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
_KINDS = {
    0: ("decimal", Kind.DECIMAL),
    1: ("tinyint", Kind.INTEGER),
    2: ("smallint", Kind.INTEGER),
    3: ("int", Kind.INTEGER),
    4: ("float", Kind.FLOAT),
    5: ("double", Kind.FLOAT),
    7: ("timestamp", Kind.MOMENT),
    8: ("bigint", Kind.INTEGER),
    9: ("mediumint", Kind.INTEGER),
    10: ("date", Kind.DATE),
    11: ("time", Kind.TIME),
    12: ("datetime", Kind.TIMESTAMP),
    13: ("year", Kind.INTEGER),
    16: ("bit", Kind.INTEGER),
    245: ("json", Kind.JSON),
    246: ("decimal", Kind.DECIMAL),
    255: ("geometry", Kind.OTHER),
}
_TINYINT, _BIT = 1, 16
_TEXT = ("text", Kind.TEXT)
_BYTES = ("blob", Kind.BYTES)
# Errors of the client and of the server that pass: no way to it, too many connections, the end of one, a shutdown.
_BUSY = frozenset({1040, 1053, 1205, 1213, 2002, 2003, 2006, 2013})
_MAY_NOT = frozenset({1044, 1045, 1142, 1143, 1227, 1698})
_LOST = ("bytes remaining on stream", "IO error", "IoError", "timed out", "Server shutdown", "gone away", "1927")


class MySQLSource:
    """A database of a MariaDB or MySQL server, by its URL."""

    is_told_only = False

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self.label = without_secrets(url)
        self._tls = read_tls(self.label, self._parts.query)

    def describe(self, asked: Asked) -> tuple[SourceColumn, ...]:
        query = exp.select("*").from_(asked.source(_DIALECT)).limit(0).sql(_DIALECT)
        with self._explained(), closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return tuple(map(_described, cursor._result.fields))  # noqa: SLF001 - the only way to flags and charsets

    def find_greatest(self, asked: Asked) -> str | None:
        if asked.key is None:
            return None
        text = exp.DataType.build("char", dialect=_DIALECT)
        query = greatest_query(asked, _column(asked.key.name), text, _DIALECT).sql(_DIALECT)
        with self._explained(), closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            ((value, has_others),) = cursor.fetchall()
        if has_others:
            raise wording.without_key(self.label, asked.key.name)
        return None if value is None else str(value)

    @contextmanager
    def open_rows(self, asked: Asked) -> Generator[Stream]:
        for column in asked.columns:
            if column.kind is Kind.OTHER:
                raise wording.no_counterpart(self.label, column.name, column.type)
        if find_spec("connectorx") is None:
            raise wording.no_client("MariaDB and MySQL", "databases")
        self._try()
        statement = _query(asked).sql(_DIALECT)
        request = {"url": self._url(), "statement": statement, "rows": _BATCH_ROWS, "settings": _SETTINGS}
        with tempfile.TemporaryFile() as said, _child(said) as child:
            assert child.stdin is not None  # noqa: S101 - it is a pipe
            assert child.stdout is not None  # noqa: S101 - the same
            child.stdin.write(json.dumps(request).encode())
            child.stdin.close()
            schema, batches = self._read(child, said, asked)
            yield Stream(schema, (batches,), child.kill, statement)

    def _try(self) -> None:
        """See whether the server lets somebody in: connectorx waits half a minute for one that does not.

        Without TLS, where the URL does not ask for it, as connectorx is going to: PyMySQL takes it where it is offered.
        """
        # PyMySQL lacks a package for one way to sign in without TLS, which connectorx knows by itself.
        with suppress(RuntimeError), self._explained():
            self._connect(is_plain=self._tls is None).close()

    def _read(self, child: subprocess.Popen[bytes], said: IO[bytes], asked: Asked) -> tuple[Schema, Iterator[Batch]]:
        import pyarrow as pa

        try:
            reader: Any = pa.ipc.open_stream(child.stdout)
        except (pa.ArrowInvalid, OSError):
            raise self._why(child, said) from None
        # The session has that zone, and what comes names none.
        kinds = {column.name: column.kind for column in asked.columns}
        moment = pa.timestamp("us", "UTC")
        schema = pa.schema(
            [each.with_type(moment) if kinds[each.name] is Kind.MOMENT else each for each in reader.schema]
        )

        def batches() -> Iterator[Batch]:
            try:
                for batch in reader:
                    yield batch.cast(schema)
            except (pa.ArrowInvalid, OSError):
                raise self._why(child, said) from None
            # A stream that is cut off may look like one that has ended.
            if child.wait() != 0:
                raise self._why(child, said)

        return schema, batches()

    def _why(self, child: subprocess.Popen[bytes], said: IO[bytes]) -> SourceError:
        child.wait()
        said.seek(0)
        last = said.read().decode(errors="replace").rpartition("\n")[2]
        words = json.loads(last) if last.startswith('"') else "the process that reads has ended"
        return self._of_connectorx(words)

    def _url(self) -> str:
        parts = self._parts
        login = ":".join(quote(unquote(each or ""), safe="") for each in (parts.username, parts.password))
        parameters = "" if self._tls is None else f"?{self._tls.parameters}"
        return f"mysql://{login}@{parts.hostname}:{parts.port or _PORT}{parts.path}{parameters}"

    def _connect(self, *, is_plain: bool = False) -> Any:
        try:
            import pymysql
        except ImportError:
            raise wording.no_client("MariaDB and MySQL", "databases") from None
        parts = self._parts
        return pymysql.connect(
            host=parts.hostname,
            port=parts.port or _PORT,
            ssl=None if self._tls is None else self._tls.context,
            ssl_disabled=is_plain,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.removeprefix("/")),
            connect_timeout=_CONNECT_SECONDS,
            init_command="; ".join(_SETTINGS[:1]),
        )

    @contextmanager
    def _explained(self) -> Generator[None]:
        import pymysql

        try:
            yield
        except SourceError:
            raise
        except pymysql.MySQLError as error:
            refused = explain_tls(self.label, error)
            if refused is not None:
                raise refused from error
            code, said = (*error.args, "", "")[:2]
            raise self._worded(int(code or 0), str(said)) from error

    def _worded(self, code: int, said: str) -> SourceError:
        if code in _MAY_NOT:
            return wording.may_not_read(self.label, said, "check the login of its connection, and its rights")
        if code in _BUSY:
            return wording.cannot_reach(self.label, said)
        return wording.refused(self.label, said)

    def _of_connectorx(self, said: str) -> SourceError:
        words = said.split("\n", maxsplit=1)[0]
        if any(each in words for each in _LOST):
            return wording.cannot_reach(self.label, words)
        if "convert the value" in words:
            return wording.no_such_moment(self.label, words.rpartition("`")[0].rpartition("`")[2])
        return wording.refused(self.label, words)


@contextmanager
def _child(said: IO[bytes]) -> Generator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(  # noqa: S603 - a file of this package
        [sys.executable, mysql_child.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _described(field: Any) -> SourceColumn:
    is_bytes = field.charsetnr == _BINARY
    type_, kind = _KINDS.get(field.type_code, _BYTES if is_bytes else _TEXT)
    is_bit = field.type_code == _BIT
    may_be_boolean = field.length == 1 and (is_bit or field.type_code == _TINYINT)
    scale = field.scale if kind is Kind.DECIMAL else None
    if kind is Kind.INTEGER and field.flags & _UNSIGNED and not is_bit:
        type_ = f"{type_} unsigned"
    if may_be_boolean:
        type_ = f"{type_}(1)"
    return SourceColumn(field.name, type_, kind, scale, may_be_boolean)


def _query(asked: Asked) -> exp.Select:
    columns = [exp.alias_(_carried(column), column.name, quoted=True) for column in asked.columns]
    query = exp.select(*columns).from_(asked.source(_DIALECT))
    if asked.key is not None:
        key = _column(asked.key.name)
        if asked.after is not None:
            query = query.where(exp.GT(this=key, expression=_literal(asked.after, asked.key)))
        if asked.upto is not None:
            query = query.where(exp.LTE(this=key.copy(), expression=_literal(asked.upto, asked.key)))
    return query


def _literal(value: str, key: SourceColumn) -> exp.Expr:
    """A key; numbers are compared with texts as floating numbers, so they are written as what they are."""
    if key.kind in (Kind.INTEGER, Kind.DECIMAL):
        return exp.Literal.number(value)
    return exp.Literal.string(value)


def _carried(column: SourceColumn) -> exp.Expr:
    """A column in a type that comes through without loss."""
    value: exp.Expr = _column(column.name)
    if column.type.startswith("bit"):
        number = exp.Add(this=value, expression=exp.Literal.number(0))
        return exp.Cast(this=number, to=exp.DataType.build("unsigned", dialect=_DIALECT))
    if column.kind in (Kind.DECIMAL, Kind.JSON, Kind.TIME):
        return exp.Cast(this=value, to=exp.DataType.build("char", dialect=_DIALECT))
    return value


def _column(name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True))
