"""How DuckDB loads files whose columns are declared: all of them in one statement, and none of them by guessing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording
from sqlmat_assets.errors.failures import unknown_data_format
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Capabilities, Rows, SourceFile
from sqlmat_assets.warehouses.data_files import (
    CsvHeader,
    explain_csv,
    explain_ndjson,
    find_value,
    has_ending,
    read_csv_header,
    refuse_other_encodings,
)
from sqlmat_assets.warehouses.duckdb_reading import csv_options, options, path_literal, without_options

_Fetch = Callable[[exp.Expr], Rows]


class DeclaredFiles:
    """Local CSV, NDJSON or Parquet files with the same columns (name, type).

    A CSV or Parquet file has all of these columns and no other, in any order. In an NDJSON file what is missing is
    NULL, and other keys are passed over.

    Raises:
        TerminalWarehouseError: The header of a file, or its first bytes, tell that it cannot be loaded.
    """

    def __init__(
        self, files: Sequence[SourceFile], columns: Sequence[tuple[str, str]], capabilities: Capabilities
    ) -> None:
        self._columns = columns
        self._files = [_DeclaredFile(file, columns, capabilities) for file in files]

    def create_table(self, target: Relation) -> exp.Expr:
        """`CREATE TABLE ... AS` with the rows of all files."""
        return exp.Create(this=statements.table(target), kind="TABLE", expression=self._rows())

    def _rows(self) -> exp.Query:
        queries = [file.query() for file in self._files]
        # In halves, because a chain of a thousand unions is too deep for whoever walks through the tree.
        while len(queries) > 1:
            queries = [reduce(_union, queries[at : at + 2]) for at in range(0, len(queries), 2)]
        return queries[0]

    def create_and_fill(self, target: Relation, required: Sequence[str]) -> tuple[exp.Expr, exp.Expr]:
        """`CREATE TABLE` with columns that are NOT NULL, and the `INSERT` of the rows of all files."""
        not_null = exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())
        definitions = [
            exp.ColumnDef(
                this=statements.identifier(name),
                kind=_type(kind),
                constraints=[not_null.copy()] if name in required else [],
            )
            for name, kind in self._columns
        ]
        create = exp.Create(this=exp.Schema(this=statements.table(target), expressions=definitions), kind="TABLE")
        return create, exp.Insert(this=statements.table(target), expression=self._rows())

    def check(self, fetch: _Fetch) -> None:
        """Compare the columns of files that tell them themselves.

        Raises:
            TerminalWarehouseError: They are not those that are declared.
        """
        for file in self._files:
            file.check(fetch)

    def explain(self, error: TerminalWarehouseError, fetch: _Fetch) -> TerminalWarehouseError:
        """What is wrong with the file that DuckDB refuses: file, line and value where they can be found."""
        for file in self._files:
            found = file.explain(fetch)
            if found is not None:
                return found
        if len(self._files) == 1:
            path = str(self._files[0].path)
            return wording.driver_refused(path, without_options(error.message, self._files[0].path), error.statement)
        return error


class _DeclaredFile:
    def __init__(self, file: SourceFile, columns: Sequence[tuple[str, str]], capabilities: Capabilities) -> None:
        self.path = file.path
        self._constants = file.constants
        self._columns = columns
        self._fold = capabilities.fold
        self._header: CsvHeader | None = None
        if has_ending(self.path, ".csv"):
            self._header = read_csv_header(self.path, self._fold)
            self._refuse_other_columns(self._header.names)
        elif has_ending(self.path, ".ndjson"):
            refuse_other_encodings(self.path)
        elif not has_ending(self.path, ".parquet"):
            raise TerminalWarehouseError(unknown_data_format(str(self.path)))

    def query(self) -> exp.Query:
        values = [
            *(_typed(statements.column(name), kind, name) for name, kind in self._columns),
            *(_typed(statements.literal(one.value), one.type, one.name) for one in self._constants),
        ]
        return exp.select(*values).from_(exp.Table(this=self._reader()))

    def check(self, fetch: _Fetch) -> None:
        if has_ending(self.path, ".parquet"):
            empty = exp.select("*").from_(exp.Table(this=self._reader())).limit(0)
            self._refuse_other_columns([column.name for column in fetch(empty).columns])

    def explain(self, fetch: _Fetch) -> TerminalWarehouseError | None:
        if self._header is not None:
            return explain_csv(self.path, self._header) or self._find_bad_value(self._header, fetch)
        if has_ending(self.path, ".ndjson"):
            found = explain_ndjson(self.path)
            if found is not None:
                return found
        try:
            # Counting rows alone would read no value.
            counts = [exp.Count(this=statements.column(name)) for name, _ in self._columns]
            fetch(exp.select(*counts).from_(exp.Subquery(this=self.query(), alias=statements.identifier("rows"))))
        except TerminalWarehouseError as error:
            if has_ending(self.path, ".parquet"):
                found = self._find_bad_row(fetch)
                if found is not None:
                    return found
            words = error.message.partition("\nTry setting")[0]
            return wording.driver_refused(str(self.path), words, error.statement)
        return None

    def _find_bad_value(self, header: CsvHeader, fetch: _Fetch) -> TerminalWarehouseError | None:
        for name, kind in self._columns:
            tried = exp.TryCast(this=statements.column(name), to=_type(kind))
            query = exp.select(statements.column(name)).from_(exp.Table(this=self._reader()))
            query = query.where(exp.Is(this=tried, expression=exp.null()))
            query = query.where(exp.Is(this=statements.column(name), expression=exp.null()).not_()).limit(1)
            rows = fetch(query).rows
            if rows:
                value = str(rows[0][0])
                spelt = next(found for found in header.names if self._fold(found) == self._fold(name))
                return wording.bad_value(
                    str(self.path), find_value(self.path, header, spelt, value), name, value, kind.upper()
                )
        return None

    def _find_bad_row(self, fetch: _Fetch) -> TerminalWarehouseError | None:
        for name, kind in self._columns:
            tried = exp.TryCast(this=statements.column(name), to=_type(kind))
            numbered = exp.EQ(this=exp.column("file_row_number"), expression=exp.true())
            reader = exp.Anonymous(this="read_parquet", expressions=[path_literal(self.path), numbered])
            shown = exp.Cast(this=statements.column(name), to=_type("VARCHAR"))
            query = exp.select(exp.column("file_row_number"), shown).from_(exp.Table(this=reader))
            query = query.where(exp.Is(this=tried, expression=exp.null()))
            query = query.where(exp.Is(this=statements.column(name), expression=exp.null()).not_())
            try:
                rows = fetch(query.order_by("file_row_number").limit(1)).rows
            except TerminalWarehouseError:
                continue  # a type that becomes no other, whatever the row
            if rows:
                number, value = rows[0]
                return wording.bad_value_in_row(str(self.path), int(number) + 1, name, str(value), kind.upper())
        return None

    def _refuse_other_columns(self, names: Sequence[str]) -> None:
        declared = {self._fold(name) for name, _ in self._columns}
        found = {self._fold(name) for name in names}
        for name, _ in self._columns:
            if self._fold(name) not in found:
                raise wording.declared_column_missing(str(self.path), name, names)
        for name in names:
            if self._fold(name) not in declared:
                raise wording.column_not_declared(str(self.path), name)

    def _reader(self) -> exp.Expr:
        source = path_literal(self.path)
        if self._header is not None:
            # All are read as text, so that a cast sees what the file says and not a guess of it.
            types = [(name, "VARCHAR") for name in self._header.names]
            named = {**csv_options(self._header), "auto_detect": exp.false(), "columns": _struct(types)}
            del named["sample_size"]
            return exp.Anonymous(this="read_csv", expressions=[source, *options(named)])
        if has_ending(self.path, ".parquet"):
            return exp.Anonymous(this="read_parquet", expressions=[source])
        named = {
            "format": exp.Literal.string("newline_delimited"),
            "auto_detect": exp.false(),
            "records": exp.true(),
            "columns": _struct([(name, _type(kind).sql("duckdb")) for name, kind in self._columns]),
        }
        return exp.Anonymous(this="read_json", expressions=[source, *options(named)])


def _typed(value: exp.Expr, kind: str, name: str) -> exp.Expr:
    return exp.alias_(exp.Cast(this=value, to=_type(kind)), name, quoted=True)


def _type(kind: str) -> exp.DataType:
    return exp.DataType.build(kind, dialect="duckdb", udt=True)


def _struct(types: Sequence[tuple[str, str]]) -> exp.Expr:
    pairs = [
        exp.PropertyEQ(this=statements.identifier(name), expression=exp.Literal.string(kind)) for name, kind in types
    ]
    return exp.Struct(expressions=pairs)


def _union(left: exp.Query, right: exp.Query) -> exp.Query:
    return exp.union(left, right, distinct=False, copy=False)
