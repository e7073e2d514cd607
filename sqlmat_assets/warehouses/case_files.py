"""The CSV files of unit tests as tables of DuckDB: what is not there is NULL, and `""` is a text without letters."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording
from sqlmat_assets.errors import unit_tests as test_wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Rows
from sqlmat_assets.warehouses.csv_headers import CsvHeader, read_csv_header
from sqlmat_assets.warehouses.data_files import explain_csv, find_value
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets.warehouses.duckdb.reading import csv_options, options, path_literal, without_options

_TEXT = exp.DataType.build("text", dialect="duckdb")
_NESTED = (exp.DType.ARRAY, exp.DType.LIST, exp.DType.MAP, exp.DType.STRUCT)


@dataclass(frozen=True, slots=True)
class CaseColumn:
    """A column: what the header of the file says, the name in it, and the type where one is stated."""

    written: str
    name: str
    type: exp.DataType | None = None


class CaseFile:
    """One CSV file whose header may say `id:integer`.

    Args:
        path: The file.
        dialect: That of the types.
        types: Types that are known of columns (name, type), for those of which the header states none.
        spell: Gives DuckDB's word for a type, or None where the parser is to find it.

    Raises:
        TerminalWarehouseError: The file cannot be read, or its header is none.
    """

    def __init__(
        self,
        path: Path,
        dialect: str,
        types: Sequence[tuple[str, str]] = (),
        spell: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._path = path
        header = read_csv_header(path, DUCKDB.fold)
        known = {DUCKDB.fold(name): kind for name, kind in types}

        def parse(kind: str) -> exp.DataType | None:
            spelt = spell(kind)
            return _parse_type(kind, dialect) if spelt is None else _parse_type(spelt, "duckdb")

        self.columns = tuple(_column(path, written, parse, known, dialect) for written in header.names)
        seen: set[str] = set()
        for column in self.columns:
            if DUCKDB.fold(column.name) in seen:
                raise wording.doubled_column(str(path), column.name)
            seen.add(DUCKDB.fold(column.name))
        self._header = CsvHeader(header.separator, tuple(column.name for column in self.columns))

    def create_table(self, target: Relation) -> exp.Expr:
        """`CREATE TABLE ... AS` with the rows, each value as its type, or as what DuckDB takes all of them for."""
        values = [
            exp.alias_(_read_as(statements.column(column.name), column.type), column.name, quoted=True)
            if column.type is not None
            else statements.column(column.name)
            for column in self.columns
        ]
        return self._create(target, values, {column.name for column in self.columns if column.type is not None})

    def create_texts(self, target: Relation) -> exp.Expr:
        """`CREATE TABLE ... AS` with the rows as texts, in their order."""
        names = [column.name for column in self.columns]
        return self._create(target, [statements.column(name) for name in names], set(names))

    def lines(self) -> list[int]:
        """The line in which each row begins."""
        found: list[int] = []
        with self._path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=self._header.separator, strict=True)
            line = 1
            for record in reader:
                # In a file with one column, a line without anything is a row; its value is not there.
                if line > 1 and (record or len(self.columns) == 1):
                    found.append(line)
                line = reader.line_num + 1
        return found

    def explain(self, error: TerminalWarehouseError, fetch: Callable[[exp.Expr], Rows]) -> TerminalWarehouseError:
        """What is wrong with the file that DuckDB refuses: line and value where they can be found."""
        return explain_csv(self._path, self._header) or self._find_bad_value(fetch) or self._in_words(error)

    def _in_words(self, error: TerminalWarehouseError) -> TerminalWarehouseError:
        return wording.driver_refused(str(self._path), without_options(error.message, self._path), error.statement)

    def _find_bad_value(self, fetch: Callable[[exp.Expr], Rows]) -> TerminalWarehouseError | None:
        for column in self.columns:
            if column.type is None:
                continue
            text = statements.column(column.name)
            tried = _read_as(text, column.type, is_tried=True)
            is_bad = exp.and_(exp.Not(this=text.copy().is_(exp.null())), tried.is_(exp.null()))
            query = exp.select(text.copy()).from_(exp.Table(this=self._reader({column.name}))).where(is_bad).limit(1)
            try:
                found = fetch(query).rows
            except TerminalWarehouseError as error:
                kind, said = column.type.sql("duckdb"), error.message.partition("\n")[0]
                return TerminalWarehouseError(test_wording.other_type(str(self._path), column.name, kind, said))
            if found:
                value = str(found[0][0])
                line = find_value(self._path, self._header, column.name, value)
                return wording.bad_value(str(self._path), line, column.name, value, column.type.sql("duckdb"))
        return None

    def _create(self, target: Relation, values: Sequence[exp.Expr], texts: set[str]) -> exp.Expr:
        query = exp.select(*values).from_(exp.Table(this=self._reader(texts)))
        return exp.Create(this=statements.table(target), kind="TABLE", expression=query)

    def _reader(self, texts: set[str]) -> exp.Expr:
        chosen = {**csv_options(self._header), "allow_quoted_nulls": exp.false()}
        names = [exp.Literal.string(name) for name in self._header.names]
        chosen["names"] = exp.Array(expressions=names)
        if texts:
            text = exp.Literal.string("VARCHAR")
            types = [exp.PropertyEQ(this=statements.identifier(name), expression=text) for name in sorted(texts)]
            chosen["types"] = exp.Struct(expressions=types)
        return exp.Anonymous(this="read_csv", expressions=[path_literal(self._path), *options(chosen)])


def type_of(text: str) -> exp.DataType:
    """A type in DuckDB's own words."""
    return exp.DataType.build(text, dialect="duckdb", udt=True)


