"""How rows get from files into PostgreSQL and out of it: DuckDB reads and writes the files, COPY moves the rows."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import csv
from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import ResultColumn, Rows
from sqlmat_assets.warehouses.duckdb.loading import DeclaredFiles
from sqlmat_assets.warehouses.duckdb.reading import DataFile
from sqlmat_assets.warehouses.duckdb.unloading import unload_statement
from sqlmat_assets.warehouses.postgres.connections import Link
from sqlmat_assets.warehouses.postgres.facts import POSTGRES
from sqlmat_assets.warehouses.postgres.types import as_declared, from_duckdb, is_nested, to_duckdb
from sqlmat_assets.warehouses.source_files import Constant, Contents, Loaded, SourceFile
from sqlmat_assets.warehouses.text_files import has_ending

# The names in files are those of columns as they stand in SQL outside of quotes.
_FILES = replace(POSTGRES, is_case_sensitive=False)
_ROWS_AT_ONCE = 20_000
BEFORE_HEX = "\\x"
"""What stands before the digits of bytes, for PostgreSQL."""

_Columns = Sequence[tuple[str, str]]


def load_file(link: Link, target: Relation, path: Path, columns: _Columns, before_hex: str = BEFORE_HEX) -> int:
    """Create a table from a file; `columns` (name, type) are declared, and the others are what all values look like.

    Bytes come in hexadecimal digits, with `before_hex` in front of them.
    """
    with _reader() as reader:
        file = DataFile(path, _as_read(columns, path), _FILES)
        query = file.create_table(target).args["expression"]
        try:
            found = reader.describe(query)
            file.refuse_other_columns([name for name, _ in found])
            return _fill(link, target, _types(found, columns), (), reader.text_of(query, found, before_hex))
        except duckdb.Error as error:
            raise file.explain(_refused(error)) from error


def load_files(
    link: Link, target: Relation, files: Sequence[SourceFile], contents: Contents, before_hex: str = BEFORE_HEX
) -> Loaded:
    """Create a table from files whose columns are all declared; bytes come as in `load_file`."""
    with _reader() as reader:
        read = [replace(one, constants=tuple(map(_constant_as_read, one.constants))) for one in files]
        kinds = _as_read(contents.types, *(one.path for one in files))
        columns = tuple(replace(column, type=kind) for column, (_, kind) in zip(contents.columns, kinds, strict=True))
        declared = DeclaredFiles(read, replace(contents, columns=columns), _FILES, reader.fetch)
        types = dict(contents.types) | {one.name: one.type for one in files[0].constants}

        def fill(*, skips_bad: bool = False) -> int:
            query = declared.query(skips_bad=skips_bad)
            found = reader.describe(query)
            typed = [(name, types[name]) for name, _ in found]
            return _fill(link, target, typed, contents.required, reader.text_of(query, found, before_hex))

        statement = "\n".join(render_load_files(target, files, contents))
        try:
            return Loaded(fill(), statement)
        except duckdb.Error as error:
            if not contents.most_bad_rows:
                raise declared.explain(_refused(error), reader.fetch) from error
        unreadable = declared.find_unreadable(reader.fetch)
        try:
            rows = fill(skips_bad=True)
        except duckdb.Error as error:
            raise declared.explain(_refused(error), reader.fetch) from error
        return Loaded(rows, statement, unreadable.count, tuple(row for _, row in unreadable.first))


def unload(link: Link, query: str, path: Path) -> int:
    """Write the rows of a query into a Parquet file."""
    asked = exp.select("*").from_(statements.derived_table(query, "rows")).limit(0)
    columns = link.send(asked.sql("postgres")).columns
    with tempfile.TemporaryDirectory(prefix="sqlmat-") as folder, _reader() as reader:
        rows = Path(folder, "rows.csv")
        with rows.open("wb") as file:
            for chunk in link.copy_out(copy_out_statement(query)):
                file.write(chunk)
        table = reader.read_copied(rows, columns)
        return reader.count(unload_statement(table.sql("duckdb"), path))


def copy_out_statement(query: str) -> str:
    """`COPY ... TO STDOUT` with a query as it was written; everything but NULL is in quotes."""
    source = exp.Subquery(this=statements.verbatim(f"{query}\n")).sql("postgres")
    return f"COPY {source} TO STDOUT (FORMAT csv, FORCE_QUOTE *)"


def render_load_file(target: Relation, path: Path, columns: _Columns) -> list[str]:
    """What `load_file` sends beside the rows."""
    with _reader() as reader:
        file = DataFile(path, _as_read(columns, path), _FILES)
        types = _types(reader.describe(file.create_table(target).args["expression"]), columns)
    return _render(target, types, ())


def render_load_files(target: Relation, files: Sequence[SourceFile], contents: Contents) -> list[str]:
    """What `load_files` sends beside the rows."""
    constants = [(one.name, one.type) for one in files[0].constants] if files else []
    return _render(target, [*contents.types, *constants], contents.required)


def _render(target: Relation, columns: _Columns, required: Sequence[str]) -> list[str]:
    return ["BEGIN", create_statement(target, columns, required), _copy(target), "COMMIT"]


def _types(found: _Columns, columns: _Columns) -> list[tuple[str, str]]:
    """The types of a table for the columns of a file: those that are declared, or what their values look like."""
    declared = {_FILES.fold(name): kind for name, kind in columns}
    folded = [(_FILES.fold(name), kind) for name, kind in found]
    return [(name, declared.get(name, from_duckdb(kind))) for name, kind in folded]


def _as_read(columns: _Columns, *paths: Path) -> list[tuple[str, str]]:
    """Columns with the types that DuckDB reads them as."""
    has_bytes = any(has_ending(path, ".parquet") for path in paths)
    return [(name, as_declared(kind, has_bytes=has_bytes)) for name, kind in columns]


def _constant_as_read(constant: Constant) -> Constant:
    return Constant(constant.name, as_declared(constant.type), constant.value)


def _fill(link: Link, target: Relation, columns: _Columns, required: Sequence[str], chunks: Iterator[bytes]) -> int:
    """Create a table and copy rows into it, in one transaction of their own unless there is one already."""
    is_inside = link.is_in_transaction
    if not is_inside:
        link.send("BEGIN")
    try:
        link.send(create_statement(target, columns, required))
        count = link.copy_in(_copy(target), chunks)
    except BaseException:
        if not is_inside and link.is_in_transaction:
            link.send("ROLLBACK")
        raise
    if not is_inside:
        link.send("COMMIT")
    return count


def create_statement(target: Relation, columns: _Columns, required: Sequence[str]) -> str:
    """`CREATE TABLE` with columns (name, type as it was written), of which some are NOT NULL."""
    not_null = exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())
    definitions = [
        exp.ColumnDef(
            this=statements.identifier(name),
            kind=exp.DataType(this=exp.DataType.Type.USERDEFINED, kind=kind),
            constraints=[not_null.copy()] if name in required else [],
        )
        for name, kind in columns
    ]
    return exp.Create(this=exp.Schema(this=statements.table(target), expressions=definitions), kind="TABLE").sql(
        "postgres"
    )


def _copy(target: Relation) -> str:
    return f"COPY {statements.table(target).sql('postgres')} FROM STDIN (FORMAT csv)"


def _refused(error: duckdb.Error) -> TerminalWarehouseError:
    return TerminalWarehouseError(str(error))


class _Reader:
    """A DuckDB in memory that reads files."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def describe(self, query: exp.Expr) -> list[tuple[str, str]]:
        """The columns (name, type) that a query gives."""
        found = self._connection.sql(query.sql("duckdb"))
        return list(zip(found.columns, map(str, found.types), strict=True))

    def fetch(self, query: exp.Expr) -> Rows:
        """What a query returns."""
        text = query.sql("duckdb")
        try:
            found = self._connection.execute(text)
            columns = [(str(each[0]), str(each[1])) for each in found.description or ()]
            return Rows(tuple(ResultColumn(name, kind, kind == "BOOLEAN") for name, kind in columns), found.fetchall())
        except duckdb.Error as error:
            raise TerminalWarehouseError(str(error), text) from error

    def count(self, statement: exp.Expr) -> int:
        """How many rows a statement writes."""
        return int(self._connection.execute(statement.sql("duckdb")).fetchall()[0][0])

    def text_of(self, query: exp.Expr, columns: _Columns, before_hex: str) -> Iterator[bytes]:
        """The rows of a query as CSV in which everything but NULL is in quotes, some thousand at a time."""
        source = exp.Subquery(this=query, alias=exp.TableAlias(this=statements.identifier("rows")))
        texts = exp.select(*(_as_text(name, kind, before_hex) for name, kind in columns)).from_(source)
        batches = self._connection.sql(texts.sql("duckdb")).to_arrow_reader(_ROWS_AT_ONCE)
        options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
        for batch in batches:
            sink = pa.BufferOutputStream()
            csv.write_csv(batch, sink, options)
            yield sink.getvalue().to_pybytes()

    def read_copied(self, path: Path, columns: _Columns) -> exp.Select:
        """The query that gives rows as they were, of a file that COPY has written."""
        texts = [(f"c{number}", to_duckdb(kind)) for number, (_, kind) in enumerate(columns)]
        struct = exp.Struct(
            expressions=[
                exp.PropertyEQ(this=statements.identifier(name), expression=exp.Literal.string(kind))
                for name, kind in texts
            ]
        )
        named: dict[str, exp.Expr] = {
            "header": exp.false(),
            "auto_detect": exp.false(),
            "delim": exp.Literal.string(","),
            "quote": exp.Literal.string('"'),
            "escape": exp.Literal.string('"'),
            "allow_quoted_nulls": exp.false(),
            "max_line_size": exp.Literal.number(1 << 30),
            "columns": struct,
        }
        options = [exp.EQ(this=exp.column(name), expression=value) for name, value in named.items()]
        reader = exp.Anonymous(this="read_csv", expressions=[exp.Literal.string(str(path)), *options])
        values = [
            exp.alias_(self._exact(name, kind, reader), own, quoted=True)
            for (name, _), (own, kind) in zip(texts, columns, strict=True)
        ]
        return exp.select(*values).from_(exp.Table(this=reader))

    def _exact(self, name: str, kind: str, reader: exp.Expr) -> exp.Expr:
        """A column, of numbers with any count of digits as decimals with as many as they need."""
        column = statements.column(name)
        if kind != "numeric":
            return column
        digits = exp.Length(this=exp.Anonymous(this="split_part", expressions=[column, *_literals(".", 2)]))
        known = self.fetch(
            exp.select(exp.Max(this=digits), exp.Max(this=exp.Length(this=column.copy()))).from_(
                exp.Table(this=reader.copy())
            )
        ).rows[0]
        scale, longest = (int(each or 0) for each in known)
        if longest > _MOST_DIGITS:
            return column
        to = exp.DataType.build(f"DECIMAL({_MOST_DIGITS}, {scale})", dialect="duckdb")
        return exp.TryCast(this=column, to=to)


_MOST_DIGITS = 38


def _literals(text: str, number: int) -> tuple[exp.Expr, exp.Expr]:
    return exp.Literal.string(text), exp.Literal.number(number)


def _as_text(name: str, kind: str, before_hex: str) -> exp.Expr:
    value: exp.Expr = statements.column(name)
    if is_nested(kind):
        value = exp.Anonymous(this="to_json", expressions=[value])
    elif kind == "BLOB":
        hexed: Any = exp.Anonymous(this="hex", expressions=[value])
        value = exp.DPipe(this=exp.Literal.string(before_hex), expression=hexed)
    text = exp.Cast(this=value, to=exp.DataType(this=exp.DataType.Type.VARCHAR))
    return exp.alias_(text, name, quoted=True)


@contextmanager
def _reader() -> Generator[_Reader]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield _Reader(connection)
