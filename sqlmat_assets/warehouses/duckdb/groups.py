"""Files that DuckDB reads together, because the same stands in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.csv_headers import CsvHeader
from sqlmat_assets.warehouses.duckdb.reading import csv_options, options, path_literal
from sqlmat_assets.warehouses.source_files import Contents, FileColumn, SourceFile

FILE = "sqlmat_file"
_TOLD, _PATH, _VALUE = "sqlmat_told", "sqlmat_path", "sqlmat_value_"
# As long as DuckDB lets an object of JSON be.
_LONGEST_LINE = 1 << 24
_MANY_FILES = 100


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one format whose columns are the same.

    `header` is that of CSV files. `spelt` has the names of the outermost columns as the files have them, by the names
    that are declared.
    """

    files: tuple[SourceFile, ...]
    contents: Contents
    format: str
    spelt: Mapping[str, str]
    header: CsvHeader | None = None

    def query(self) -> exp.Select:
        """The rows of the table that all files together give."""
        return self.rows(*(exp.Cast(this=self.value(each), to=type_of(each.type)) for each in self.contents.columns))

    def rows(self, *values: exp.Expr, reader: exp.Expr | None = None) -> exp.Select:
        """The rows with some values in the places of the columns, and with what is told of each file."""
        named = [
            statements.named(value, column.name) for column, value in zip(self.contents.columns, values, strict=True)
        ]
        constants = self.files[0].constants
        is_same = all(file.constants == constants for file in self.files)
        source = exp.Table(this=reader or self.reader(with_name=not is_same))
        if is_same:
            told = [_constant(statements.literal(one.value), one.type, one.name) for one in constants]
            return exp.select(*named, *told).from_(source)
        told = [_constant(_of(_TOLD, f"{_VALUE}{at}"), one.type, one.name) for at, one in enumerate(constants)]
        same = exp.EQ(this=statements.column(FILE), expression=_of(_TOLD, _PATH))
        return exp.select(*named, *told).from_(source).join(self._told(), on=same, copy=False)

    def value(self, column: FileColumn) -> exp.Expr:
        """What stands in the files for a column."""
        outer, *inner = column.keys
        value: exp.Expr = statements.column(self.spelt.get(outer, outer))
        for name in inner:
            value = exp.Anonymous(this="struct_extract", expressions=[value, exp.Literal.string(name)])
        return value

    def reader(self, more: Mapping[str, exp.Expr] | None = None, *, with_name: bool = False) -> exp.Expr:
        """The function that reads the files, with more options; `with_name` gives each row the path of its file."""
        named: dict[str, exp.Expr] = dict(more or {})
        if with_name:
            named["filename"] = exp.Literal.string(FILE)
        if self.header is not None:
            # All are read as text, so that a cast sees what the file says and not a guess of it.
            types = [(name, "VARCHAR") for name in self.header.names]
            named |= {**csv_options(self.header), "auto_detect": exp.false(), "columns": _struct(types)}
            del named["sample_size"]
            return self._call("read_csv", named)
        if self.format == "parquet":
            return self._call("read_parquet", named)
        named |= {
            "format": exp.Literal.string("newline_delimited"),
            "auto_detect": exp.false(),
            "records": exp.true(),
            "columns": _struct(list(outer_types(self.contents.columns))),
        }
        return self._call("read_json", named)

    def lines(self) -> exp.Expr:
        """The function that reads the lines of the files as they are, in a column `line`."""
        named: dict[str, exp.Expr] = {
            "header": exp.false(),
            "auto_detect": exp.false(),
            # No line of JSON has this character.
            "delim": exp.Literal.string("\x01"),
            "quote": exp.Literal.string(""),
            "escape": exp.Literal.string(""),
            "columns": _struct([("line", "VARCHAR")]),
            "max_line_size": exp.Literal.number(_LONGEST_LINE),
            "filename": exp.Literal.string(FILE),
        }
        return self._call("read_csv", named)

    def _call(self, function: str, named: Mapping[str, exp.Expr]) -> exp.Expr:
        paths = [path_literal(file.path) if file.is_here else exp.Literal.string(file.shown) for file in self.files]
        source = paths[0] if len(paths) == 1 else exp.Array(expressions=paths)
        return exp.Anonymous(this=function, expressions=[source, *options(named)])

    def _told(self) -> exp.Expr:
        """What is told of each file, by its path."""
        texts = [(str(file.path), *(constant.value for constant in file.constants)) for file in self.files]
        names = [_PATH, *(f"{_VALUE}{at}" for at in range(len(self.files[0].constants)))]
        if len(texts) > _MANY_FILES:
            # DuckDB takes a list much sooner than as many rows.
            columns = zip(*texts, strict=True)
            lists = [exp.Array(expressions=list(map(exp.Literal.string, column))) for column in columns]
            values = [
                statements.named(exp.Anonymous(this="unnest", expressions=[each]), name)
                for each, name in zip(lists, names, strict=True)
            ]
            return exp.Subquery(this=exp.select(*values), alias=exp.TableAlias(this=_id(_TOLD)))
        rows = [exp.Tuple(expressions=list(map(exp.Literal.string, each))) for each in texts]
        alias = exp.TableAlias(this=_id(_TOLD), columns=[_id(name) for name in names])
        return exp.Values(expressions=rows, alias=alias)


def type_of(kind: str) -> exp.DataType:
    """A type as DuckDB spells it."""
    return exp.DataType.build(kind, dialect="duckdb", udt=True)


def outer_types(columns: Sequence[FileColumn], depth: int = 0) -> Iterator[tuple[str, str]]:
    """The outermost columns (name, type) of which some columns are parts.

    Examples:
        >>> list(outer_types([FileColumn("id", "bigint"), FileColumn("user_name", "text", ("user", "name"))]))
        [('id', 'BIGINT'), ('user', 'STRUCT("name" TEXT)')]
    """
    parts: dict[str, list[FileColumn]] = {}
    for column in columns:
        parts.setdefault(column.keys[depth], []).append(column)
    for name, inside in parts.items():
        if len(inside[0].keys) == depth + 1:
            yield name, type_of(inside[0].type).sql("duckdb")
        else:
            fields = ", ".join(f"{_id(each).sql('duckdb')} {kind}" for each, kind in outer_types(inside, depth + 1))
            yield name, f"STRUCT({fields})"


def _struct(types: Sequence[tuple[str, str]]) -> exp.Expr:
    pairs = [
        exp.PropertyEQ(this=statements.identifier(name), expression=exp.Literal.string(kind)) for name, kind in types
    ]
    return exp.Struct(expressions=pairs)


def _constant(value: exp.Expr, kind: str, name: str) -> exp.Expr:
    return statements.named(exp.Cast(this=value, to=type_of(kind)), name)


def _of(alias: str, name: str) -> exp.Column:
    return exp.Column(this=_id(name), table=_id(alias))


def _id(name: str) -> exp.Identifier:
    return statements.identifier(name)
