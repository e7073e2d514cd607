"""How Redshift loads objects of S3 by itself: a COPY with a manifest for all that are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.postgres.connections import Link
from sqlmat_assets.warehouses.postgres.files import create_statement
from sqlmat_assets.warehouses.redshift.connections import Staging
from sqlmat_assets.warehouses.redshift.files import in_own_words, send_hidden, staging_folder
from sqlmat_assets.warehouses.redshift.staging import Folder, authorization
from sqlmat_assets.warehouses.source_files import BadRow, Constant, Contents, Loaded, SourceObject

# Each set of constants is a COPY and an UPDATE of its own.
_MOST_CONSTANTS = 20
# https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-load.html
_MOST_ERRORS = 99_999
_MOST_SHOWN = 20
_TOLD = ("filename", "line_number", "colname", "raw_field_value", "err_reason")

_Group = tuple[SourceObject, ...]
_Fold = Callable[[str], str]


def can_load_objects(staging: Staging | None, objects: Sequence[SourceObject], contents: Contents) -> bool:
    """Whether the cluster can do it by itself.

    There has to be a folder for the manifest. What differs from one object to the next beside its rows is told in a
    statement of its own, so it must not be much. In Parquet there is no way into what is inside of a value, and no row
    can be left out.
    """
    if staging is None or contents.most_bad_rows > _MOST_ERRORS:
        return False
    if len({each.constants for each in objects}) > _MOST_CONSTANTS:
        return False
    is_plain = all(len(column.keys) == 1 for column in contents.columns) and not contents.most_bad_rows
    return is_plain or all(each.format != "parquet" for each in objects)


def load_objects(
    link: Link,
    staging: Staging | None,
    target: Relation,
    objects: Sequence[SourceObject],
    contents: Contents,
    fold: _Fold,
    design: Design = NO_DESIGN,
) -> Loaded:
    """Create a table from objects, in a transaction of its own."""
    constants = objects[0].constants
    columns = [*contents.types, *((each.name, each.type) for each in constants)]
    create = in_own_words(create_statement(target, columns, ()), design)
    sent, rows = [create], 0
    with staging_folder(staging) as folder:
        copies = [_Copy(folder, target, group, contents, fold, number) for number, group in enumerate(_groups(objects))]
        link.send("BEGIN")
        try:
            link.send(create)
            for copy in copies:
                sent.append(copy.text("IAM_ROLE '...'"))
                rows += copy.run(link)
                sent += copy.tell(link)
            link.send("COMMIT")
        except BaseException:
            if link.is_in_transaction:
                link.send("ROLLBACK")
            raise
    bad = [row for copy in copies for row in copy.fetch_bad(link)] if contents.most_bad_rows else []
    if len(bad) > contents.most_bad_rows:
        link.send(statements.drop_table(target).sql("redshift"))
        raise wording.too_many_bad(len(bad), contents.most_bad_rows, bad)
    return Loaded(rows, ";\n".join(sent), len(bad), tuple(bad[:_MOST_SHOWN]))


def _groups(objects: Sequence[SourceObject]) -> Iterator[_Group]:
    """The objects that one COPY can load together."""
    groups: dict[object, list[SourceObject]] = {}
    for each in objects:
        key = each.format, each.is_packed, each.names, each.separator, each.constants
        groups.setdefault(key, []).append(each)
    yield from map(tuple, groups.values())


class _Copy:
    """One COPY of objects that are alike; what it needs in S3 is written there."""

    def __init__(
        self, folder: Folder, target: Relation, group: _Group, contents: Contents, fold: _Fold, number: int
    ) -> None:
        self._folder = folder
        self._target = target
        self._contents = contents
        self._like = group[0]
        self._columns = _columns_of(self._like, contents, fold)
        self._query: object = 0
        entries = [{"url": each.url, "mandatory": True, "meta": {"content_length": each.size}} for each in group]
        self._manifest = folder.write(f"manifest_{number}.json", {"entries": entries})
        self._paths = ""
        if self._like.format == "ndjson":
            paths = ["$" + "".join(f"[{_in_quotes(key)}]" for key in column.keys) for column in contents.columns]
            self._paths = folder.write(f"paths_{number}.json", {"jsonpaths": paths})

    def text(self, authorized: str) -> str:
        """The statement."""
        table = statements.table(self._target).sql("redshift")
        columns = ", ".join(statements.identifier(name).sql("redshift") for name in self._columns)
        most = self._contents.most_bad_rows
        options = [
            *self._format(),
            *(["GZIP"] if self._like.is_packed else []),
            *([f"MAXERROR AS {most + 1}"] if most else []),
        ]
        return f"COPY {table} ({columns}) FROM {_literal(self._manifest)} {authorized} MANIFEST {' '.join(options)}"

    def _format(self) -> list[str]:
        times = ["TIMEFORMAT AS 'auto'", "DATEFORMAT AS 'auto'"]
        match self._like.format:
            case "csv":
                separator = f"DELIMITER AS {_literal(self._like.separator)}"
                # An empty value is none, as everywhere.
                return ["FORMAT AS CSV", separator, "IGNOREHEADER AS 1", "EMPTYASNULL", *times]
            case "ndjson":
                return [f"FORMAT AS JSON {_literal(self._paths)}", *times]
            case _:
                return ["FORMAT AS PARQUET"]

    def run(self, link: Link) -> int:
        """Load the objects, and tell how many rows came.

        Raises:
            TerminalWarehouseError: A row cannot be read, or too many, or the cluster refuses.
        """
        try:
            send_hidden(link, self.text(authorization(self._folder.staging)))
        except TerminalWarehouseError as error:
            if "stl_load_errors" not in error.message:
                raise
            link.send("ROLLBACK")
            found = _fetch_bad(link, _of_session())
            if not found:
                raise
            if not self._contents.most_bad_rows:
                raise wording.bad_row(found[0], found[0].hint) from error
            raise wording.too_many_bad(len(found), self._contents.most_bad_rows, found) from error
        ((self._query, rows),) = link.send("SELECT pg_last_copy_id(), pg_last_copy_count()").rows
        return int(str(rows))

    def fetch_bad(self, link: Link) -> list[BadRow]:
        """The rows that were left out; what is noted of them is no part of the transaction."""
        return _fetch_bad(link, exp.EQ(this=exp.column("query"), expression=exp.Literal.number(int(str(self._query)))))

    def tell(self, link: Link) -> list[str]:
        """Fill in what does not stand in the objects, and return what was sent for it."""
        if not self._like.constants:
            return []
        first = statements.column(self._like.constants[0].name)
        update = exp.Update(
            this=statements.table(self._target),
            expressions=[_told(constant) for constant in self._like.constants],
            where=exp.Where(this=exp.Is(this=first, expression=exp.null())),
        ).sql("redshift")
        link.send(update)
        return [update]


def _fetch_bad(link: Link, where: exp.Expr) -> list[BadRow]:
    query = exp.select(*(exp.column(name) for name in _TOLD)).from_("stl_load_errors").where(where)
    found = link.send(query.order_by("starttime", "filename", "line_number").sql("redshift")).rows
    return [_bad_row(*(str(value or "").strip() for value in row)) for row in found]


def _of_session() -> exp.Expr:
    """The lines that the last COPY of this connection refused."""
    own = exp.EQ(this=exp.column("session"), expression=exp.func("pg_backend_pid"))
    last = exp.select(exp.Max(this=exp.column("query"))).from_("stl_load_errors").where(own.copy())
    return exp.and_(own, exp.EQ(this=exp.column("query"), expression=last.subquery()))


def _bad_row(file: str, line: str, column: str, value: str, reason: str) -> BadRow:
    return BadRow(file, int(line), *wording.said_by_engine(column, value, reason), column=column, value=value)


def _columns_of(like: SourceObject, contents: Contents, fold: _Fold) -> list[str]:
    """The columns of the table in the order of those in the objects."""
    if like.format == "ndjson":
        return [column.name for column in contents.columns]
    declared = {fold(column.keys[0]): column.name for column in contents.columns}
    known = {fold(name) for name in like.names}
    for column in contents.columns:
        if fold(column.keys[0]) not in known:
            raise wording.declared_column_missing(like.url, column.keys[0], like.names)
    for name in like.names:
        if fold(name) not in declared:
            raise wording.column_not_declared(like.url, name)
    return [declared[fold(name)] for name in like.names]


def _told(constant: Constant) -> exp.Expr:
    value = exp.Cast(this=exp.Literal.string(constant.value), to=exp.DataType.build(constant.type, dialect="duckdb"))
    return exp.EQ(this=statements.column(constant.name), expression=value)


def _in_quotes(key: str) -> str:
    r"""A name in a path of JSON.

    Examples:
        >>> _in_quotes("it's")
        "'it\\'s'"
    """
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _literal(text: str) -> str:
    return exp.Literal.string(text).sql("redshift")
