"""Tables that are filled from objects of Cloud Storage by load jobs.

One job fills the table where the objects are alike and their columns are those of the table. Else each group of objects
that are alike goes into a table of its own, and a query puts these together: it fills in what does not stand in the
objects, renames, and takes values out of others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal, cast

from sqlglot import exp

from sqlmat_assets.errors import MaterializeError, TerminalWarehouseError, TransientWarehouseError, data_files
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.bigquery.bucket_types import can_read, nested_fields
from sqlmat_assets.warehouses.bigquery.errors import Refused, RefusedRowsError, is_out_of_reach
from sqlmat_assets.warehouses.bigquery.facts import BIGQUERY
from sqlmat_assets.warehouses.bigquery.link import Link, Resource, Taken
from sqlmat_assets.warehouses.bigquery.objects import Objects
from sqlmat_assets.warehouses.bigquery.objects import load_objects as run_job
from sqlmat_assets.warehouses.bigquery.statements import DIALECT
from sqlmat_assets.warehouses.bigquery.types import as_declared, field_of
from sqlmat_assets.warehouses.source_files import BadRow, Constant, Contents, FileColumn, Loaded, SourceObject
from sqlmat_assets.warehouses.storage import Storage

# Each is waited for before the next one begins.
_MOST_JOBS = 20
# https://cloud.google.com/bigquery/quotas#load_jobs
_MOST_URLS = 10_000
# https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#limitations
_MOST_PACKED_BYTES = 4 << 30
_MOST_SHOWN = 20
_MARK, _ROWS = "__sqlmat_", "rows_"
_COUNTED = re.compile(r"errors: (\d+)")

_Write = Callable[[exp.Expr], int]
_fold = BIGQUERY.fold_column


def can_load_objects(objects: Sequence[SourceObject], contents: Contents) -> bool:
    """Whether load jobs read these objects as they would be read here.

    What differs from one object to the next beside its rows is a job of its own, so it must not be much. In an address
    `*` stands for any name, and what follows `#` for a generation. Rows are left out of CSV and JSON alone.
    """
    groups = list(_groups(objects))
    if contents.required or len(groups) > _MOST_JOBS or any(len(group) > _MOST_URLS for group in groups):
        return False
    if any("*" in each.url or "#" in each.url for each in objects):
        return False
    if any(each.is_packed and not _can_unpack(each) for each in objects):
        return False
    first = [group[0] for group in groups]
    return all(can_read(each, contents.columns, _fold) for each in first) and not (
        contents.most_bad_rows and any(each.format == "parquet" for each in first)
    )


def load_objects(
    link: Link,
    target: Relation,
    objects: Sequence[SourceObject],
    contents: Contents,
    storage: Storage,
    write: _Write,
) -> Loaded | None:
    """Create a table from objects; None where BigQuery does not get at them.

    Args:
        link: Where.
        target: The table.
        objects: What can be loaded, as `can_load_objects` says.
        contents: What stands in them.
        storage: How the rows are to lie.
        write: Executes a statement, and tells how many rows it wrote.

    Raises:
        TerminalWarehouseError: An object has other columns, or rows that cannot be read.
    """
    jobs = [_Job(group, contents) for group in _groups(objects)]
    try:
        if len(jobs) == 1 and jobs[0].is_whole:
            taken = jobs[0].run(link, target, storage)
            return _loaded(taken.rows, [jobs[0].told(target)], [taken])
        with _beside(link, target, len(jobs)) as places:
            done = [job.run(link, place) for job, place in zip(jobs, places, strict=True)]
            _refuse_many(done, contents)
            query = _put_together(jobs, places)
            create = _create_table(target, jobs[0].all_columns, query, storage)
            sent = [job.told(place) for job, place in zip(jobs, places, strict=True)]
            sent.append(create.sql(DIALECT))
            return _loaded(write(create), sent, done)
    except RefusedRowsError as error:
        raise _explained(error, contents) from error
    except TerminalWarehouseError as error:
        if is_out_of_reach(error):
            return None
        raise


@dataclass(frozen=True, slots=True)
class _Job:
    """The load of objects that are alike."""

    group: tuple[SourceObject, ...]
    contents: Contents

    def __post_init__(self) -> None:
        like, columns = self.group[0], self.contents.columns
        if like.format == "ndjson":
            return
        known, declared = set(map(_fold, like.names)), {_fold(column.keys[0]) for column in columns}
        for column in columns:
            if _fold(column.keys[0]) not in known:
                raise data_files.declared_column_missing(like.url, column.keys[0], like.names)
        for name in like.names:
            if _fold(name) not in declared:
                raise data_files.column_not_declared(like.url, name)

    @property
    def is_whole(self) -> bool:
        """Whether what it gives is the table."""
        like, columns = self.group[0], self.contents.columns
        if like.constants:
            return False
        if like.format == "ndjson":
            return all(column.keys == (column.name,) for column in columns)
        if like.format == "csv":
            return [_fold(name) for name in like.names] == [_fold(column.keys[0]) for column in columns]
        return list(like.names) == [column.keys[0] for column in columns] == [column.name for column in columns]

    @property
    def fields(self) -> list[Resource]:
        """The columns that it gives."""
        if self.group[0].format == "ndjson":
            return nested_fields(self.contents.columns)
        return [field_of(name, as_declared(column.type)) for name, column in self._named]

    @property
    def _named(self) -> list[tuple[str, FileColumn]]:
        """The columns in the order of the objects, with their names there; those of CSV have none."""
        like = self.group[0]
        declared = {_fold(column.keys[0]): column for column in self.contents.columns}
        found = [(name, declared[_fold(name)]) for name in like.names]
        return [(column.name if like.format == "csv" else name, column) for name, column in found]

    @property
    def all_columns(self) -> list[tuple[str, str]]:
        """The columns (name, type) of the table."""
        told = [(one.name, one.type) for one in self.group[0].constants]
        return [(name, as_declared(kind)) for name, kind in (*self.contents.types, *told)]

    def run(self, link: Link, target: Relation, storage: Storage | None = None) -> Taken:
        """Fill a table: that which is wanted, or, without its storage, one beside."""
        return run_job(
            link,
            target,
            self._objects,
            self.fields,
            most_bad_rows=self.contents.most_bad_rows,
            storage=storage or Storage(),
            replaces=storage is None,
        )

    @property
    def _objects(self) -> Objects:
        like = self.group[0]
        kind = cast("Literal['csv', 'ndjson', 'parquet']", like.format)
        urls = tuple(each.url for each in self.group)
        return Objects(urls, kind, like.separator, is_packed=like.is_packed, passes_unknown=True)

    def rows(self, place: Relation) -> exp.Select:
        """What the table is to have of a table beside."""
        values: list[exp.Expr] = []
        if self.group[0].format == "ndjson":
            values = [statements.named(_inside(column.keys), column.name) for column in self.contents.columns]
        else:
            names = {column.name: name for name, column in self._named}
            columns = self.contents.columns
            values = [statements.named(statements.column(names[each.name]), each.name) for each in columns]
        told = [statements.named(_value(each), each.name) for each in self.group[0].constants]
        source = exp.alias_(statements.table(place), _ROWS, quoted=True, table=True)
        return exp.select(*values, *told).from_(source)

    def told(self, target: Relation) -> str:
        """The job, for people; it has no statement."""
        first, more = self.group[0].url, len(self.group) - 1
        others = f" and {more:,} more" if more else ""
        return f"-- load job into {statements.table(target).sql(DIALECT)} from {first}{others}"


def _groups(objects: Sequence[SourceObject]) -> Iterator[tuple[SourceObject, ...]]:
    """The objects that one job can load together."""
    groups: dict[object, list[SourceObject]] = {}
    for each in objects:
        key = each.format, each.is_packed, each.names, each.types, each.separator, each.constants
        groups.setdefault(key, []).append(each)
    yield from map(tuple, groups.values())


def _can_unpack(each: SourceObject) -> bool:
    return each.format != "parquet" and each.size is not None and each.size <= _MOST_PACKED_BYTES


@contextmanager
def _beside(link: Link, target: Relation, count: int) -> Generator[list[Relation]]:
    """Tables for a while; what is left of them goes with what else the run has left."""
    places = [_place(target, number) for number in range(count)]
    try:
        yield places
    except TransientWarehouseError:
        # A job may be under way whose answer has not come: it is asked for when all is done once more.
        raise
    except BaseException:
        _drop(link, places)
        raise
    _drop(link, places)


def _place(target: Relation, number: int) -> Relation:
    """A table beside another.

    Examples:
        >>> str(_place(Relation("raw", "events__sqlmat_k3x_new"), 0))
        'raw.events__objects_0__sqlmat_k3x_new'
    """
    stem, mark, rest = target.name.rpartition(_MARK)
    return replace(target, name=f"{stem or rest}__objects_{number}{mark}{rest if stem else ''}")


def _drop(link: Link, places: Sequence[Relation]) -> None:
    with suppress(MaterializeError):
        for place in places:
            link.tables.delete_table(place)


def _put_together(jobs: Sequence[_Job], places: Sequence[Relation]) -> exp.Expr:
    first, *others = (job.rows(place) for job, place in zip(jobs, places, strict=True))
    query: exp.Expr = first
    for other in others:
        query = exp.Union(this=query, expression=other, distinct=False)
    return query


def _create_table(target: Relation, columns: Sequence[tuple[str, str]], query: exp.Expr, storage: Storage) -> exp.Expr:
    """`CREATE TABLE ... AS` with the types of the columns, which a query would give without their digits."""
    create = storage.with_columns(columns).create_table_as(target, "")
    defined = [exp.ColumnDef(this=statements.identifier(name), kind=_type(kind)) for name, kind in columns]
    create.set("this", exp.Schema(this=statements.table(target), expressions=defined))
    create.set("expression", query)
    return create


def _inside(keys: Sequence[str]) -> exp.Expr:
    # With the name of the table before it, since `user.name` could be a column of a table `user`.
    value: exp.Expr = exp.Column(this=statements.identifier(keys[0]), table=statements.identifier(_ROWS))
    for key in keys[1:]:
        value = exp.Dot(this=value, expression=statements.identifier(key))
    return value


def _value(constant: Constant) -> exp.Expr:
    kind = as_declared(constant.type)
    # A day is told with its first hour.
    text = constant.value[:10] if kind == "DATE" else constant.value
    return exp.Cast(this=exp.Literal.string(text), to=_type(kind))


def _type(kind: str) -> exp.DataType:
    return exp.DataType.build(kind, dialect=DIALECT, udt=True)


def _loaded(rows: int, sent: Sequence[str], done: Sequence[Taken]) -> Loaded:
    first = [_bad_row(each) for taken in done for each in taken.said]
    count = sum(taken.bad_rows for taken in done)
    return Loaded(rows, ";\n".join(sent), count, tuple(first[: min(count, _MOST_SHOWN)]))


def _refuse_many(done: Sequence[Taken], contents: Contents) -> None:
    """Each job is told how many rows it may leave out; together they may not leave out more."""
    count = sum(taken.bad_rows for taken in done)
    if count > contents.most_bad_rows:
        first = [_bad_row(each) for taken in done for each in taken.said]
        raise data_files.too_many_bad(count, contents.most_bad_rows, first)


def _explained(error: RefusedRowsError, contents: Contents) -> TerminalWarehouseError:
    rows = [_bad_row(each) for each in error.rows]
    if not contents.most_bad_rows:
        return data_files.bad_row(rows[0], rows[0].hint)
    counted = _COUNTED.search(error.message)
    count = max(int(counted[1]) if counted else 0, contents.most_bad_rows + 1)
    return data_files.too_many_bad(count, contents.most_bad_rows, rows)


def _bad_row(row: Refused) -> BadRow:
    what, hint = data_files.said_by_engine(row.column, row.value, row.said)
    return BadRow(row.url, None, what, hint, column=row.column, value=row.value)