def is_document(kind: exp.DataType) -> bool:
    """Whether values of a type are compared as JSON."""
    return kind.this in _NESTED or kind.this is exp.DType.JSON


def result_of(target: Relation, query: str, rows: exp.Expr | None, limit: int) -> exp.Expr:
    """`CREATE TABLE ... AS` with the rows of a query that are asked for, at most as many as `limit`."""
    # On lines of its own, so that the engine counts those of the query.
    source = statements.derived_table(f"\n{query}", "sqlmat_query")
    found = exp.select("*").from_(source).limit(limit)
    if rows is not None:
        found = found.where(rows.copy())
    return exp.Create(this=statements.table(target), kind="TABLE", expression=found)


def divide_integers(*, is_whole: bool) -> exp.Expr:
    """Let the quotient of two integers be one, as in PostgreSQL, or not."""
    value = exp.EQ(this=exp.column("integer_division"), expression=exp.true() if is_whole else exp.false())
    return exp.Set(expressions=[exp.SetItem(this=value)])


def empty_like(target: Relation, other: Relation) -> exp.Expr:
    """`CREATE TABLE ... AS` with the columns of another and without rows."""
    query = exp.select("*").from_(statements.table(other)).limit(0)
    return exp.Create(this=statements.table(target), kind="TABLE", expression=query)


def texts_of(source: Relation, columns: Sequence[tuple[str, exp.DataType]]) -> exp.Expr:
    """All rows of a table as texts: documents as JSON, the rest as DuckDB writes it."""
    values = [
        exp.Cast(
            this=exp.func("to_json", statements.column(name)) if is_document(kind) else statements.column(name),
            to=_TEXT.copy(),
        )
        for name, kind in columns
    ]
    return exp.select(*values).from_(statements.table(source))


def expected_of(source: Relation, columns: Sequence[tuple[str, exp.DataType]]) -> exp.Expr:
    """All rows of a table of texts: each text, and behind all of them each as a value of its type is written.

    A text that is no such value, or would lose something, comes back as it is.
    """
    texts = [statements.column(name) for name, _ in columns]
    values = [_normal(statements.column(name), kind) for name, kind in columns]
    return exp.select(*texts, *values).from_(statements.table(source))


def _normal(text: exp.Expr, kind: exp.DataType) -> exp.Expr:
    if is_document(kind):
        return text
    written = exp.Cast(this=exp.TryCast(this=text, to=kind.copy()), to=_TEXT.copy())
    if kind.this is exp.DType.DATE:
        moment = exp.DataType.build("timestamp", dialect="duckdb")
        whole = exp.Cast(this=exp.TryCast(this=text.copy(), to=kind.copy()), to=moment.copy())
        is_same = exp.EQ(this=exp.TryCast(this=text.copy(), to=moment), expression=whole)
        return exp.case().when(is_same, written).else_(text.copy())
    return exp.func("coalesce", written, text.copy())


def _read_as(text: exp.Expr, kind: exp.DataType, *, is_tried: bool = False) -> exp.Expr:
    cast = exp.TryCast if is_tried else exp.Cast
    if kind.this in _NESTED:
        text = cast(this=text, to=exp.DataType.build("json", dialect="duckdb"))
    return cast(this=text, to=kind.copy())


def _column(
    path: Path, written: str, parse: Callable[[str], exp.DataType | None], known: Mapping[str, str], dialect: str
) -> CaseColumn:
    name, colon, kind = (part.strip() for part in written.rpartition(":"))
    if not colon:
        stated = known.get(DUCKDB.fold(written))
        return CaseColumn(written, written, None if stated is None else parse(stated))
    found = parse(kind)
    if found is None:
        raise TerminalWarehouseError(test_wording.unknown_type(str(path), name, kind, dialect))
    if not name:
        raise wording.has_no_header(str(path))
    return CaseColumn(written, name, found)


def _parse_type(text: str, dialect: str) -> exp.DataType | None:
    """Read a type of the project's dialect or of DuckDB; None where it is of neither."""
    for each in dict.fromkeys((dialect, "duckdb")):
        try:
            return exp.DataType.build(text, dialect=each)
        # What is no type at all is an expression to sqlglot, which it then refuses with a TypeError.
        except (SqlglotError, TypeError, ValueError, AttributeError):
            continue
    return None
