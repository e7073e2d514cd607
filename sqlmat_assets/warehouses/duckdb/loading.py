"""How DuckDB loads files whose columns are declared: all of them in one statement, and none of them by guessing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording
from sqlmat_assets.errors.failures import unknown_data_format
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Capabilities, Rows
from sqlmat_assets.warehouses.csv_headers import CsvHeader, read_csv_header
from sqlmat_assets.warehouses.data_files import explain_csv, explain_ndjson
from sqlmat_assets.warehouses.duckdb.bad_rows import Unreadable, find_unreadable, readable_rows
from sqlmat_assets.warehouses.duckdb.groups import Group, type_of
from sqlmat_assets.warehouses.duckdb.reading import options, path_literal, without_options
from sqlmat_assets.warehouses.source_files import Contents, SourceFile
from sqlmat_assets.warehouses.text_files import has_ending, refuse_other_encodings

_Fetch = Callable[[exp.Expr], Rows]
_Named = Sequence[tuple[SourceFile, Sequence[str]]]


class DeclaredFiles:
    """Local CSV, NDJSON or Parquet files with the same columns.

    A CSV or Parquet file has all of these columns and no other, in any order. In an NDJSON file what is missing is
    NULL, and other keys are passed over.

    Args:
        files: Where the rows are.
        contents: Their columns.
        capabilities: How names are told apart.
        fetch: Asks DuckDB for the columns of files that tell them themselves; without it they are taken for those that
            are declared.

    Raises:
        TerminalWarehouseError: A file tells that it cannot be loaded.
    """

    def __init__(
        self,
        files: Sequence[SourceFile],
        contents: Contents,
        capabilities: Capabilities,
        fetch: _Fetch | None = None,
    ) -> None:
        self._contents = contents
        self._fold = capabilities.fold
        kinds: dict[str, list[SourceFile]] = {}
        for file in files:
            kinds.setdefault(_format_of(file), []).append(file)
        self._groups = [
            *self._csv_groups(kinds.get("csv", ())),
            *self._plain_groups("ndjson", kinds.get("ndjson", ())),
            *(self._parquet_groups(kinds.get("parquet", ()), fetch)),
        ]

    def create_table(self, target: Relation, *, skips_bad: bool = False) -> exp.Expr:
        """`CREATE TABLE ... AS` with the rows of all files, or of those that can be read."""
        return exp.Create(this=statements.table(target), kind="TABLE", expression=self.query(skips_bad=skips_bad))

    def query(self, *, skips_bad: bool = False) -> exp.Query:
        """The rows of all files, or of those that can be read."""
        queries: list[exp.Query] = [readable_rows(each) if skips_bad else each.query() for each in self._groups]
        # In halves, because a chain of a thousand unions is too deep for whoever walks through the tree.
        while len(queries) > 1:
            queries = [reduce(_union, queries[at : at + 2]) for at in range(0, len(queries), 2)]
        return queries[0]

    def create_and_fill(self, target: Relation, *, skips_bad: bool = False) -> tuple[exp.Expr, exp.Expr]:
        """`CREATE TABLE` with columns that are NOT NULL, and the `INSERT` of the rows of all files."""
        not_null = exp.ColumnConstraint(kind=exp.NotNullColumnConstraint())
        definitions = [
            exp.ColumnDef(
                this=statements.identifier(column.name),
                kind=type_of(column.type),
                constraints=[not_null.copy()] if column.name in self._contents.required else [],
            )
            for column in self._contents.columns
        ]
        create = exp.Create(this=exp.Schema(this=statements.table(target), expressions=definitions), kind="TABLE")
        return create, exp.Insert(this=statements.table(target), expression=self.query(skips_bad=skips_bad))

    def find_unreadable(self, fetch: _Fetch) -> Unreadable:
        """The rows that cannot be read.

        Raises:
            TerminalWarehouseError: There are more than may be left out, or a file cannot be read at all.
        """
        found = find_unreadable(self._groups, fetch)
        if found.count > self._contents.most_bad_rows:
            raise wording.too_many_bad(found.count, self._contents.most_bad_rows, [row for _, row in found.first])
        return found

    def explain(self, error: TerminalWarehouseError, fetch: _Fetch) -> TerminalWarehouseError:
        """What is wrong with the file that DuckDB refuses: file, line and value where they can be found."""
        for group in self._groups:
            found = self._explain_rows(group, fetch)
            if found is not None:
                return found
        for group in self._groups:
            for file in group.files:
                found = _explain_file(file, group, fetch)
                if found is not None:
                    return found
        files = [file for group in self._groups for file in group.files]
        if len(files) == 1:
            words = without_options(error.message, files[0].path)
            return wording.driver_refused(files[0].shown, words, error.statement)
        return _with_labels(error, files)

    def _explain_rows(self, group: Group, fetch: _Fetch) -> TerminalWarehouseError | None:
        try:
            found = find_unreadable([group], fetch, most_shown=1).first
        except TerminalWarehouseError:
            return None  # a whole file that cannot be read, which is looked for by itself
        if not found:
            return None
        file, row = found[0]
        if row.row is not None:
            return wording.bad_value_in_row(file.shown, row.row, row.column, row.value, row.type)
        # Python's reader tells lines that are not built as rows more precisely.
        told = None if group.header is None or row.column else _labelled(explain_csv(file.path, group.header), file)
        return told or wording.bad_row(row, row.hint)

    def _csv_groups(self, files: Sequence[SourceFile]) -> Iterator[Group]:
        groups: dict[CsvHeader, list[SourceFile]] = {}
        for file in files:
            try:
                header = read_csv_header(file.path, self._fold) if file.is_here else self._declared_header
            except TerminalWarehouseError as error:
                raise _labelled(error, file) or error from error
            if header not in groups:
                self._refuse_other_columns(file, header.names)
            groups.setdefault(header, []).append(file)
        for header, same in groups.items():
            yield Group(tuple(same), self._contents, "csv", self._spelt(header.names), header)

    @property
    def _declared_header(self) -> CsvHeader:
        return CsvHeader(",", tuple(dict.fromkeys(column.keys[0] for column in self._contents.columns)))

    def _plain_groups(self, kind: str, files: Sequence[SourceFile]) -> Iterator[Group]:
        if kind == "ndjson":
            for file in (file for file in files if file.is_here):
                try:
                    refuse_other_encodings(file.path)
                except TerminalWarehouseError as error:
                    raise _labelled(error, file) or error from error
        if files:
            yield Group(tuple(files), self._contents, kind, {})

    def _parquet_groups(self, files: Sequence[SourceFile], fetch: _Fetch | None) -> Iterator[Group]:
        if fetch is None or not files:
            yield from self._plain_groups("parquet", files)
            return
        groups: dict[tuple[object, ...], list[SourceFile]] = {}
        for file in files:
            empty = exp.select("*").from_(exp.Table(this=_read_parquet(file.path))).limit(0)
            try:
                columns = fetch(empty).columns
            except TerminalWarehouseError as error:
                raise wording.driver_refused(file.shown, error.message, error.statement) from error
            key = tuple((column.name, column.type) for column in columns)
            if key not in groups:
                self._refuse_other_columns(file, [column.name for column in columns])
            groups.setdefault(key, []).append(file)
        for same in groups.values():
            yield Group(tuple(same), self._contents, "parquet", {})

    def _spelt(self, names: Sequence[str]) -> dict[str, str]:
        known = {self._fold(name): name for name in names}
        return {column.keys[0]: known[self._fold(column.keys[0])] for column in self._contents.columns}

    def _refuse_other_columns(self, file: SourceFile, names: Sequence[str]) -> None:
        declared = list(dict.fromkeys(column.keys[0] for column in self._contents.columns))
        found = {self._fold(name) for name in names}
        for name in declared:
            if self._fold(name) not in found:
                raise wording.declared_column_missing(file.shown, name, names)
        known = set(map(self._fold, declared))
        for name in names:
            if self._fold(name) not in known:
                raise wording.column_not_declared(file.shown, name)


def _format_of(file: SourceFile) -> str:
    for kind in ("csv", "ndjson", "parquet"):
        if has_ending(file.path, f".{kind}"):
            return kind
    raise TerminalWarehouseError(unknown_data_format(file.shown))


def _explain_file(file: SourceFile, group: Group, fetch: _Fetch) -> TerminalWarehouseError | None:
    """What is wrong with a file as a whole."""
    if group.header is not None:
        return _labelled(explain_csv(file.path, group.header), file)
    if group.format == "ndjson":
        found = _labelled(explain_ndjson(file.path), file)
        if found is not None:
            return found
    alone = Group((file,), group.contents, group.format, group.spelt)
    try:
        # Counting rows alone would read no value.
        counts = [exp.Count(this=statements.column(column.name)) for column in group.contents.columns]
        fetch(exp.select(*counts).from_(exp.Subquery(this=alone.query(), alias=statements.identifier("rows"))))
    except TerminalWarehouseError as error:
        words = error.message.partition("\nTry setting")[0]
        return wording.driver_refused(file.shown, words.replace(str(file.path), file.shown), error.statement)
    return None


def _labelled(error: TerminalWarehouseError | None, file: SourceFile) -> TerminalWarehouseError | None:
    """The same error with the name that people know a file by."""
    if error is None or file.label is None:
        return error
    return TerminalWarehouseError(error.message.replace(str(file.path), file.label), error.statement)


def _with_labels(error: TerminalWarehouseError, files: Sequence[SourceFile]) -> TerminalWarehouseError:
    message = error.message
    for file in files:
        if file.label is not None:
            message = message.replace(str(file.path), file.label)
    return TerminalWarehouseError(message, error.statement)


def _read_parquet(path: Path) -> exp.Expr:
    return exp.Anonymous(this="read_parquet", expressions=[path_literal(path), *options({})])


def _union(left: exp.Query, right: exp.Query) -> exp.Query:
    return exp.union(left, right, distinct=False, copy=False)
