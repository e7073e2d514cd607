"""How rows get from files into BigQuery and out of it: DuckDB reads the files, load jobs take what it has read."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from pyarrow import parquet
from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import ResultColumn, Rows
from sqlmat_assets.warehouses.bigquery.facts import BIGQUERY
from sqlmat_assets.warehouses.bigquery.link import Link, Resource
from sqlmat_assets.warehouses.bigquery.objects import designed
from sqlmat_assets.warehouses.bigquery.types import as_declared, field_of, from_duckdb, to_duckdb
from sqlmat_assets.warehouses.bigquery.url import BigQueryPlace
from sqlmat_assets.warehouses.duckdb.loading import DeclaredFiles
from sqlmat_assets.warehouses.duckdb.reading import DataFile
from sqlmat_assets.warehouses.duckdb.unloading import unload_statement
from sqlmat_assets.warehouses.source_files import Constant, Contents, Loaded, SourceFile
from sqlmat_assets.warehouses.storage import Storage

_Columns = Sequence[tuple[str, str]]
# Columns are told apart without regard to case, other than tables.
_FILES = replace(BIGQUERY, is_case_sensitive=False)
_US = "US"


def load_file(link: Link, target: Relation, path: Path, columns: _Columns, storage: Storage) -> int:
    """Create a table from a file; `columns` (name, type) are declared, and the others are what all values look like."""
    with _reader() as reader:
        file = DataFile(path, [(name, _read_as(kind)) for name, kind in columns], _FILES)
        query = file.create_table(target).args["expression"]
        try:
            found = reader.describe(query)
            file.refuse_other_columns([name for name, _ in found])
            return _fill(link, target, reader, query, _types(found, columns), (), storage)
        except duckdb.Error as error:
            raise file.explain(TerminalWarehouseError(str(error))) from error


def load_files(
    link: Link, target: Relation, files: Sequence[SourceFile], contents: Contents, storage: Storage
) -> Loaded:
    """Create a table from files whose columns are all declared."""
    with _reader() as reader:
        read = [replace(one, constants=tuple(map(_as_read, one.constants))) for one in files]
        columns = tuple(replace(column, type=_read_as(column.type)) for column in contents.columns)
        declared = DeclaredFiles(read, replace(contents, columns=columns), _FILES, reader.fetch)
        types = dict(contents.types) | {one.name: one.type for file in files for one in file.constants}

        def fill(*, skips_bad: bool = False) -> int:
            query = declared.query(skips_bad=skips_bad)
            typed = [(name, as_declared(types[name])) for name, _ in reader.describe(query)]
            return _fill(link, target, reader, query, typed, contents.required, storage)

        statement = "\n".join(render_load_files(target, files, contents))
        try:
            return Loaded(fill(), statement)
        except duckdb.Error as error:
            if not contents.most_bad_rows:
                raise declared.explain(TerminalWarehouseError(str(error)), reader.fetch) from error
        unreadable = declared.find_unreadable(reader.fetch)
        try:
            rows = fill(skips_bad=True)
        except duckdb.Error as error:
            raise declared.explain(TerminalWarehouseError(str(error)), reader.fetch) from error
        return Loaded(rows, statement, unreadable.count, tuple(row for _, row in unreadable.first))


def unload(link: Link, query: str, path: Path) -> int:
    """Write the rows of a query into a Parquet file."""
    job = link.run(query)
    batches = iter(job.result(retry=None, job_retry=None).to_arrow_iterable())
    first = next(batches, None)
    if first is None:
        table = job.result(retry=None, job_retry=None).to_arrow(create_bqstorage_client=False)
        parquet.write_table(table, path)
        return int(table.num_rows)
    count = 0
    with parquet.ParquetWriter(path, first.schema) as writer:
        batch = first
        while batch is not None:
            writer.write_batch(batch)
            count += batch.num_rows
            batch = next(batches, None)
    return count


def describe_file(path: Path, columns: _Columns) -> tuple[tuple[str, str], ...]:
    """The columns (name, type) that `load_file` gives a table."""
    with _reader() as reader:
        file = DataFile(path, [(name, _read_as(kind)) for name, kind in columns], _FILES)
        query = file.create_table(Relation("", path.stem)).args["expression"]
        return tuple(_types(reader.describe(query), columns))


def render_load_file(target: Relation, path: Path, columns: _Columns) -> list[str]:
    """What `load_file` sends, as a comment: a load job has no statement."""
    return [_rendered(target, describe_file(path, columns), ())]


def render_load_files(target: Relation, files: Sequence[SourceFile], contents: Contents) -> list[str]:
    """The same of `load_files`."""
    constants = [(one.name, one.type) for one in files[0].constants] if files else []
    columns = [(name, as_declared(kind)) for name, kind in (*contents.types, *constants)]
    return [_rendered(target, columns, contents.required)]


def create_empty(link: Link, relation: Relation, columns: _Columns) -> None:
    """Have a table with columns (name, type), unless it is there."""
    reference = {
        "projectId": link.place.project,
        "datasetId": link.place.state if relation.schema == "_sqlmat" else relation.schema,
        "tableId": relation.name,
    }
    fields = [field_of(name, kind) for name, kind in columns]
    link.tables.create_table({"tableReference": reference, "schema": {"fields": fields}})


def describe(link: Link, relation: Relation, told: Mapping[str | None, str]) -> None:
    """Say what a table, or some of its columns, are."""
    found = link.tables.find_table(relation)
    if found is None:
        raise TerminalWarehouseError(f"Not found: Table {relation}")
    changes: Resource = {}
    if None in told:
        changes["description"] = told[None]
    fields = found["schema"]["fields"]
    own = [{**each, "description": told[each["name"]]} if each["name"] in told else each for each in fields]
    if own != fields:
        changes["schema"] = {"fields": own}
    if changes:
        link.tables.patch_table(relation, changes)


def views_query(place: BigQueryPlace) -> str:
    """All views of the region, each with its query."""
    source = system_view(place, "VIEWS")
    return exp.select("table_schema", "table_name", "view_definition").from_(source).sql("bigquery")


def system_view(place: BigQueryPlace, name: str) -> exp.Table:
    """A view of `INFORMATION_SCHEMA` of all of the region."""
    return exp.Table(
        this=exp.Dot(this=exp.var("INFORMATION_SCHEMA"), expression=exp.var(name)),
        db=statements.identifier(f"region-{(place.location or _US).lower()}"),
        catalog=statements.identifier(place.project),
    )


def _fill(
    link: Link,
    target: Relation,
    reader: _Reader,
    query: exp.Expr,
    columns: _Columns,
    required: Sequence[str],
    storage: Storage,
) -> int:
    """Write the rows into one file, and have a load job create the table from it."""
    with tempfile.TemporaryDirectory(prefix="sqlmat-") as folder:
        path = Path(folder, "rows.parquet")
        reader.write(query, path)
        fields = [field_of(name, kind, is_required=name in required) for name, kind in columns]
        configuration = {
            "sourceFormat": "PARQUET",
            "schema": {"fields": fields},
            "writeDisposition": "WRITE_EMPTY",
            "createDisposition": "CREATE_IF_NEEDED",
            **designed(storage, columns),
        }
        return link.load(path, target, configuration)


def _rendered(target: Relation, columns: _Columns, required: Sequence[str]) -> str:
    told = ", ".join(f"{name} {kind}{' NOT NULL' if name in required else ''}" for name, kind in columns)
    return f"-- load job into {statements.table(target).sql('bigquery')}, WRITE_EMPTY, from Parquet ({told})"


def _types(found: _Columns, columns: _Columns) -> list[tuple[str, str]]:
    """The types of a table for the columns of a file: those that are declared, or what their values look like."""
    declared = {_FILES.fold(name): as_declared(kind) for name, kind in columns}
    return [(name, declared.get(_FILES.fold(name), from_duckdb(kind))) for name, kind in found]


def _as_read(constant: Constant) -> Constant:
    return Constant(constant.name, _read_as(constant.type), constant.value)


def _read_as(kind: str) -> str:
    """The type of DuckDB that tells whether a value is one of a type that a person has written."""
    return to_duckdb(as_declared(kind))


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

    def write(self, query: exp.Expr, path: Path) -> None:
        """Write the rows of a query into a Parquet file."""
        columns = self.describe(query)
        source = exp.Subquery(this=query.copy(), alias=exp.TableAlias(this=statements.identifier("rows_")))
        values = [_as_loaded(name, kind) for name, kind in columns]
        self._connection.execute(unload_statement(exp.select(*values).from_(source).sql("duckdb"), path).sql("duckdb"))


def _as_loaded(name: str, kind: str) -> exp.Expr:
    """A value as a load job takes it: what is nested as the text of JSON."""
    value: Any = statements.column(name)
    if kind.endswith("]") or kind.startswith(("STRUCT(", "MAP(")):
        value = exp.Cast(this=exp.Anonymous(this="to_json", expressions=[value]), to=exp.DataType.build("VARCHAR"))
    elif kind in ("UUID", "INTERVAL"):
        value = exp.Cast(this=value, to=exp.DataType.build("VARCHAR"))
    return exp.alias_(value, name, quoted=True)


@contextmanager
def _reader() -> Generator[_Reader]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield _Reader(connection)
